"""Where in Prefect the calling code runs, as the SDK's `Place`.

Owns reading Prefect's contexts: the run's attempt, the flow around it, the outermost flow, and what Prefect knows of
them without asking its server. Does not send anything; what is tracked, and when, is `instrument`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import prefect
from prefect.context import FlowRunContext, TaskRunContext
from prefect.settings import get_current_settings

from lineage.facets import Facet, tags
from lineage.orchestrator import Named, Place
from lineage.redact import redact_text
from lineage_prefect import assets, facets, identity, upstream

_MAX_TREES = 1000
_trees: dict[tuple[Any, int], tuple[Named, Named]] = {}


def place() -> Place | None:
    """The attempt of a task or flow run that surrounds the calling code; None outside Prefect."""
    flow = FlowRunContext.get()
    task = TaskRunContext.get()
    if task is not None and _inner(task, flow):
        return _task_place(task, flow)
    if flow is not None and flow.flow_run is not None:
        return _flow_place(flow)
    return None


def _inner(task: Any, flow: Any) -> bool:
    """Whether the task is what runs here; a subflow called by a task runs inside the task's context."""
    if flow is None or flow.flow_run is None:
        return True
    return bool(task.task_run.flow_run_id == flow.flow_run.id)


def _task_place(task: Any, flow: Any) -> Place:
    run = task.task_run
    above, top = (None, None) if flow is None or flow.flow_run is None else _tree(flow)
    named = identity.task_run(run.id, run.run_count, task.task.name, above.job if above is not None else None)
    upstream.remember(run.id, named)
    return Place(
        named,
        parent=above,
        root=top,
        body=task.task.fn,
        prefix=above.job if above is not None else None,
        attempt=max(run.run_count, 1),
        facets=_task_facets(run),
        handed=upstream.values(run.task_inputs),
        received=assets.read,
        made=assets.written,
    )


def _flow_place(flow: Any) -> Place:
    run = flow.flow_run
    above = around(flow)
    named, top = _tree(flow)
    return Place(
        named,
        parent=None if above is None else flow_named(above),
        root=None if above is None else top,
        body=flow.flow.fn,
        prefix=named.job,
        attempt=max(run.run_count, 1),
        facets=_flow_facets(run, flow.flow),
    )


def flow_named(flow: Any) -> Named:
    """The attempt of the flow run in a context."""
    run = flow.flow_run
    return identity.flow_run(run.id, run.run_count, flow.flow.name)


def around(flow: Any) -> Any:
    """The context of the flow that called this one as a subflow, or None.

    A context remembers the one it replaced; Prefect has no other way to know without asking its server.
    """
    run_id = flow.flow_run.id
    while flow is not None and flow.flow_run is not None and flow.flow_run.id == run_id:
        outer = getattr(getattr(flow, "_token", None), "old_value", None)
        flow = outer if isinstance(outer, FlowRunContext) else None
    return flow if flow is not None and flow.flow_run is not None else None


def _tree(flow: Any) -> tuple[Named, Named]:
    """The attempt of a flow and that of the outermost flow around it; worked out once for all of its tasks."""
    key = (flow.flow_run.id, flow.flow_run.run_count)
    found = _trees.get(key)
    if found is None:
        top = flow
        while (further := around(top)) is not None:
            top = further
        found = _trees[key] = (flow_named(flow), flow_named(top))
        if len(_trees) > _MAX_TREES:
            _trees.pop(next(iter(_trees)))
    return found


def _task_facets(run: Any) -> Mapping[str, Facet]:
    details = {"taskRunId": str(run.id), "dynamicKey": run.dynamic_key, "name": redact_text(run.name)}
    if run.flow_run_id is not None:
        details["flowRunId"] = str(run.flow_run_id)
    return {"weftline_prefect": facets.prefect(details), **_tags(run)}


def _tags(run: Any) -> Mapping[str, Facet]:
    return {"tags": tags(dict.fromkeys(map(redact_text, sorted(run.tags)), "true"))} if run.tags else {}


def _flow_facets(run: Any, flow: Any) -> Mapping[str, Facet]:
    details = {
        "flowRunId": str(run.id),
        "name": redact_text(run.name),
        "flowVersion": flow.version,
        "deploymentId": run.deployment_id and str(run.deployment_id),
        "deploymentVersion": getattr(run, "deployment_version", None),
        "workPool": run.work_pool_name,
        "workQueue": run.work_queue_name,
        "url": _url("flow-run", run.id),
    }
    found = {
        "weftline_prefect": facets.prefect(details),
        "processing_engine": facets.engine(prefect.__version__),
        **_tags(run),
    }
    if run.deployment_id is not None and run.expected_start_time is not None:
        found["nominalTime"] = facets.nominal_time(run.expected_start_time)
    return found


def _url(kind: str, run_id: Any) -> str | None:
    base = _ui()
    return None if base is None else f"{base}/runs/{kind}/{run_id}"


@cache
def _ui() -> str | None:
    """Address of Prefect's user interface, which does not change while a process runs."""
    found = get_current_settings().ui_url
    return str(found).rstrip("/") if found else None
