"""What a tracked call in an Airflow task is: the task's own run, or a part of it.

Owns the answers that `lineage.orchestrator` asks for: the place of the code running here, and how Airflow's own objects
(`@task` functions, operators) are made to be tracked. Beginning and end are told by `lifecycle` or by the OpenLineage
provider; XComs are `xcom`'s.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial, wraps
from typing import Any

from lineage import code_hints, facets
from lineage.orchestrator import Place
from lineage.redact import redact_text
from lineage_airflow import naming, xcom
from lineage_airflow.provider import Teller, decided


class _Known:
    """The place last answered; a process runs one attempt at a time."""

    ti: Any = None
    place: Place | None = None


def place() -> Place | None:
    """The attempt of a task that surrounds the calling code."""
    context = _context()
    if context is None:
        return None
    ti = context["ti"]
    if ti is not _Known.ti:
        _Known.ti, _Known.place = ti, _place(ti, context)
    return _Known.place


def _place(ti: Any, context: Mapping[str, Any]) -> Place:
    dag_run = context["dag_run"]
    named = naming.task_named(ti, dag_run)
    parent, root = naming.outside(dag_run.conf)
    return Place(
        named,
        parent=naming.dag_named(dag_run),
        root=root or parent,
        body=_body(ti.task),
        prefix=named.job,
        attempt=ti.try_number,
        facets=_facets(ti),
        told=decided(ti) in (Teller.PROVIDER, Teller.LISTENER),
        received=partial(xcom.received, ti),
        returned=partial(xcom.returned, ti),
    )


def adopt(thing: Any, kind: str, options: Mapping[str, Any]) -> Any:
    """A `@task` function or an operator that records itself; None for anything else."""
    from lineage.decorators import tracked_task

    given = {key: value for key, value in options.items() if value is not None}
    if getattr(type(thing), "_airflow_is_task_decorator", False):
        made = copy.copy(thing)
        made.function = tracked_task(**given)(thing.function)
        return made
    if _is_operator(thing):
        _track_operator(thing, tracked_task(**given))
        return thing
    return None


def _is_operator(thing: Any) -> bool:
    from airflow.sdk.bases.operator import BaseOperator

    return isinstance(thing, BaseOperator)


def _track_operator(operator: Any, track: Any) -> None:
    """Have an operator's `execute` record the attempt; Airflow runs a copy of the operator, its fields rendered."""
    execute = type(operator).execute

    @wraps(execute)
    def tell(context: Any) -> Any:
        return execute(context["ti"].task, context)

    operator.execute = track(tell)


def _body(task: Any) -> Any:
    """The function that is the task: the operator's own `execute` where that is tracked, else the one it calls."""
    own = vars(task).get("execute") if hasattr(task, "__dict__") else None
    return own or getattr(task, "python_callable", None)


def _facets(ti: Any) -> dict[str, Any]:
    """What links a run back to Airflow."""
    url = getattr(ti, "log_url", None)
    tags = {"airflow.dag_id": ti.dag_id, "airflow.task_id": ti.task_id, "airflow.run_id": ti.run_id}
    if ti.map_index is not None and ti.map_index >= 0:
        tags["airflow.map_index"] = str(ti.map_index)
    if url:
        tags["airflow.log_url"] = str(url)
    return {"tags": facets.tags({key: redact_text(value) for key, value in tags.items()})}


def _context() -> Mapping[str, Any] | None:
    from airflow.sdk import get_current_context

    try:
        found: Mapping[str, Any] = get_current_context()
    except RuntimeError:  # no task runs here
        return None
    return found


def _deployment() -> Mapping[str, Any] | None:
    """The bundle that the running DAG was read from, where that is a repository at a known commit."""
    bundle = getattr(_Known.ti, "bundle_instance", None)
    commit, repository = getattr(bundle, "version", None), getattr(bundle, "repo_url", None)
    if not commit or not repository:
        return None
    return {"repository": repository, "commit": commit, "branch": getattr(bundle, "tracking_ref", None)}


code_hints.register_deployment(_deployment)
