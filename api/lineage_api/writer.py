"""The one thread that writes `registry.db`: many requests, one transaction, one fsync.

Owns the queue in front of the journal, its bound, and the hand-back of results to the event loop after commit. A
submission is acknowledged only when its transaction is durable. Does not look into records.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lineage_api.journal.record import Committed, Entry, Item, Project
from lineage_api.journal.sequencer import Sequencer
from lineage_api.logs import logger
from lineage_api.problem import Kind, Problem

GROUP_ITEMS = 2_000
"""Items of one transaction; bounds how long the others wait behind it."""

GATHER_SECONDS = 0.004
"""Longest wait for a group to fill."""

log = logger("writer")


class _Submission:
    __slots__ = ("future", "items", "size")

    def __init__(self, items: Sequence[Item], size: int, future: asyncio.Future[Committed]) -> None:
        self.items = items
        self.size = size
        self.future = future


@dataclass(frozen=True, slots=True)
class _NewProject:
    name: str
    future: asyncio.Future[Project]


class WriterStats:
    """Counters the metrics read; written by the writer thread only."""

    __slots__ = ("commit_seconds", "failures", "groups", "items")

    def __init__(self) -> None:
        self.groups = 0
        self.items = 0
        self.failures = 0
        self.commit_seconds = 0.0


class Writer:
    """Queue and thread. `submit` and `project` belong to the event loop's thread.

    Args:
        on_commit: called on the event loop with the newest journal number after each transaction.
    """

    def __init__(
        self, sequencer: Sequencer, loop: asyncio.AbstractEventLoop, on_commit: Callable[[int], None], queue_bytes: int
    ) -> None:
        self._sequencer = sequencer
        self._loop = loop
        self._on_commit = on_commit
        self._queue_bytes = queue_bytes
        self._waiting = 0
        self._queue: deque[_Submission | _NewProject | None] = deque()
        self._target = 1
        self._woken = threading.Lock()  # a binary semaphore: released by whoever queues, taken by the thread
        self.stats = WriterStats()
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """Bytes submitted and not yet durable."""
        return self._waiting

    def submit(self, items: Sequence[Item]) -> asyncio.Future[Committed]:
        """Hand items to the journal; the future is done when they are durable, or failed.

        Raises:
            Problem: 503, the queue is full.
        """
        size = sum(len(item.packed) for item in items if isinstance(item, Entry))
        if self._waiting + size > self._queue_bytes:
            raise Problem(Kind.UNAVAILABLE, "The journal's queue is full; send it again.", headers={"Retry-After": "1"})
        future: asyncio.Future[Committed] = self._loop.create_future()
        self._waiting += size
        self._put(_Submission(items, size, future))
        return future

    def known(self, full_name: str) -> Project | None:
        """The project of that name, if there is one."""
        return self._sequencer.projects.get(full_name)

    def project(self, full_name: str) -> asyncio.Future[Project]:
        """The project of that name, made in the writer thread if it is new."""
        future: asyncio.Future[Project] = self._loop.create_future()
        known = self._sequencer.projects.get(full_name)
        if known is not None:
            future.set_result(known)
            return future
        self._put(_NewProject(full_name, future))
        return future

    def close(self) -> None:
        """Write what is queued, then end the thread. Blocks; call it off the event loop."""
        self._put(None)
        self._thread.join()

    def _put(self, entry: _Submission | _NewProject | None) -> None:
        """Queue something; the thread is woken only when as much is there as it waits for."""
        self._queue.append(entry)
        if len(self._queue) >= self._target or not isinstance(entry, _Submission):
            try:
                self._woken.release()
            except RuntimeError:
                pass  # it is awake already, or about to be

    def _run(self) -> None:
        # Clients that were just answered are likely to send again at once, like those that queued during the commit:
        # waiting for as many, and no longer than a commit takes, halves the number of commits under load and delays
        # nobody who is alone.
        expected, gather = 1, 0.0
        queue = self._queue
        while True:
            self._target = 1
            while not queue:
                self._woken.acquire()
            deadline = time.perf_counter() + gather
            self._target = expected
            while len(queue) < expected and (left := deadline - time.perf_counter()) > 0:
                self._woken.acquire(timeout=left)
            group: list[_Submission] = []
            items = 0
            head: _Submission | _NewProject | None = None
            while queue and items < GROUP_ITEMS:
                head = queue.popleft()
                if not isinstance(head, _Submission):
                    break
                group.append(head)
                items += len(head.items)
            if group:
                begun = time.perf_counter()
                self._commit(group)
                gather = min(time.perf_counter() - begun, GATHER_SECONDS)
                expected = len(group) + len(queue)
            if head is None:
                return
            if isinstance(head, _NewProject):
                self._make_project(head.name, head.future)

    def _make_project(self, full_name: str, future: asyncio.Future[Project]) -> None:
        try:
            project = self._sequencer.ensure_project(full_name)
        except Exception as error:
            self._post([(future, _unavailable(error))], 0)
        else:
            self._post([(future, project)], 0)

    def _commit(self, group: list[_Submission]) -> None:
        begin = time.perf_counter()
        results: list[tuple[asyncio.Future[Any], Any]]
        try:
            answers = self._sequencer.commit([submission.items for submission in group])
            results = [(submission.future, answer) for submission, answer in zip(group, answers, strict=True)]
        except Exception as error:
            if len(group) > 1:  # one submission must not take the others with it
                for submission in group:
                    self._commit([submission])
                return
            results = [(submission.future, _unavailable(error)) for submission in group]
        stats = self.stats
        stats.groups += 1
        stats.items += sum(len(submission.items) for submission in group)
        stats.commit_seconds += time.perf_counter() - begin
        self._post(results, sum(submission.size for submission in group))

    def _post(self, results: list[tuple[asyncio.Future[Any], Any]], size: int) -> None:
        try:
            self._loop.call_soon_threadsafe(self._deliver, results, size, self._sequencer.last_seq)
        except RuntimeError:
            pass  # the loop is gone, and with it everybody who waited

    def _deliver(self, results: list[tuple[asyncio.Future[Any], Any]], size: int, last_seq: int) -> None:
        self._waiting -= size
        self._on_commit(last_seq)
        for future, result in results:
            if future.done():
                continue  # the client went away; the record is durable all the same
            if isinstance(result, Problem):
                self.stats.failures += 1
                future.set_exception(result)
            else:
                future.set_result(result)


def _unavailable(error: Exception) -> Problem:
    log.error("journal write failed", exc_info=error)
    return Problem(
        Kind.UNAVAILABLE,
        "The journal could not be written (see the server's log); nothing of this request was kept.",
        headers={"Retry-After": "5"},
    )
