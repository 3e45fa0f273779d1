"""The dataset that an asset key of Prefect's stands for. Pure: the subscriber reads keys as text."""

from __future__ import annotations

from lineage import datasets, events


def entry(key: str) -> events.DatasetEntry:
    """An asset as a dataset: by our names where the key is the address of a store, else under its scheme and host."""
    try:
        dataset = datasets.coerce(key)
        return events.entry(dataset.namespace, dataset.name)
    except (TypeError, ValueError):
        scheme, _, rest = key.partition("://")
        host, _, path = rest.partition("/")
        return events.entry(f"{scheme}://{host}", path or host)
