"""The process-wide entry of everything that emits: one sink, replaceable in tests, renewed after a fork.

`emit` never raises and never waits for a network; it waits for a disk only after the last event of a root run, at most
200 ms. This module owns which spool is in use and what happens at the process's end; how records are stored is
`spool`, how they travel is `delivery`.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Any, Protocol

from lineage import diagnostics, settings
from lineage.emit import ending, launcher, spooldir
from lineage.emit.files import SYSTEM, Files
from lineage.emit.flusher import Flusher
from lineage.emit.payload import encode
from lineage.emit.spool import DROPPED, SEGMENT_BYTES, Spool
from lineage.emit.spooldir import Drained, SpoolStatus
from lineage.settings import Settings

SYNC_SECONDS = 0.2
_LAUNCH_SECONDS = 1.0
_LIFECYCLE = frozenset({"START", "COMPLETE", "FAIL", "ABORT"})


class Sink(Protocol):
    """Where events go."""

    def emit(self, event: Mapping[str, Any], *, terminal_of_root: bool = False) -> int:
        """Take an event. Returns its sequence, 0 when it is queued, -1 when it was dropped."""
        ...

    def sync(self, timeout: float) -> bool:
        """Wait until what was taken survives a power cut; False after `timeout` seconds."""
        ...

    def status(self) -> SpoolStatus:
        """What waits, and why."""
        ...

    def close(self) -> None:
        """The process ends, or the sink is replaced."""


@dataclass(slots=True)
class _Line:
    """A spool with its flusher, for as long as project, destination and folder stay the same."""

    settings: Settings
    spool: Spool
    flusher: Flusher


class SpoolSink:
    """The default sink: this process's segments in the spool folder of the settings."""

    def __init__(self, files: Files = SYSTEM) -> None:
        self._files = files
        self._lock = RLock()
        self._line: _Line | None = None

    def emit(self, event: Mapping[str, Any], *, terminal_of_root: bool = False) -> int:
        now = settings.current()
        if now.disabled:
            return DROPPED
        line = self._line
        if line is None or line.settings is not now or line.spool.pid != os.getpid():
            line = self._line_for(now)
        payload = encode(event, now.event_bytes)
        lifecycle = terminal_of_root or event.get("eventType") in _LIFECYCLE
        sequence = line.spool.append(payload, lifecycle=lifecycle)
        line.flusher.kick()
        if terminal_of_root:
            line.flusher.sync(SYNC_SECONDS)
        return sequence

    def _line_for(self, now: Settings) -> _Line:
        with self._lock:
            line = self._line
            if line is not None and line.spool.pid != os.getpid():
                self.forked()
                line = None
            if line is not None and _same_spool(line.settings, now):
                line.settings = now
                return line
            if line is not None:
                self._end(line)
                line.flusher.stop(at_once=False)
            spool = Spool(
                roots_of(now),
                project=now.project,
                destination=now.destination,
                cap=now.spool_bytes,
                # Only a finished segment can be removed: several must fit below the cap.
                segment_bytes=min(SEGMENT_BYTES, now.spool_bytes // 8),
                files=self._files,
            )
            line = self._line = _Line(now, spool, Flusher(spool, lambda: launcher.tend(spool)))
            return line

    def sync(self, timeout: float) -> bool:
        line = self._line
        return line is None or line.flusher.sync(timeout)

    def status(self) -> SpoolStatus:
        line = self._line
        return spooldir.status(roots_of(settings.current()), line.spool if line else None)

    def client_id(self) -> str:
        """The uuid this process's sequences count under."""
        line = self._line
        now = settings.current()
        if line is None or line.settings is not now or line.spool.pid != os.getpid():
            line = self._line_for(now)
        return line.spool.client

    def drain(self, timeout: float) -> Drained:
        """Wait until the service has everything this process emitted, at most `timeout` seconds."""
        line = self._line
        if line is None:
            return Drained(0, None)
        return ending.drain(line.spool, line.flusher, timeout)

    def close(self) -> None:
        with self._lock:
            line, self._line = self._line, None
            if line is not None:
                self._end(line)
                ending.finish(line.spool, line.flusher, line.settings)
                line.flusher.stop(at_once=True)

    def _end(self, line: _Line) -> None:
        line.spool.seal()
        if not line.flusher.sync(SYNC_SECONDS * 5):
            diagnostics.debug("the spool could not be synced in time")

    def leave(self) -> None:
        """See to it that a sender is at work, for what others left in the spool too; then as `close`."""
        line = self._line_for(settings.current())
        line.flusher.perform(lambda: launcher.ensure(line.spool, insist=True), _LAUNCH_SECONDS)
        self.close()
        launcher.let_go()

    def forked(self) -> None:
        """In a child: the parent's spool stays the parent's."""
        self._lock = RLock()
        line, self._line = self._line, None
        if line is not None:
            line.spool.abandon_after_fork()


def _same_spool(one: Settings, other: Settings) -> bool:
    return (one.project, one.destination, one.spool_dir, one.spool_bytes) == (
        other.project,
        other.destination,
        other.spool_dir,
        other.spool_bytes,
    )


def roots_of(now: Settings) -> tuple[str, ...]:
    """Spool folders to try in order: the configured one, then one in the temporary directory."""
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    return os.fspath(now.spool_dir), os.path.join(settings.temporary_directory(), f"lineage-spool-{owner}")


_default = SpoolSink()
_sink: Sink = _default


def emit(event: Mapping[str, Any], *, terminal_of_root: bool = False) -> int:
    """Put an event on its way; it survives this process when this returns.

    Returns its sequence (from 1), 0 when a re-entrant call queued it, -1 when it was dropped. Never raises.
    """
    try:
        return _sink.emit(event, terminal_of_root=terminal_of_root)
    except Exception as error:
        diagnostics.warn_once(f"emit:{type(error).__name__}", f"an event could not be recorded: {error!r}")
        return DROPPED


@contextmanager
def use(sink: Sink) -> Iterator[Sink]:
    """Send the events of the whole process to `sink` for the duration of the block."""
    global _sink
    before, _sink = _sink, sink
    try:
        yield sink
    finally:
        _sink = before


def sync(timeout: float = 1.0) -> bool:
    """Wait until every event so far survives a power cut; False after `timeout` seconds."""
    return _sink.sync(timeout)


def status() -> SpoolStatus:
    """What waits in the spool (of all processes), and why."""
    return _sink.status()


def drain(timeout: float) -> Drained:
    """Wait until the service has what this process emitted; says how many records are left and why."""
    return _default.drain(timeout)


def client_id() -> str:
    """The uuid under which this process's sequences count."""
    return _default.client_id()


def leave() -> None:
    """End what this process has to say as its exit would, for a process whose exit handlers never run.

    Also sees to it that somebody delivers what forks of this process left in the spool. Never raises.
    """
    try:
        if not settings.current().disabled:
            _default.leave()
    except Exception as error:
        diagnostics.debug(f"leaving: {error!r}")


def unreachable_since() -> float | None:
    """Since when the service does not answer, in seconds since the epoch; None when nothing is known to be wrong.

    Costs one small file; `status` counts the whole spool.
    """
    now = settings.current()
    if _sink is not _default or now.url is None:
        return None
    states = (spooldir.load_state(root, now.destination) for root in roots_of(now))
    return next((state.unreachable_since for state in states if state is not None), None)


def _after_fork_in_child() -> None:
    for sink in {_default, _sink}:
        if isinstance(sink, SpoolSink):
            sink.forked()


def _at_exit() -> None:
    for sink in {_sink, _default}:
        try:
            sink.close()
        except Exception as error:
            diagnostics.debug(f"at exit: {error!r}")


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
