"""One sender per spool folder and service, as far as the file system can promise it.

For economy only: two senders at once do no harm. Where locks do not work (some network file systems) everybody gets
one.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress

from lineage.emit.spooldir import state_path

_PATIENCE_SECONDS = 0.25
_ATTEMPTS = 10
_TAKEN = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})


_held: set[int] = set()


class Lease:
    """The right to send one folder's records to one service, while this object is held."""

    def __init__(self, root: str, destination: str) -> None:
        self.path = state_path(root, destination, "sender") + ".lock"
        self._fd = -1

    def acquire(self) -> bool:
        """Take it; False when another process has it."""
        # Somebody who only looks (`is_held`) has it for an instant: that must not turn a sender away.
        for _ in range(_ATTEMPTS):
            if self.take():
                self._sign()
                return True
            time.sleep(_PATIENCE_SECONDS / _ATTEMPTS)
        return False

    def take(self) -> bool:
        """Take it if nobody has it this instant."""
        if self._fd >= 0:
            return True
        try:
            fd = os.open(self.path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError:
            return True
        try:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            pass
        except OSError as error:
            if error.errno in _TAKEN:
                os.close(fd)
                return False
        self._fd = fd
        _held.add(fd)
        return True

    def _sign(self) -> None:
        if self._fd >= 0:
            with suppress(OSError):
                os.ftruncate(self._fd, 0)
                os.pwrite(self._fd, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Give it up."""
        fd, self._fd = self._fd, -1
        _close(fd)


def holder(root: str, destination: str) -> int | None:
    """The process id of the sender at work, None when there is none."""
    if not is_held(root, destination):
        return None
    try:
        with open(Lease(root, destination).path, encoding="ascii") as file:
            return int(file.read() or "0") or None
    except (OSError, ValueError):
        return None


def is_held(root: str, destination: str) -> bool:
    """Whether a sender is at work."""
    lease = Lease(root, destination)
    free = lease.take()
    lease.release()
    return not free


def _close(fd: int) -> None:
    if fd in _held:
        _held.discard(fd)
        with suppress(OSError):
            os.close(fd)


def _after_fork_in_child() -> None:
    # The lock belongs to the open file, which a child shares: it would keep the lease of a parent that is killed.
    for fd in list(_held):
        _close(fd)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
