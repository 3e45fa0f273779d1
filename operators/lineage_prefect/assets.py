"""Prefect's assets as datasets.

Owns which assets a task that materializes some reads and writes, as Prefect itself works it out from the tasks
upstream. How a key is called as a dataset is `asset_names`' business.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect.context import AssetContext

from lineage.events import DatasetEntry
from lineage_prefect.asset_names import entry


def read() -> list[DatasetEntry]:
    """Entries for the assets that the running task depends on, if it materializes any."""
    context = AssetContext.get()
    if context is None or not context.downstream_assets:
        return []
    return _entries(context.direct_asset_dependencies | context.upstream_assets)


def written() -> list[DatasetEntry]:
    """Entries for the assets that the running task materializes."""
    context = AssetContext.get()
    return [] if context is None else _entries(context.downstream_assets)


def _entries(assets: Iterable[Any]) -> list[DatasetEntry]:
    return [entry(key) for key in sorted({str(asset.key) for asset in assets})]
