"""What is told of tasks and DAG runs by our listener: beginnings and ends where the provider sends none, and additions.

Owns these events. Ids are `naming`'s, who tells is `provider`'s, and what a tracked function in a task adds comes from
the function itself. Events go to the spool, so nothing here waits for a network.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lineage import facets, settings
from lineage.emit import emitter
from lineage.events import DatasetEntry, now_text, run_event
from lineage.orchestrator import Named
from lineage.redact import redact_event, redact_text
from lineage.runs import error_facet
from lineage_airflow import assets, naming
from lineage_airflow.provider import Teller, decide, decided, of_dag, of_task

_TYPES = {"success": "COMPLETE", "failed": "FAIL", "skipped": "ABORT"}
_MAX_TEXT = 4000


def task_began(ti: Any) -> None:
    """An attempt begins in this process."""
    if settings.current().disabled:
        return
    context = ti.get_template_context()
    teller = decide(ti, ti.task)
    if teller is not Teller.LISTENER or _goes_on(ti, context):
        return
    dag_run = context["dag_run"]
    found = {"weftline_run": facets.run("task", None, [], attempt=ti.try_number), **_times(dag_run)}
    job_facets = {"jobType": _job_type("TASK"), **_described(ti.task)}
    _send("START", naming.task_named(ti, dag_run), _parent(dag_run), found, job_facets, at=ti.start_date)


def task_ended(ti: Any, how: str, error: Any = None) -> None:
    """An attempt ended: in this process, or it was lost, or somebody set its state."""
    if settings.current().disabled:
        return
    if type(ti).__module__.startswith("airflow.models"):
        _set_from_outside(ti, how, error)
        return
    context = ti.get_template_context()
    teller = decided(ti) or of_task(ti, ti.task)
    inputs, outputs = assets.of(ti.task) if how == "success" else ([], [])
    found: dict[str, Any] = {}
    if how == "skipped":
        found["weftline_run"] = facets.run("task", None, [], "skipped", ti.try_number)
    if teller is Teller.LISTENER:
        found.setdefault("weftline_run", facets.run("task", None, [], attempt=ti.try_number))
        found |= _failure(error) if how == "failed" else {}
    elif teller is Teller.NOBODY or not (found or inputs or outputs):
        return
    event_type = _TYPES[how] if teller is Teller.LISTENER else "RUNNING"
    dag_run = context["dag_run"]
    named = naming.task_named(ti, dag_run)
    _send(event_type, named, _parent(dag_run), found, inputs=inputs, outputs=outputs, at=ti.end_date)


def _set_from_outside(ti: Any, how: str, error: Any) -> None:
    """The end of an attempt of which only the database's row is here: lost, or its state set by somebody."""
    if of_task(ti, getattr(ti, "task", None)) is not Teller.LISTENER:
        return
    dag_run = ti.dag_run
    outcome = None if how == "success" else "skipped" if how == "skipped" else "set from outside"
    found = {"weftline_run": facets.run("task", None, [], outcome, ti.try_number)}
    found |= _failure(error) if how == "failed" else {}
    _send(_TYPES[how], naming.task_named(ti, dag_run), _parent(dag_run), found, at=ti.end_date)


def dag_began(dag_run: Any) -> None:
    """A DAG run begins; called in the scheduler."""
    if settings.current().disabled or of_dag(dag_run) is not Teller.LISTENER:
        return
    parent, root = naming.outside(dag_run.conf)
    found = {"weftline_run": facets.run("flow", None, []), **_times(dag_run)}
    job_facets = {"jobType": _job_type("DAG"), **_described(dag_run.dag)}
    above = None if parent is None else (parent, root or parent)
    _send("START", naming.dag_named(dag_run), above, found, job_facets, at=dag_run.start_date)


def dag_ended(dag_run: Any, how: str, msg: str) -> None:
    """A DAG run ends; called in the scheduler, or in the API server if somebody set its state."""
    if settings.current().disabled or of_dag(dag_run) is not Teller.LISTENER:
        return
    parent, root = naming.outside(dag_run.conf)
    found = {"weftline_run": facets.run("flow", None, [])}
    if how == "failed":
        found["errorMessage"] = facets.error_message(redact_text(str(msg)[:_MAX_TEXT]), None)
    above = None if parent is None else (parent, root or parent)
    _send(_TYPES[how], naming.dag_named(dag_run), above, found, at=dag_run.end_date)


def task_process_ends() -> None:
    """The task's process is about to end without its exit handlers."""
    emitter.leave()


def _goes_on(ti: Any, context: Any) -> bool:
    """Whether this attempt has begun before: a sensor was scheduled again, or a deferred task is resumed."""
    if getattr(ti.task, "reschedule", False) and context.get("task_reschedule_count", 0) > 0:
        return True
    return bool(getattr(getattr(ti, "_ti_context_from_server", None), "next_method", None))


def _parent(dag_run: Any) -> tuple[Named, Named]:
    """A task's parent is its DAG run; its root is what the DAG run's configuration says, else the DAG run."""
    own = naming.dag_named(dag_run)
    parent, root = naming.outside(dag_run.conf)
    return own, root or parent or own


def _times(dag_run: Any) -> dict[str, Any]:
    start, end = getattr(dag_run, "data_interval_start", None), getattr(dag_run, "data_interval_end", None)
    if not isinstance(start, datetime):
        return {}
    return {"nominalTime": facets.nominal_time(_text(start), _text(end) if isinstance(end, datetime) else None)}


def _job_type(kind: str) -> facets.Facet:
    return {**facets.job_type(kind), "integration": "AIRFLOW"}


def _described(thing: Any) -> dict[str, Any]:
    """What a task or DAG says about itself."""
    text = getattr(thing, "doc_md", None) or getattr(thing, "doc", None) or getattr(thing, "description", None)
    return {} if not text else {"documentation": facets.job_documentation(redact_text(str(text)[:_MAX_TEXT]))}


def _failure(error: Any) -> dict[str, Any]:
    if isinstance(error, BaseException):
        return {"errorMessage": error_facet(error)}
    return {"errorMessage": facets.error_message(redact_text(str(error)[:_MAX_TEXT]), None)} if error else {}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def _send(
    event_type: str,
    named: Named,
    above: tuple[Named, Named] | None,
    run_facets: dict[str, Any],
    job_facets: dict[str, Any] | None = None,
    inputs: list[DatasetEntry] | None = None,
    outputs: list[DatasetEntry] | None = None,
    at: datetime | None = None,
) -> None:
    job: dict[str, Any] = dict(named.job_entry)
    if job_facets:
        job["facets"] = job_facets
    if above is not None:
        parent, root = above
        run_facets["parent"] = facets.parent(parent.run_id, parent.job_entry, root.run_id, root.job_entry)
    moment = now_text() if at is None else _text(at)
    found, given, made = redact_event([run_facets, inputs or [], outputs or []])
    emitter.emit(run_event(event_type, named.run_id, job, found, given, made, moment))
