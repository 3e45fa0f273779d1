"""Prefect 3: flows and tasks tell their lineage.

    from lineage_prefect import tracked_flow, tracked_task

    @tracked_task(retries=2)
    def clean(rows): ...

Owns the public names and nothing else; each is loaded when it is first used, so that neither `lineage` nor its command
imports Prefect. `lineage.tracked_task` and `lineage.tracked_flow` work too, above or below Prefect's own decorators.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage_prefect.blocks import LineageServer
    from lineage_prefect.decorators import track, tracked_flow, tracked_task

__all__ = ["LineageServer", "track", "tracked_flow", "tracked_task"]

_HOME = {"LineageServer": "blocks", "track": "decorators", "tracked_flow": "decorators", "tracked_task": "decorators"}


def __getattr__(name: str) -> Any:
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module 'lineage_prefect' has no attribute {name!r}") from None
    value = getattr(import_module(f"lineage_prefect.{home}"), name)
    globals()[name] = value
    return value
