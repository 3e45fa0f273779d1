"""This process's end of the spool: sequences, the lock, rotation, the cap, and what happens when a write fails.

`append` returns after `write(2)`: the record survives this process. It never raises for anything the disk does, and
never blocks on another thread's disk. A signal handler or a finaliser that appends while its own thread is inside
`append` is queued and written right after; an interruption in the middle (KeyboardInterrupt, an asynchronous
exception) is reconciled with the file at the next append. Syncing, and everything slow, is the flusher's; delivering
is the sender's.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import RLock

from lineage import diagnostics
from lineage.emit.files import SYSTEM, Files
from lineage.emit.gaps import NO_SPACE, Gaps, Reason, reason_of
from lineage.emit.process import this_process
from lineage.emit.record import Record, RecordType, SegmentHeader, pack, scan, unpack_header
from lineage.emit.segment import FileSegment, MemorySegment, Segment
from lineage.errors import SpoolFormatError

SEGMENT_BYTES = 16 << 20
SEGMENTS = "segments"
DROPPED = -1
QUEUED = 0
_ATTEMPTS = 3


def _new_client() -> str:
    """A random UUID (version 4); the `uuid` module would cost every task's start."""
    number = int.from_bytes(os.urandom(16), "big") & ~(0xF << 76) & ~(0x3 << 62) | (0x4 << 76) | (0x2 << 62)
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


