"""`tracked_task` and `tracked_flow`: wrappers that leave a function what it is and record each call as a run.

Owns the four shapes of wrapper (function, coroutine, generator, asynchronous generator). The wrapper is the only
frame of ours in a traceback; values, exceptions, signature and pickling stay the user's. What happens around the call
is `calls`' business.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar, cast, overload

from lineage import diagnostics, orchestrator, streams
from lineage.arguments import Declared
from lineage.calls import UNTRACKED, Call, Tracked, Untracked
from lineage.runs import Kind

_MARK = "__lineage_tracked__"
F = TypeVar("F", bound="Callable[..., Any] | classmethod[Any, ..., Any] | staticmethod[..., Any]")


@overload
def tracked_task(fn: F, /) -> F: ...
@overload
def tracked_task(
    *,
    name: str | None = None,
    kind: Kind = "task",
    inputs: Declared = None,
    outputs: Declared = None,
    params: Collection[str] | None = None,
) -> Callable[[F], F]: ...
def tracked_task(
    fn: Any = None,
    /,
    *,
    name: str | None = None,
    kind: Kind = "task",
    inputs: Declared = None,
    outputs: Declared = None,
    params: Collection[str] | None = None,
) -> Any:
    """Record each call of a function as a run, with or without parentheses.

    Works on functions, coroutine functions, generator functions (the run lasts until they are exhausted or closed),
    methods, class and static methods. What one tracked function returns and another is given becomes an edge by itself.

    Args:
        fn: the function, when used without parentheses.
        name: name of the job; default the function's, after its flow's.
        kind: `side_effect` for a function that is expected to have no inputs or outputs, as a notification.
        inputs: what it reads: a list of datasets, paths or addresses, or a function that answers one; the function is
            given those of the call's arguments that it names.
        outputs: what it writes, likewise; looked at when the function has returned.
        params: names of the arguments to record as parameters, small JSON-like values included; default every
            scalar. `()` records none.
    """
    if fn is not None:
        return _track(fn, name=None, kind=kind, inputs=inputs, outputs=outputs, params=params)
    return lambda target: _track(target, name=name, kind=kind, inputs=inputs, outputs=outputs, params=params)


@overload
def tracked_flow(fn: F, /) -> F: ...
@overload
def tracked_flow(
    *,
    name: str | None = None,
    inputs: Declared = None,
    outputs: Declared = None,
    params: Collection[str] | None = None,
) -> Callable[[F], F]: ...
def tracked_flow(
    fn: Any = None,
    /,
    *,
    name: str | None = None,
    inputs: Declared = None,
    outputs: Declared = None,
    params: Collection[str] | None = None,
) -> Any:
    """The same for a function that calls tasks: their jobs are named `<flow>.<task>`. See `tracked_task`."""
    if fn is not None:
        return _track(fn, name=None, kind="flow", inputs=inputs, outputs=outputs, params=params)
    return lambda target: _track(target, name=name, kind="flow", inputs=inputs, outputs=outputs, params=params)


def _track(fn: Any, **options: Any) -> Any:
    if isinstance(fn, (classmethod, staticmethod)):
        return type(fn)(_track(fn.__func__, **options))
    if not isinstance(fn, FunctionType):
        adopted = orchestrator.adopted(fn, options["kind"], options)
        if adopted is not None:
            return adopted
    if isinstance(fn, type) or not callable(fn):
        diagnostics.warn_once(
            f"decorate:{fn!r:.200}",
            f"{fn!r:.200} is not tracked: decorate functions and methods, not a {type(fn).__name__}",
        )
        return fn
    tracked = Tracked(fn, **options)
    if inspect.isasyncgenfunction(fn):
        wrapper = _async_generator(tracked)
    elif inspect.isgeneratorfunction(fn):
        wrapper = _generator(tracked)
    elif inspect.iscoroutinefunction(fn):
        wrapper = _coroutine(tracked)
    else:
        wrapper = _function(tracked)
    vars(wrapper)[_MARK] = True
    return wrapper


def is_tracked(fn: Any) -> bool:
    """Whether calls of a function are recorded: it is one of our wrappers, or wrapped around one."""
    return getattr(fn, _MARK, False) is True


def _function(tracked: Tracked[..., Any]) -> Callable[..., Any]:
    fn = tracked.fn

    @wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        call: Call | Untracked = UNTRACKED
        try:
            call = tracked.begin(args, kwargs)
            call.enter()
            result = fn(*args, **kwargs)
            call.complete(result)
            return result
        except BaseException as error:
            call.fail(error)
            raise
        finally:
            call.leave()

    return wrapper


def _coroutine(tracked: Tracked[..., Any]) -> Callable[..., Any]:
    fn = cast("Callable[..., Awaitable[Any]]", tracked.fn)

    @wraps(fn)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        call: Call | Untracked = UNTRACKED
        try:
            call = tracked.begin(args, kwargs)
            call.enter()
            result = await fn(*args, **kwargs)
            call.complete(result)
            return result
        except BaseException as error:
            call.fail(error)
            raise
        finally:
            call.leave()

    return wrapper


def _generator(tracked: Tracked[..., Any]) -> Callable[..., Any]:
    fn = cast("Callable[..., Generator[Any, Any, Any]]", tracked.fn)

    @wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        inner = fn(*args, **kwargs)
        call = tracked.begin(args, kwargs, stream=True)
        step: Callable[[Any], Any] = inner.send
        given: Any = None
        streamed = False
        try:
            while True:
                try:
                    call.resume()
                    item = step(given)
                except StopIteration as stop:
                    call.suspend()
                    call.exhausted(given if isinstance(given, GeneratorExit) else None, streamed)
                    return stop.value
                except BaseException as error:
                    given = None  # it may be this very error: no cycle through our frame
                    call.suspend()
                    call.exhausted(error, streamed)
                    raise
                call.suspend()
                call.yielded(item)
                streamed = True
                try:
                    given = yield item
                    step = inner.send
                except BaseException as error:
                    given, step = error, inner.throw
        finally:
            call.leave()

    streams.tracks(cast("FunctionType", wrapper))
    return wrapper


def _async_generator(tracked: Tracked[..., Any]) -> Callable[..., Any]:
    fn = cast("Callable[..., AsyncGenerator[Any, Any]]", tracked.fn)

    @wraps(fn)
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner = fn(*args, **kwargs)
        call = tracked.begin(args, kwargs, stream=True)
        step: Callable[[Any], Awaitable[Any]] = inner.asend
        given: Any = None
        streamed = False
        try:
            while True:
                try:
                    call.resume()
                    item = await step(given)
                except StopAsyncIteration:
                    call.suspend()
                    call.exhausted(given if isinstance(given, GeneratorExit) else None, streamed)
                    return
                except BaseException as error:
                    given = None  # it may be this very error: no cycle through our frame
                    call.suspend()
                    call.exhausted(error, streamed)
                    raise
                call.suspend()
                call.yielded(item)
                streamed = True
                try:
                    given = yield item
                    step = inner.asend
                except BaseException as error:
                    given, step = error, inner.athrow
        finally:
            call.leave()

    streams.tracks(cast("FunctionType", wrapper))
    return wrapper
