"""Airflow's assets as datasets: what a task declares in `inlets` and `outlets`.

Owns the step from an asset's address to a dataset's name. The OpenLineage provider drops every asset whose scheme no
installed provider converts; here an address is read as everywhere else in the SDK.
"""

from __future__ import annotations

from typing import Any

from lineage import diagnostics, events
from lineage.datasets import Dataset

NAMESPACE = "airflow"
"""Of assets that have a name and no address."""


def of(task: Any) -> tuple[list[events.DatasetEntry], list[events.DatasetEntry]]:
    """Entries for a task's inlets and outlets."""
    return _entries(getattr(task, "inlets", ())), _entries(getattr(task, "outlets", ()))


def _entries(assets: Any) -> list[events.DatasetEntry]:
    found = []
    for asset in assets or ():
        uri = getattr(asset, "uri", None)
        if not isinstance(uri, str) or not uri:  # an alias, or a reference by name alone
            continue
        dataset = dataset_of(uri)
        if dataset is not None:
            found.append(events.entry(dataset.namespace, dataset.name))
    return found


def dataset_of(uri: str) -> Dataset | None:
    """The dataset at an asset's address; None where that cannot be read."""
    try:
        return Dataset(uri) if "://" in uri else Dataset(NAMESPACE, uri)
    except (TypeError, ValueError) as error:
        diagnostics.debug(f"asset {uri[:200]!r} is no dataset: {error}")
        return None
