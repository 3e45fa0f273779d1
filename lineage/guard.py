"""The one guard between our code and the user's.

Owns the promise that no exception of ours escapes into a user's call. Everything the SDK does inside a user's
process enters through a function wrapped here, which also makes it the place that knows whose code is at work
(`ours`). It does not catch `KeyboardInterrupt`, `SystemExit` and their like: those belong to the user.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from lineage import diagnostics
from lineage.errors import UsageError

P = ParamSpec("P")
T = TypeVar("T")


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
        finally:
            _depth.calls -= 1

    return inner


def _report(place: str, error: Exception) -> None:
    """Say what failed; a failing report is given up, there is nobody left to tell."""
    try:
        if isinstance(error, UsageError):
            call = place.rpartition(".")[2]
            diagnostics.warn_once(f"guard:{place}:{error}", f"{call}: not recorded, {error}"[:500])
            return
        text = f"{type(error).__name__}: {error}"[:500]
        diagnostics.warn_once(
            f"guard:{place}:{type(error).__name__}",
            f"{place} failed, your code goes on and this record is incomplete ({text}). "
            "LINEAGE_DEBUG=1 shows where; please report it.",
        )
        diagnostics.debug("".join(traceback.format_exception(error)))
    except Exception:
        return
