"""Which run is active here: in this task of asyncio, in this thread, in this process.

Owns the context variable, the set of root runs in progress, and the rule for threads that were started without a
copy of their starter's context (`threading.Thread` and `ThreadPoolExecutor` do that before Python 3.14): such a thread
belongs to the only root run in progress, if that run holds the main thread and began before the thread did; within
it, to the innermost run of the main thread that began before the thread did. In every other case the thread has no
run; it can be given one with `contextvars.copy_context().run`. Does not start or end runs.
"""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING

from lineage import diagnostics

if TYPE_CHECKING:
    from lineage.runs import Run

_current: ContextVar[Run | None] = ContextVar("lineage_run", default=None)
_roots: dict[str, Run] = {}


def entered() -> Run | None:
    """The run that this context has entered, to be entered again after another one."""
    return _current.get()


def enter(run: Run | None) -> None:
    """Make `run` the current one of this context."""
    _current.set(run)


def current() -> Run | None:
    """The run that code running here belongs to, or None."""
    run = _current.get()
    if run is not None:
        return run
    if _roots and threading.get_ident() != threading.main_thread().ident:
        return _adopted()
    return None


def opened(run: Run) -> None:
    """Note that a run is in progress."""
    if run.parent is None:
        _roots[run.id] = run
    elif run.thread == run.parent.thread:
        run.parent.open_children[run.id] = run


def closed(run: Run) -> None:
    """Note that a run is over."""
    if run.parent is None:
        _roots.pop(run.id, None)
    else:
        run.parent.open_children.pop(run.id, None)


def older_threads() -> frozenset[int | None]:
    """Threads alive now: those a run beginning now cannot have started."""
    if threading.active_count() == 1:
        return frozenset()
    return frozenset(thread.ident for thread in threading.enumerate())


def _adopted() -> Run | None:
    roots = list(_roots.values())
    ident = threading.get_ident()
    main = threading.main_thread().ident
    if len(roots) != 1 or roots[0].thread != main or ident in roots[0].older_threads:
        diagnostics.debug(
            f"this thread has no run: {len(roots)} root runs are in progress and none of them is known to have started "
            "it; start it with contextvars.copy_context().run to keep the run"
        )
        return None
    run = roots[0]
    while True:
        inner = list(run.open_children.values())
        if len(inner) != 1 or ident in inner[0].older_threads:
            break
        run = inner[0]
    diagnostics.debug(f"this thread was started without a context; it is taken to belong to run {run.id} ({run.job})")
    return run


def forget_others() -> None:
    """Drop every root run but the current one: those of other threads never end in a forked child."""
    run = _current.get()
    _roots.clear()
    if run is not None:
        _roots[run.root.id] = run.root


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_others)
