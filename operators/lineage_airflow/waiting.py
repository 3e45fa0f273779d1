"""Whether a version of a dataset is there: the question that sensor and trigger ask the service."""

from __future__ import annotations

from datetime import datetime

from lineage.client import Client, NotFound
from lineage.errors import UsageError
from lineage.refs import DatasetRef, Ref, parse


def dataset_ref(text: str) -> DatasetRef:
    """A dataset named by a reference, or by its address.

    Raises:
        UsageError: it names something else.
    """
    found: Ref = parse(text)
    if isinstance(found, DatasetRef):
        return found
    if "://" not in text:
        raise UsageError(f"{text!r} names no dataset; write dataset:<namespace>#<name>[@version], or an address")
    from lineage.datasets import Dataset

    named = Dataset(text)
    return DatasetRef(named.namespace, named.name, None)


def version_of(client: Client, wanted: DatasetRef, since: datetime | None) -> str | None:
    """The version waited for, as `scheme:value`; None while it is not there.

    Args:
        client: the service.
        wanted: with a version, that one; without, the newest that was made at or after `since`.
        since: a time; None for any version that a run has made.
    """
    if wanted.version is not None:
        found = client.candidates(wanted)
        versions = [item for item in found if item["kind"] == "DatasetVersion" and item["time"] is not None]
        return str(versions[0]["version"]) if versions else None
    try:
        dataset = client.resolve(wanted)
    except NotFound:
        return None
    made = [item for item in client.get(f"/datasets/{dataset['id']}")["versions"] if item["time"] is not None]
    fresh = [item for item in made if since is None or datetime.fromisoformat(item["time"]) >= since]
    if not fresh:
        return None
    newest = max(fresh, key=lambda item: str(item["time"]))
    return f"{newest['scheme']}:{newest['value']}"
