"""What the SDK asks of Prefect's integration once Prefect is imported; see `lineage.orchestrator.Integration`.

Owns that answer alone. Importing it has Prefect's tasks and flows looked at when they are called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect.context import FlowRunContext
from prefect.flows import Flow
from prefect.tasks import Task

from lineage.code_hints import register_deployment
from lineage.orchestrator import Place
from lineage_prefect import deployment, hooks, instrument, surroundings

instrument.attach()
register_deployment(deployment.code)


def place() -> Place | None:
    """See `surroundings.place`. A flow started from a deployment is not called as a flow: its hooks are added here."""
    found = surroundings.place()
    flow = FlowRunContext.get()
    if found is not None and flow is not None and found.body is flow.flow.fn:
        hooks.add_to_flow(flow.flow)
        if flow.flow_run.deployment_id is not None:
            deployment.note(flow.flow_run.deployment_id)
    return found


def adopt(thing: Any, kind: str, options: Mapping[str, Any]) -> Any:
    """A task or flow of Prefect's, tracked; None if it is something else."""
    return instrument.instrument(thing, options) if isinstance(thing, (Task, Flow)) else None
