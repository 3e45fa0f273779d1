"""Hooks of Prefect's: what the body of a task or flow cannot tell, because it did not run or was ended from outside.

Owns which hooks a task or flow gets, and the events they send: cached results, failures without a body, timeouts that
could not interrupt, cancelled and crashed flows. Everything goes to the run id that the body would have used.
"""

from __future__ import annotations

from typing import Any

from prefect.context import FlowRunContext
from prefect.results import should_persist_result
from prefect.settings import get_current_settings

from lineage import active, orchestrator, settings
from lineage import facets as standard
from lineage.emit import emitter
from lineage.events import run_event
from lineage.guard import guarded
from lineage.increments import clean
from lineage.orchestrator import Named, Place
from lineage.runs import Run
from lineage_prefect import caching, identity, states, surroundings

_FLOW_HOOKS = ("on_failure", "on_cancellation", "on_crashed")


def add_to_task(task: Any) -> None:
    """Add the hooks that this task can need, each once; whenever one is called, it costs two lines of Prefect's log."""
    _add(task.on_failure_hooks, task_failed)
    if task_completed not in task.on_completion_hooks and _may_be_cached(task):
        task.on_completion_hooks.append(task_completed)


def add_to_flow(flow: Any) -> None:
    """Add the hooks of a flow, each once."""
    for name in _FLOW_HOOKS:
        hooks = getattr(flow, f"{name}_hooks")
        _add(hooks, flow_ended)


def _add(hooks: list[Any], hook: Any) -> None:
    if hook not in hooks:
        hooks.append(hook)


def _may_be_cached(task: Any) -> bool:
    """Whether Prefect may take the task's result from a cache: only results that are persisted are kept in one."""
    if task.persist_result is not None:
        return bool(task.persist_result)
    around = FlowRunContext.get()
    if around is not None and around.persist_result:
        return True
    default = get_current_settings().tasks.default_persist_result
    return bool(default) if default is not None else bool(should_persist_result())


def task_completed(task: Any, task_run: Any, state: Any) -> None:
    """The task is over; tell of it if its result came from a cache, remember it if its result may go there."""
    _task_completed(task, task_run, state)


@guarded
def _task_completed(task: Any, task_run: Any, state: Any) -> None:
    place = surroundings.place()
    if settings.current().disabled or place is None:
        return
    if state.name != "Cached":
        caching.stored(state, place.run)
        return
    run = Run(task.name, "task", parent=active.current(), place=place, itself=True)
    run.begin()
    run.increment({"weftline_cached": caching.used(run, task_run, state)})
    run.end(outcome="cached")


def task_failed(task: Any, task_run: Any, state: Any) -> None:
    """The task has failed; tell how, where its function does not know."""
    _task_failed(state)


@guarded
def _task_failed(state: Any) -> None:
    place = surroundings.place()
    if settings.current().disabled or place is None:
        return
    _tell(place.run, place, "task", state)


def flow_ended(flow: Any, flow_run: Any, state: Any) -> None:
    """The flow was cancelled, has crashed or failed, perhaps in another process than the one this is told in."""
    _flow_ended(flow, flow_run, state)


@guarded
def _flow_ended(flow: Any, flow_run: Any, state: Any) -> None:
    if settings.current().disabled:
        return
    named = identity.flow_run(flow_run.id, flow_run.run_count, flow.name)
    _tell(named, surroundings.place(), "flow", state)


def _tell(named: Named, place: Place | None, kind: str, state: Any) -> None:
    """Send the end of a run, unless its body has told it and there is no word to add."""
    # A hook for cancelling runs before the run is cancelled: the state is not final yet.
    event_type, outcome = states.ending(str(state.type.value), state.name) or ("ABORT", "cancelled")
    told = orchestrator.end_of(named.run_id)
    if outcome is None and told in (event_type, "FAIL"):
        return
    attempt = place.attempt if place is not None and place.run == named else None
    found: dict[str, Any] = {"weftline_run": standard.run(kind, None, (), outcome, attempt)}
    if event_type == "FAIL":
        message = states.message({"message": state.message, "name": state.name}) or str(state.name)
        found["errorMessage"] = standard.error_message(clean("message", message), None)
    if place is not None and place.run == named and place.parent is not None:
        parent, top = place.parent, place.top
        found["parent"] = standard.parent(parent.run_id, parent.job_entry, top.run_id, top.job_entry)
    emitter.emit(run_event(event_type, named.run_id, named.job_entry, found), terminal_of_root=kind == "flow")
    orchestrator.ended(named.run_id, event_type)
