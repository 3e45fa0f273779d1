"""Prefect's tasks and flows made to be tracked, wherever our decorator stands.

Owns two things: putting the tracked function in a task's or flow's place of the user's (`instrument`), and looking at
each task and flow when it is called (`attach`), which is the first moment at which it is known that a decorator stood
below Prefect's, that the flow around it was given to `track`, or that its result may come from a cache. Prefect's
options are never touched: only the function inside, and the lists of hooks, which get one of ours at their end.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from prefect.context import FlowRunContext
from prefect.flows import Flow
from prefect.tasks import Task

from lineage import decorators
from lineage.guard import guarded
from lineage_prefect import hooks

_ALL = "__lineage_tasks__"
"""Marks a flow all of whose tasks are tracked."""
_CALLS: tuple[tuple[type, str], ...] = (
    (Task, "__call__"),
    (Task, "submit"),
    (Task, "map"),
    (Task, "apply_async"),
    (Flow, "__call__"),
)


def instrument(thing: Any, options: Mapping[str, Any]) -> Any:
    """Track a task or flow with the options of our decorators; answers the same object."""
    _unnest(thing)
    if not decorators.is_tracked(thing.fn):
        known = {key: value for key, value in options.items() if key not in ("name", "kind")}
        if isinstance(thing, Flow):
            thing.fn = decorators.tracked_flow(**known)(thing.fn)
        else:
            thing.fn = decorators.tracked_task(**{"kind": "task", **options, "name": None})(thing.fn)
    attach()
    return thing


def instrument_all(flow: Any) -> Any:
    """Track a flow, its subflows and every task called in them."""
    instrument(flow, {})
    vars(flow)[_ALL] = True
    return flow


def attach() -> None:
    """Have each task and flow looked at when it is called; once per process."""
    if not hasattr(Task.__call__, "__lineage_attached__"):
        for owner, name in _CALLS:
            look = _look_at_task if owner is Task else _look_at_flow
            setattr(owner, name, _looking(getattr(owner, name), look))


def _looking(method: Callable[..., Any], look: Callable[[Any], None]) -> Callable[..., Any]:
    safe = guarded(look)

    @wraps(method)
    def looking(self: Any, *args: Any, **kwargs: Any) -> Any:
        safe(self)
        return method(self, *args, **kwargs)

    vars(looking)["__lineage_attached__"] = True
    return looking


def _look_at_task(task: Any) -> None:
    _unnest(task)
    if not decorators.is_tracked(task.fn):
        if not _in_tracked_flow():
            return
        instrument(task, {})
    hooks.add_to_task(task)


def _look_at_flow(flow: Any) -> None:
    _unnest(flow)
    if _in_tracked_flow() and not getattr(flow, _ALL, False):
        instrument_all(flow)
    if decorators.is_tracked(flow.fn):
        hooks.add_to_flow(flow)


def _in_tracked_flow() -> bool:
    around = FlowRunContext.get()
    return around is not None and getattr(around.flow, _ALL, False)


def _unnest(thing: Any) -> None:
    """Take the function out of a task inside a task: `lineage_prefect`'s decorator stood below Prefect's own."""
    if isinstance(thing.fn, (Task, Flow)):
        thing.fn = thing.fn.fn
        thing.isasync = inspect.iscoroutinefunction(thing.fn) or inspect.isasyncgenfunction(thing.fn)
        thing.isgenerator = inspect.isgeneratorfunction(thing.fn) or inspect.isasyncgenfunction(thing.fn)
