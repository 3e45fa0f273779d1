"""What the SDK asks of Prefect's integration once Prefect is imported; see `lineage.orchestrator.Integration`.

Owns that answer alone. Importing it has Prefect's tasks and flows looked at when they are called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect.flows import Flow
from prefect.tasks import Task

from lineage_prefect import instrument
from lineage_prefect.surroundings import place

__all__ = ["adopt", "place"]

instrument.attach()


def adopt(thing: Any, kind: str, options: Mapping[str, Any]) -> Any:
    """A task or flow of Prefect's, tracked; None if it is something else."""
    return instrument.instrument(thing, options) if isinstance(thing, (Task, Flow)) else None
