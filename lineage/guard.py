"""The one guard between our code and the user's.

Owns the promise that no exception of ours escapes into a user's call. Everything the SDK does inside a user's
process enters through a function wrapped here, which also makes it the place that knows whose code is at work
(`ours`). `KeyboardInterrupt` belongs to the user, and so do `SystemExit` and its like where a signal's handler, a
cancellation or a time limit raises them; where a method of a user's object does that we called (`__str__`, `__len__`
…), they are swallowed as any other failure of ours.
"""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from lineage import diagnostics
from lineage.errors import UsageError

P = ParamSpec("P")
T = TypeVar("T")


# Libraries that stop code by raising what is no `Exception` in the middle of it.
_CANCELLERS = frozenset({"asyncio", "trio", "anyio", "curio", "gevent", "greenlet", "eventlet"})


class _Depth(threading.local):
    calls = 0


_depth = _Depth()


def ours() -> bool:
    """Whether this thread is in our code at the moment: what it reads or writes then is not the user's doing."""
    return _depth.calls > 0


def guarded(fn: Callable[P, T]) -> Callable[P, T | None]:
    """Make `fn` answer None, and warn once per place, instead of raising an `Exception`."""

    @wraps(fn)
    def inner(*args: P.args, **kwargs: P.kwargs) -> T | None:
        _depth.calls += 1
        try:
            return fn(*args, **kwargs)
        except Exception as error:
            _report(fn.__module__ + "." + fn.__qualname__, error)
            return None
        except BaseException as error:
            if not _by_an_object(error):
                raise
            _report(fn.__module__ + "." + fn.__qualname__, error)
            return None
        finally:
            _depth.calls -= 1

    return inner


def _by_an_object(error: BaseException) -> bool:
    """Whether a user's object we looked at has raised this, and not somebody who wants this code to stop."""
    if isinstance(error, (KeyboardInterrupt, GeneratorExit)):
        return False
    if any(kind.__module__.partition(".")[0] in _CANCELLERS for kind in type(error).__mro__):
        return False
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    codes = {getattr(handler, "__code__", None) for handler in handlers}
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    innermost = str(frames[-1].f_globals.get("__name__", "")).partition(".")[0]
    return innermost != "lineage" and not any(frame.f_code in codes for frame in frames)


def _report(place: str, error: BaseException) -> None:
    """Say what failed; a failing report is given up, there is nobody left to tell."""
    try:
        if isinstance(error, UsageError):
            call = place.rpartition(".")[2]
            text = f"{error}"[:400]
            diagnostics.warn_once(f"guard:{place}:{text}", f"{call}: not recorded, {text}")
            return
        text = type(error).__name__ if not isinstance(error, Exception) else f"{type(error).__name__}: {error}"[:500]
        diagnostics.warn_once(
            f"guard:{place}:{type(error).__name__}",
            f"{place} failed, your code goes on and this record is incomplete ({text}). "
            "LINEAGE_DEBUG=1 shows where; please report it.",
        )
        diagnostics.debug("".join(traceback.format_exception(error)))
    except BaseException as failure:
        if isinstance(failure, KeyboardInterrupt):
            raise
