"""`tracked_task`, `tracked_flow` and `track` for code that Prefect runs.

Owns which options are ours and which are Prefect's, and nothing else: a function becomes a task or flow of Prefect's
with all options that are not ours, and that is tracked (`instrument`). Given a task or a flow, the decorators track it
as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

import prefect
from prefect.flows import Flow
from prefect.tasks import Task

from lineage_prefect import instrument

P = ParamSpec("P")
R = TypeVar("R")

_OURS = frozenset({"kind", "inputs", "outputs", "params"})


@overload
def tracked_task(fn: Task[P, R] | Callable[P, R], /) -> Task[P, R]: ...
@overload
def tracked_task(**options: Any) -> Callable[[Task[P, R] | Callable[P, R]], Task[P, R]]: ...
def tracked_task(fn: Any = None, /, **options: Any) -> Any:
    """A Prefect task whose runs are recorded: instead of Prefect's `@task`, above it, or below it.

    Args:
        fn: a function, or a task.
        options: `kind`, `inputs`, `outputs` and `params` as of `lineage.tracked_task`; every other one is Prefect's
            (`name`, `retries`, `cache_policy`, `timeout_seconds`, `persist_result` …).
    """
    return _decorator(prefect.task, Task, options) if fn is None else _decorator(prefect.task, Task, options)(fn)


@overload
def tracked_flow(fn: Flow[P, R] | Callable[P, R], /) -> Flow[P, R]: ...
@overload
def tracked_flow(**options: Any) -> Callable[[Flow[P, R] | Callable[P, R]], Flow[P, R]]: ...
def tracked_flow(fn: Any = None, /, **options: Any) -> Any:
    """A Prefect flow whose runs are recorded: instead of Prefect's `@flow`, above it, or below it.

    Args:
        fn: a function, or a flow.
        options: `inputs`, `outputs` and `params` as of `lineage.tracked_flow`; every other one is Prefect's.
    """
    return _decorator(prefect.flow, Flow, options) if fn is None else _decorator(prefect.flow, Flow, options)(fn)


def track(flow: Flow[P, R]) -> Flow[P, R]:
    """Track a flow and every task and subflow it calls, without touching their code; answers the same flow.

    Raises:
        TypeError: it is no flow of Prefect's.
    """
    if not isinstance(flow, Flow):
        raise TypeError(f"track() takes a Prefect flow, not a {type(flow).__name__}: put @flow above the function")
    tracked: Flow[P, R] = instrument.instrument_all(flow)
    return tracked


def _decorator(theirs: Callable[..., Any], kind: type[Any], options: dict[str, Any]) -> Callable[[Any], Any]:
    ours = {key: value for key, value in options.items() if key in _OURS}
    rest = {key: value for key, value in options.items() if key not in _OURS}

    def decorate(fn: Any) -> Any:
        if isinstance(fn, kind):
            thing = fn.with_options(**rest) if rest else fn
        else:
            thing = theirs(**rest)(fn) if rest else theirs(fn)
        return instrument.instrument(thing, ours)

    return decorate
