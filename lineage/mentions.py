"""Datasets as events mention them: what a user names, described as far as it can be at this moment.

Owns the step from a `Dataset`, `Model`, path or address to a member of an event's `inputs` or `outputs`. Naming is
`datasets`' and `naming`'s, digests are `digests`', values handed from task to task are `passing`'s and `returned`'s.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

from lineage import diagnostics, events, facets
from lineage.datasets import Dataset, Model, coerce
from lineage.digests import describe_dataset

if TYPE_CHECKING:
    from collections.abc import Iterable

Nameable: TypeAlias = "Dataset | str | PathLike[str]"


def mention(thing: Nameable, extra: dict[str, Any] | None = None) -> events.DatasetEntry | None:
    """The entry of a dataset, with digest and schema where they are at hand; None (and a warning) if it names none."""
    try:
        dataset = coerce(thing)
    except (TypeError, ValueError) as error:
        diagnostics.warn_once(
            f"dataset:{type(thing).__name__}:{error}",
            f"not recorded: {error}; values passed from one tracked task to another are followed by themselves",
        )
        return None
    found = describe_dataset(dataset).facets
    return events.entry(dataset.namespace, dataset.name, {**_by_content(found), **(extra or {})})


def _by_content(found: dict[str, Any]) -> dict[str, Any]:
    """A version that is a digest is told as one, so that it is the same version as where the content was seen."""
    version = found.get("version", {}).get("datasetVersion", "")
    if not version.startswith("sha256:"):
        return found
    rest = {key: value for key, value in found.items() if key != "version"}
    content = {"algorithm": "sha256", "value": version.removeprefix("sha256:"), "exact": True}
    return {**rest, "weftline_digest": facets.digest(content)}


def mentions(things: Iterable[Nameable]) -> list[events.DatasetEntry]:
    """The entries of several; one that cannot be described does not cost the others."""
    found = []
    for thing in things:
        try:
            entry = mention(thing)
        except Exception as error:
            diagnostics.warn_once(f"mention:{thing!r:.200}", f"{thing!r:.200} is not recorded: {error}")
            continue
        if entry is not None:
            found.append(entry)
    return found


def reference(thing: Dataset | str) -> dict[str, str]:
    """A dataset or model as facets name it; a bare name is that of a registered model."""
    dataset = Model(thing) if isinstance(thing, str) else thing
    found = {"namespace": dataset.namespace, "name": dataset.name}
    if dataset.version is not None:
        found["version"] = dataset.version
    return found


def file_entry(path: str | PathLike[str], name: str | None) -> events.DatasetEntry | None:
    """The entry of a file that a run wrote, with the label a user gave it."""
    return mention(Dataset(path, type="FILE", description=name))
