"""Making sure somebody delivers: a sender process of its own, or a thread in here where that cannot be.

Always called on the flusher's thread, never in a caller. A thread is used as PID 1 (the container ends with this
process), while records are only in memory, and where no process can be started. Imports happen under a guard that a
fork waits for: a child forked in the middle of an import would wait for ever for the importing thread it does not
have.
"""

from __future__ import annotations

import _thread
import os
import sys
import time
from typing import TYPE_CHECKING

from lineage import diagnostics, settings
from lineage.emit import spooldir
from lineage.emit.lease import is_held
from lineage.emit.segment import MemorySegment
from lineage.emit.spool import Spool
from lineage.settings import LOCAL, Settings

if TYPE_CHECKING:
    import subprocess

_HANDSHAKE_SECONDS = 10.0
_LONGEST_INTERVAL = 60.0
# Both may hold a credential; they travel through the pipe, not in an environment that outlives the task.
_SECRET = frozenset({"LINEAGE_TOKEN", "LINEAGE_URL"})
_FORK_WAITS_SECONDS = 2.0


class _Launches:
    """When a sender was started last, whether it got going, and the guard that forks wait for."""

    def __init__(self) -> None:
        self.guard = _thread.allocate_lock()
        self.held_for_fork = False
        self.next = float("-inf")
        self.interval = 1.0
        self.inside = False
        self.no_process = False
        self.starting: subprocess.Popen[bytes] | None = None
        self.starting_since = 0.0


_launches = _Launches()


def tend(spool: Spool) -> bool:
    """Measure the spool's folder and see to it that a sender is at work; False when this must be looked at again."""
    root = spool.root
    if root is not None:
        spool.measured(spooldir.used_bytes(root))
    return ensure(spool)


def ensure(spool: Spool, *, insist: bool = False) -> bool:
    """Start a sender unless one is at work or none is needed; False while a started one has not reported yet.

    Args:
        insist: even if the last one ended soon and the next is not due, because this process will not ask again.
    """
    now = settings.current()
    if spool.destination == LOCAL or now.url is None or now.destination != spool.destination or _launches.inside:
        return True
    if not _is_started():
        return False
    root = spool.root or spool.roots[0]
    if not spool.in_memory and is_held(root, spool.destination):
        _launches.interval = 1.0
        return True
    if time.monotonic() < _launches.next and not insist and not spool.in_memory:
        return True
    _launches.next = time.monotonic() + _launches.interval
    _launches.interval = min(_LONGEST_INTERVAL, _launches.interval * 2)
    needs_thread = spool.in_memory or os.getpid() == 1 or _launches.no_process or not _is_python(sys.executable)
    if not needs_thread and _start_process(root, now):
        return False
    _start_thread(spool, root, now)
    return True


def _is_python(executable: str | None) -> bool:
    """Whether it is an interpreter: in a frozen or embedding program it is that program, which must not start again."""
    return not getattr(sys, "frozen", False) and os.path.basename(executable or "").startswith(("python", "pypy"))


def _start_process(root: str, now: Settings) -> bool:
    orders = {"root": root, "url": now.url, "idle": now.sender_idle, "token": now.token_text}
    environment = {name: value for name, value in os.environ.items() if name not in _SECRET}
    try:
        with _launches.guard:
            import subprocess

            import orjson

            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "lineage.emit.sender"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=root,
                env=environment,
                start_new_session=True,
            )
        _launches.starting, _launches.starting_since = process, time.monotonic()
        if process.stdin is not None:
            with process.stdin as orders_pipe:
                orders_pipe.write(orjson.dumps(orders) + b"\n")
        return True
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        diagnostics.debug(f"no sender process: {error!r}")
        _launches.no_process = True
        return False


def _is_started() -> bool:
    """Whether the process started last has detached (its first half has ended) or has failed to."""
    process = _launches.starting
    if process is None:
        return True
    code = process.poll()
    if code is None and time.monotonic() - _launches.starting_since < _HANDSHAKE_SECONDS:
        return False
    if code is None:
        process.kill()
        code = process.wait()
    if code != 0:
        diagnostics.debug(f"no sender process (exit {code}): sending from a thread of this process")
        _launches.no_process = True
    _launches.starting = None
    return True


def let_go() -> None:
    """The process ends: a sender that is just starting does so on its own."""
    process, _launches.starting = _launches.starting, None
    if process is not None and process.poll() is None:
        process.returncode = 0


def _start_thread(spool: Spool, root: str, now: Settings) -> None:
    def work() -> None:
        try:
            from lineage.emit.sender import Sender
            from lineage.emit.stored import HeldSegment, Source

            with _launches.guard:
                import httpx2  # noqa: F401
                import zstandard  # noqa: F401

            def held() -> list[Source]:
                segment = spool.segment
                return [HeldSegment(spool, segment)] if isinstance(segment, MemorySegment) else []

            Sender(
                root,
                now.url or "",
                lambda: settings.current().token(),
                idle=now.sender_idle,
                held=held if spool.in_memory else None,
            ).run()
        except Exception as error:
            diagnostics.debug(f"sender thread: {error!r}")
        finally:
            _launches.inside = False

    _launches.inside = True
    try:
        _thread.start_new_thread(work, ())
    except RuntimeError:  # the interpreter is ending: this thread is the last one there is
        work()


def _before_fork() -> None:
    _launches.held_for_fork = _launches.guard.acquire(timeout=_FORK_WAITS_SECONDS)


def _after_fork_in_parent() -> None:
    if _launches.held_for_fork:
        _launches.held_for_fork = False
        _launches.guard.release()


def _after_fork_in_child() -> None:
    _launches.__init__()  # type: ignore[misc]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