class Spool:
    """The segments of one client: one process, one project, one destination.

    Args:
        roots: spool folders to try in order; when none can be written, records stay in memory (16 MiB).
        cap: bytes the whole spool may take; starts and ends of runs may use an eighth more.
    """

    def __init__(
        self,
        roots: Sequence[str],
        *,
        project: str,
        destination: str,
        cap: int = 2 << 30,
        files: Files = SYSTEM,
        now: Callable[[], float] = time.time,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        self.client = _new_client()
        self.project = project
        self.destination = destination
        self.pid = os.getpid()
        self.roots = tuple(roots)
        self.retired: deque[Segment] = deque()
        self._cap = cap
        self._files = files
        self._now = now
        self._segment_bytes = segment_bytes
        self._lock = RLock()
        self._busy = False
        self._uncertain = False
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self._segment: Segment | None = None
        self._root: str | None = None
        self._index = 0
        self._next = 1
        self._first_here = 1
        self._sealed: dict[str, tuple[int, int]] = {}
        self._gaps = Gaps()
        self._measured = 0
        self._written = 0

    # what others may ask

    @property
    def segment(self) -> Segment | None:
        """The segment being written, None before the first record."""
        return self._segment

    @property
    def last_sequence(self) -> int:
        """The highest sequence given out."""
        return self._next - 1

    @property
    def in_memory(self) -> bool:
        """Whether records are in memory because no folder could be written."""
        return isinstance(self._segment, MemorySegment)

    @property
    def root(self) -> str | None:
        """The spool folder in use, None before the first record and while no folder can be written."""
        return self._root

    @property
    def untold(self) -> int:
        """Records dropped and not yet in a gap record."""
        return self._gaps.count()

    def held_in_memory(self) -> int:
        """Records that are only in memory."""
        segment = self._segment
        return len(self._records(segment)) if isinstance(segment, MemorySegment) else 0

    # appending

    def append(self, payload: bytes, *, lifecycle: bool = True) -> int:
        """Store one event. Returns its sequence, 0 when queued by a re-entrant call, -1 when dropped."""
        with self._lock:
            if self._busy:
                self._waiting.append((payload, lifecycle))
                return QUEUED
            sequence = self._exclusively(payload, lifecycle)
            while self._waiting:
                self._exclusively(*self._waiting.popleft())
            return sequence

    def _exclusively(self, payload: bytes, lifecycle: bool) -> int:
        self._busy = True
        try:
            return self._append(payload, lifecycle)
        finally:
            self._busy = False

    def _append(self, payload: bytes, lifecycle: bool) -> int:
        if self._uncertain:
            self._reconcile()
        limit = self._cap + (self._cap >> 3 if lifecycle else 0)
        if self._measured + self._written + len(payload) > limit:
            return self._drop(Reason.SPOOL_FULL)
        # Gaps go in one write with the event that fits again: alone, they would fill the last bytes of a full disk.
        failure = self._store([*self._untold(), (RecordType.EVENT, payload)])
        if failure is not None:
            return self._drop(failure)
        self._gaps.clear()
        return self._next - 1

    def _drop(self, reason: Reason) -> int:
        self._gaps.drop(self._next, reason)
        self._next += 1
        diagnostics.warn_once(
            f"dropped:{reason}",
            f"records are being dropped and counted ({reason}): free space for the spool {self.roots[0]}",
        )
        return DROPPED

    def _untold(self) -> list[tuple[RecordType, bytes]]:
        return [(RecordType.GAP, gap.payload()) for gap in self._gaps] if self._gaps else []

    def _store(self, records: list[tuple[RecordType, bytes]]) -> Reason | None:
        """Write records under the next sequences, all or none; None, or why it could not be."""
        frame = b"".join([pack(sequence, *record) for sequence, record in enumerate(records, self._next)])
        reason = Reason.WRITE_ERROR
        for _ in range(_ATTEMPTS):
            segment = self._segment_for(len(frame))
            self._uncertain = True
            try:
                segment.write(frame)
            except OSError as error:
                self._uncertain = False
                diagnostics.debug(f"spool: write failed: {error}")
                reason = reason_of(error)
                if segment.spoiled or error.errno not in NO_SPACE:
                    self._abandon(segment)
                if error.errno in NO_SPACE:
                    break
                continue
            self._next += len(records)
            self._uncertain = False
            self._written += len(frame)
            return None
        return reason

    def _reconcile(self) -> None:
        """An append was interrupted between its write and its bookkeeping: the file says which."""
        segment = self._segment
        if segment is not None:
            try:
                left = segment.settled()
                whole = [r for r in scan(left, after=self._next - 1) if isinstance(r, Record)]
                if whole and whole[0].start == 0 and whole[-1].end == len(left):
                    segment.size += len(left)
                    self._next = whole[-1].sequence + 1
                elif left:
                    segment.cut()
                else:
                    self._next = max(self._next, self._last_in(segment) + 1)
            except OSError:
                self._abandon(segment)
        self._uncertain = False

    def _last_in(self, segment: Segment) -> int:
        return max((record.sequence for record in self._records(segment)), default=0)

    def _records(self, segment: Segment) -> list[Record]:
        data = segment.read_all()
        found = scan(data, after=segment.header.first - 1, start=unpack_header(data)[1])
        return [record for record in found if isinstance(record, Record)]

    # segments

    def _segment_for(self, length: int) -> Segment:
        current = self._segment
        if current is None:
            self._segment, self._first_here = self._open(self._next), self._next
            return self._segment
        if current.size + length <= self._segment_bytes or self._first_here == self._next or self.in_memory:
            return current
        fresh = self._open_file(self._next)
        if fresh is None:
            return current
        self._segment, first = fresh, self._first_here
        self._first_here = self._next
        self._seal(current, first)
        return fresh

    def _seal(self, segment: Segment, first: int) -> None:
        try:
            segment.write(pack(self._next - 1, RecordType.SEAL, b""))
        except OSError as error:  # it is then kept until this process is gone
            diagnostics.debug(f"spool: no seal: {error}")
        if isinstance(segment, FileSegment):
            self._sealed[segment.path] = (first, self._next - 1)
        self.retired.append(segment)

    def _abandon(self, segment: Segment) -> None:
        if isinstance(segment, FileSegment) and self._first_here < self._next:
            self._sealed[segment.path] = (self._first_here, self._next - 1)
        self.retired.append(segment)
        if self._segment is segment:
            self._segment = None

    def _open(self, first: int) -> Segment:
        fresh = self._open_file(first)
        if fresh is not None:
            return fresh
        self._root = None
        diagnostics.warn_once("spool:memory", "no spool folder can be written: records stay in memory (at most 16 MiB)")
        return MemorySegment(self._header(first))

    def _open_file(self, first: int) -> FileSegment | None:
        for position, root in enumerate(self.roots):
            try:
                if position:
                    self._files.claim_folder(root)
                segment = FileSegment(os.path.join(root, SEGMENTS), self._header(first), self._files)
            except (OSError, ValueError) as error:
                diagnostics.warn_once(f"spool:{root}", f"spool {root} cannot be written: {error}")
                continue
            if position:
                diagnostics.warn_once(f"spool:use:{root}", f"records go to {root} instead")
            self._root = root
            return segment
        return None

    def _header(self, first: int) -> SegmentHeader:
        self._index += 1
        return SegmentHeader(
            client=self.client,
            index=self._index,
            first=first,
            project=self.project,
            destination=self.destination,
            writer=this_process(),
            created=self._now(),
        )

    # called by the flusher, between appends

    def measured(self, used: int) -> None:
        """Tell the spool how many bytes all its segments take now; a good moment to see which are delivered."""
        with self._lock:
            self._measured, self._written = used, 0
            for path in [path for path in self._sealed if not os.path.exists(path)]:
                if os.path.isdir(os.path.dirname(path)):  # else the whole folder was deleted, which is no delivery
                    del self._sealed[path]

    def repair(self) -> None:
        """Write what waits: re-entrant records, gaps, a spool that was deleted or that moves from memory to disk."""
        with self._lock:
            if self._busy:
                return
            self._busy = True
            try:
                if self._uncertain:
                    self._reconcile()
                self._replace_deleted()
                self._leave_memory()
                if self._gaps and self._measured <= self._cap and self._store(self._untold()) is None:
                    self._gaps.clear()
            finally:
                self._busy = False
            while self._waiting:
                self._exclusively(*self._waiting.popleft())

    def _replace_deleted(self) -> None:
        segment = self._segment
        if segment is None:
            return
        try:
            if not segment.is_deleted():
                return
        except OSError as error:
            diagnostics.debug(f"spool: {error}")
        diagnostics.warn_once("spool:deleted", "the spool folder was deleted while in use: writing its records again")
        for first, last in self._sealed.values():
            self._gaps.add(first, last, Reason.SPOOL_DELETED)
        self._sealed.clear()
        if not self._move(segment, self._open(self._first_here)):
            self._segment = None
            self.retired.append(segment)
            if self._first_here < self._next:
                self._gaps.add(self._first_here, self._next - 1, Reason.SPOOL_DELETED)

    def _leave_memory(self) -> None:
        segment = self._segment
        if not isinstance(segment, MemorySegment):
            return
        fresh = self._open_file(self._first_here)
        if fresh is not None and self._move(segment, fresh):
            diagnostics.warn_once("spool:disk", "the spool can be written again: records moved there from memory")

    def _move(self, segment: Segment, fresh: Segment) -> bool:
        """Write everything a segment holds to a new one and go on there; False when that fails."""
        try:
            data = segment.read_all()
            records = data[unpack_header(data)[1] :]
            if records:
                fresh.write(records)
        except (OSError, SpoolFormatError) as error:
            diagnostics.debug(f"spool: records cannot be moved: {error}")
            self.retired.append(fresh)
            return False
        self._segment = fresh
        self.retired.append(segment)
        return True

    def forget(self, segment: MemorySegment, end: int) -> None:
        """Let go of delivered records held in memory."""
        with self._lock:
            if not self._busy:
                segment.forget(end)

    def seal(self) -> None:
        """Write what waits and end the current segment; a later append opens another."""
        self.repair()
        with self._lock:
            segment = self._segment
            if self._busy or segment is None or self.in_memory:
                return
            self._segment = None
            self._seal(segment, self._first_here)

    def abandon_after_fork(self) -> None:
        """In a forked child: close what belongs to the parent, write nothing."""
        for segment in (self._segment, *self.retired):
            if segment is not None:
                segment.close()
