"""The one background thread of the emitting side: groups syncs, repairs the spool, and keeps a sender running.

It sleeps without waking while nothing is appended. Callers only put into a re-entrant queue, so kicking it is safe from
signal handlers and finalisers. It starts with `_thread` because `threading.Thread.start` takes a lock that a signal
handler may already have interrupted.
"""

from __future__ import annotations

import _thread
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from lineage import diagnostics
from lineage.emit.segment import Segment
from lineage.emit.spool import Spool

GROUP_SECONDS = 0.02
TEND_SECONDS = 1.0


class _Request:
    """Somebody waits for the next sync, and perhaps for a job after it."""

    def __init__(self, job: Callable[[], object] | None) -> None:
        self.job = job
        self.done = _thread.allocate_lock()
        self.done.acquire()

    def run(self) -> None:
        try:
            if self.job is not None:
                self.job()
        except Exception as error:
            diagnostics.debug(f"flusher: {error!r}")
        finally:
            self.done.release()


class Flusher:
    """Syncs one spool within 50 ms of an append.

    Args:
        tend: called at most once a second while records come in; False when it wants to be called again.
    """

    def __init__(self, spool: Spool, tend: Callable[[], bool]) -> None:
        self._spool = spool
        self._tend = tend
        self._queue: SimpleQueue[_Request | None] = SimpleQueue()
        self._dirty = False
        self._running = False
        self._tended = float("-inf")
        self._owes_tending = False
        self._stopping = False
        self._at_once = False

    def kick(self) -> None:
        """Something was appended."""
        if not self._dirty or not self._running:
            self._dirty = True
            self._owes_tending = True
            self._queue.put(None)
            self._start()

    def sync(self, timeout: float) -> bool:
        """Wait until everything appended so far is synced; False when that took longer than `timeout` seconds."""
        return self.perform(None, timeout)

    def perform(self, job: Callable[[], object] | None, timeout: float) -> bool:
        """Sync, then run a job on this thread, and wait for it at most `timeout` seconds; False when it took longer."""
        request = _Request(job)
        self._queue.put(request)
        return self._start() and request.done.acquire(timeout=timeout)

    def stop(self, *, at_once: bool) -> None:
        """End the thread: at once, or when nothing is left that only memory holds."""
        self._stopping = True
        self._at_once = at_once
        self._queue.put(None)

    def _start(self) -> bool:
        if self._running:
            return True
        self._running = True
        try:
            _thread.start_new_thread(self._run, ())
        except RuntimeError as error:  # no more threads, or the interpreter is ending
            self._running = False
            diagnostics.debug(f"flusher: {error}")
        return self._running

    def _run(self) -> None:
        while True:
            requests: list[_Request] = []
            try:
                first = self._queue.get(timeout=self._pause())
                if first is None:
                    first = self._queue.get(timeout=GROUP_SECONDS)
                while first is not None:
                    requests.append(first)
                    first = self._queue.get_nowait()
            except Empty:
                pass
            if self._stopping and self._at_once and not requests:
                self._running = False
                return
            self._dirty = False
            try:
                self.flush()
            except Exception as error:
                diagnostics.warn_once("flusher", f"syncing the spool failed: {error!r}")
            for request in requests:
                request.run()
            self._owes_tending = self._owes_tending or self._spool.untold > 0
            self._tend_if_due()
            if self._stopping and (self._at_once or not (self._spool.in_memory or self._spool.untold)):
                self._running = False
                return

    def _pause(self) -> float | None:
        if self._spool.in_memory or self._spool.untold:
            return TEND_SECONDS
        if self._owes_tending:
            return max(0.0, self._tended + TEND_SECONDS - time.monotonic())
        return None

    def _tend_if_due(self) -> None:
        if not self._owes_tending or time.monotonic() < self._tended + TEND_SECONDS:
            return
        self._tended = time.monotonic()
        self._owes_tending = False
        try:
            self._owes_tending = not self._tend() or self._owes_tending
        except Exception as error:
            diagnostics.debug(f"flusher: {error!r}")

    def flush(self) -> None:
        """Repair, then sync what was written; on the flusher's thread, or at exit where no thread can start."""
        spool = self._spool
        spool.repair()
        while spool.retired:
            segment = spool.retired.popleft()
            _sync(segment)
            segment.close()
        if spool.segment is not None:
            _sync(spool.segment)


def _sync(segment: Segment) -> None:
    try:
        segment.sync()
    except OSError as error:  # what was written is still in the kernel: only a power cut could take it now
        diagnostics.warn_once("sync", f"the spool cannot be synced: {error}")
