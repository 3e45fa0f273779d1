"""Sending what is in a spool folder to a service: batches, what answers mean, retries, removing what is done.

Used by the sender process, by `lineage spool sync`, and by the embedded service for records marked `local`. Correct
with any number of these at once: the service drops records it has, a segment is removed only when everything in it is
settled.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from lineage import diagnostics
from lineage.emit import dead
from lineage.emit.backoff import Backoff, retry_after
from lineage.emit.clock import SYSTEM_CLOCK, Clock
from lineage.emit.record import RecordType
from lineage.emit.spooldir import LineState, save_state
from lineage.emit.stored import Source, StoredSegment, order, segment_paths
from lineage.emit.tracked import Entry, Tracked, set_aside_unreadable
from lineage.emit.wire import Answer, Item, Poster
from lineage.errors import SpoolFormatError

if TYPE_CHECKING:
    import httpx2

BATCH_RECORDS = 500
BATCH_BYTES = 4 << 20
# After a failure a few records are enough to find out whether the service is back.
PROBE_RECORDS = 20
_DELIVERED = frozenset({200, 201, 409})
_REFUSED = frozenset({400, 413, 422})


@dataclass(slots=True)
class Report:
    """What a delivery did.

    Args:
        delivered: records the service has durably, gap records included.
        dead: records it refused; they are in the dead-letter file.
        left: records still waiting.
        reason: why they wait, None when none does.
    """

    delivered: int = 0
    dead: int = 0
    left: int = 0
    reason: str | None = None


@dataclass(slots=True)
class Round:
    """One pass over a spool folder: whether anything moved or waits, and when another try makes sense."""

    moved: bool = False
    waits: int = 0
    pause: float = 0.0
    refusals: int = 0
    reason: str | None = None


@dataclass(slots=True)
class _Batch:
    project: str
    most: int
    entries: list[Entry] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    targets: list[Entry] = field(default_factory=list)
    looked_at: list[Tracked] = field(default_factory=list)
    size: int = 0

    def is_full(self) -> bool:
        return len(self.lines) >= self.most or self.size >= BATCH_BYTES


class Delivery:
    """Delivers one spool folder to one service.

    Args:
        destinations: which segments to take, by the destination in their header; None for all.
        held: segments in this process's memory, when the sender runs inside it.
    """

    def __init__(
        self,
        root: str,
        poster: Poster,
        *,
        destinations: frozenset[str] | None,
        clock: Clock = SYSTEM_CLOCK,
        rng: random.Random | None = None,
        held: Callable[[], list[Source]] = list,
    ) -> None:
        self.report = Report()
        self._held = held
        self._root = root
        self._poster = poster
        self._destinations = destinations
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, keeps no secret
        self._tracked: dict[str, Tracked | None] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._high_water: dict[str, int] = {}
        self._refusals = 0
        self._line = LineState(poster.url, None, None, None)

    def round(self, deadline: float) -> Round:
        """Send one batch for each project that is due; returns before the monotonic time `deadline`, roughly."""
        outcome = Round()
        pauses: list[float] = []
        for project, members in self._by_project().items():
            backoff = self._backoffs.setdefault(project, Backoff(self._rng))
            now = self._clock.monotonic()
            if backoff.remaining(now) > 0:
                pauses.append(backoff.remaining(now))
                outcome.reason = outcome.reason or self._line.last_error
                continue
            batch = self._gather(project, members, PROBE_RECORDS if backoff.failures else BATCH_RECORDS)
            if batch.lines and now < deadline:
                answer = self._send(batch.targets, batch.lines, project, deadline)
                self._note(answer)
                if answer.error is None and any(entry.settled for entry in batch.targets):
                    backoff.succeeded()
                    outcome.moved = True
                else:
                    wish = retry_after(answer.retry_after, self._clock.wall())
                    backoff.failed(self._clock.monotonic(), wish)
                    pauses.append(backoff.remaining(self._clock.monotonic()))
                    outcome.reason = answer.error or "the service kept records for later"
            self._settle(batch)
            outcome.waits += sum(1 for entry in batch.targets if not entry.settled)
            outcome.moved = self._remove_done(batch.looked_at) or outcome.moved
        outcome.pause = min(pauses, default=0.0)
        outcome.refusals = self._refusals
        return outcome

    def has_work(self) -> bool:
        """Whether any record of these destinations is not settled."""
        wall = self._clock.wall()
        groups = self._by_project().values()
        return any(not entry.settled for members in groups for t in members for entry in _readable(t, wall))

    def left(self) -> int:
        """Records in segments of these destinations that are not settled, those of foreign writers included."""
        count = 0
        for tracked in (tracked for members in self._by_project().values() for tracked in members):
            with suppress(OSError):
                count += sum(1 for entry in tracked.pending(finished=False) if not entry.settled)
        return count

    def _by_project(self) -> dict[str, list[Tracked]]:
        held = {source.path: source for source in self._held()}
        paths = {*segment_paths(self._root), *held}
        for gone in self._tracked.keys() - paths:
            del self._tracked[gone]
        for path in paths - self._tracked.keys():
            try:
                segment = held.get(path) or StoredSegment(path)
            except SpoolFormatError as error:
                set_aside_unreadable(self._root, path, error, self._clock.wall())
                continue
            except OSError:
                continue
            wanted = self._destinations is None or segment.header.destination in self._destinations
            self._tracked[path] = Tracked(segment, self._root) if wanted else None
        projects: dict[str, list[Tracked]] = {}
        for tracked in sorted((t for t in self._tracked.values() if t), key=lambda t: order(t.segment.header)):
            projects.setdefault(tracked.segment.header.project, []).append(tracked)
        return projects

    def _gather(self, project: str, members: Iterable[Tracked], most: int) -> _Batch:
        batch = _Batch(project, most)
        sent_at = _timestamp(self._clock.wall())
        for tracked in members:
            batch.looked_at.append(tracked)
            for entry in _readable(tracked, self._clock.wall()):
                if batch.is_full():
                    return batch
                batch.entries.append(entry)
                if not entry.settled:
                    line = _line(entry, project, sent_at)
                    batch.lines.append(line)
                    batch.targets.append(entry)
                    batch.size += len(line)
        return batch

    def _send(self, entries: list[Entry], lines: list[bytes], project: str, deadline: float) -> Answer:
        """Send records, splitting a batch that is refused as a whole until the record it is refused for is alone."""
        seconds = max(0.1, deadline - self._clock.monotonic())
        answer = self._poster.post(project, lines, seconds)
        if answer.status in _REFUSED:
            if len(entries) == 1:
                self._bury(entries, {0: Item(answer.status, answer.problem)})
                return Answer(207)
            middle = len(entries) // 2
            first = self._send(entries[:middle], lines[:middle], project, deadline)
            second = self._send(entries[middle:], lines[middle:], project, deadline)
            return second if second.error else first
        for index, entry in enumerate(entries):
            item = answer.items.get(index)
            if item is not None and item.status in _DELIVERED:
                entry.settled = True
                self.report.delivered += 1
        self._bury(entries, {i: item for i, item in answer.items.items() if item.status in _REFUSED})
        self._high_water.update(answer.high_water)
        return answer

    def _bury(self, entries: list[Entry], refused: dict[int, Item]) -> None:
        if not refused:
            return
        letters = []
        for index, item in refused.items():
            entry, header = entries[index], entries[index].tracked.segment.header
            letters.append(
                dead.DeadLetter(
                    client=header.client,
                    sequence=entry.sequence,
                    type=entry.type,
                    project=header.project,
                    destination=header.destination,
                    status=item.status,
                    reason=item.problem,
                    at=self._clock.wall(),
                    payload=entry.payload.decode("utf-8", "replace"),
                )
            )
        try:
            dead.add(self._root, letters)
        except OSError as error:  # without a place to keep them they stay where they are
            diagnostics.warn_once("dead", f"refused records cannot be set aside in {self._root}: {error}")
            return
        self.report.dead += len(letters)
        for index in refused:
            entries[index].settled = True

    def _settle(self, batch: _Batch) -> None:
        by_segment: dict[int, list[Entry]] = {}
        for entry in batch.entries:
            by_segment.setdefault(id(entry.tracked), []).append(entry)
        for entries in by_segment.values():
            entries[0].tracked.settle(entries, self._high_water)

    def _remove_done(self, members: list[Tracked]) -> bool:
        removed = False
        for tracked in members:
            if tracked.is_done(self._clock.wall()):
                tracked.segment.remove()
                removed = True
        return removed

    def _note(self, answer: Answer) -> None:
        wall = self._clock.wall()
        before = self._line
        self._refusals = self._refusals + 1 if answer.status in (401, 403) else 0
        if answer.error is None:
            self._line = LineState(self._poster.url, None, None, wall)
        else:
            self._line = LineState(
                self._poster.url, answer.error, before.unreachable_since or wall, before.last_success
            )
        if (before.last_error, before.last_success is None) != (self._line.last_error, self._line.last_success is None):
            save_state(self._root, self._line)


def _readable(tracked: Tracked, wall: float) -> Iterable[Entry]:
    """Records of a segment this process may take: not those of a foreign writer that may still be at it."""
    finished = tracked.segment.is_finished(wall)
    if finished is None:
        return
    try:
        yield from tracked.pending(finished=finished)
    except OSError:  # removed by another sender meanwhile
        return


def _line(entry: Entry, project: str, sent_at: bytes) -> bytes:
    head = orjson.dumps({"client": entry.tracked.segment.header.client, "sequence": entry.sequence, "project": project})
    word = b"gap" if entry.type == RecordType.GAP else b"event"
    return b'%s,"sent_at":"%s","%s":%s}' % (head[:-1], sent_at, word, entry.payload)


def _timestamp(wall: float) -> bytes:
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()


def deliver(
    spool_dir: str,
    url: str,
    token: str | Callable[[], str | None] | None,
    *,
    destinations: Iterable[str] | None = None,
    timeout: float = 30.0,
    clock: Clock = SYSTEM_CLOCK,
    transport: httpx2.BaseTransport | None = None,
    rng: random.Random | None = None,
) -> Report:
    """Send what a spool folder holds until it is empty or `timeout` seconds are over.

    Args:
        spool_dir: the spool's root.
        url: the service.
        token: credential, or what to ask for it before each request.
        destinations: take only segments marked for one of these (`{"local"}`, an address); all when None.

    Returns:
        Counts, and why records are left. Nothing the network or the service does raises.
    """
    ask = token if callable(token) else lambda: token
    wanted = frozenset(destinations) if destinations is not None else None
    with Poster(url, ask, transport=transport) as poster:
        delivery = Delivery(spool_dir, poster, destinations=wanted, clock=clock, rng=rng)
        deadline = clock.monotonic() + timeout
        while True:
            outcome = delivery.round(deadline)
            now = clock.monotonic()
            if now >= deadline or (not outcome.moved and (outcome.pause == 0 or now + outcome.pause >= deadline)):
                break
            if not outcome.moved:
                clock.sleep(outcome.pause)
        report = delivery.report
        report.left = delivery.left()
        if report.left:
            foreign = "another host or container wrote them and may still be writing"
            report.reason = outcome.reason or ("out of time" if clock.monotonic() >= deadline else foreign)
        return report
