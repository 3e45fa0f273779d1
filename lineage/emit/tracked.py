"""How far one segment has been delivered: which records come next, which are settled, and when it may be removed.

A record is *settled* when the service has it durably, or refused it and the refusal is in the dead-letter file. Damaged
stretches are copied to quarantine and told to the service as gaps.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from lineage import diagnostics
from lineage.emit.gaps import Gap, Reason
from lineage.emit.record import Damage, Record, RecordType, Tail, scan
from lineage.emit.stored import QUIET_SECONDS, Hint, Source
from lineage.errors import SpoolFormatError, SpoolIncomplete, SpoolTooNew

QUARANTINE = "quarantine"
_CHUNK = 1 << 20
_PEEK = 16 << 10
# Bytes between two whole records with no sequence missing: passed over, nothing to tell.
_NOISE = 0


@dataclass(slots=True)
class Entry:
    """One record on its way: where it is in its segment, and whether it is settled."""

    tracked: Tracked
    sequence: int
    type: int
    payload: bytes
    start: int
    end: int
    settled: bool = False

    @property
    def is_record(self) -> bool:
        """Whether the sequence is this entry's own: a seal and noise repeat the one before."""
        return self.type in (RecordType.EVENT, RecordType.GAP)


class Tracked:
    """A segment being delivered."""

    def __init__(self, segment: Source, root: str) -> None:
        self.segment = segment
        self._root = root
        self._settled: set[int] = set()
        hint = segment.hint()
        self._resumed_after = hint.after if hint else None
        self._offset = hint.start if hint else segment.records_start
        self._after = hint.after if hint else segment.header.first - 1

    def pending(self, *, finished: bool, chunk: int = _CHUNK) -> Iterator[Entry]:
        """Records not settled yet, in order, as they are in the file now; settled ones in between come marked.

        Args:
            finished: the writer is gone, so an unreadable end is damage or a torn record, not one being written.
        """
        offset, after = self._offset, self._after
        while offset < self.segment.size():
            length = chunk
            data = self.segment.read(offset, length)
            # A record longer than a chunk: take all there is.
            first = next(scan(data, after=after), None)
            if len(data) == length and not isinstance(first, Record):
                data = self.segment.read(offset)
                length = len(data) + 1
            consumed = 0
            for piece in scan(data, after=after):
                if isinstance(piece, Tail) or (isinstance(piece, Damage) and piece.resumes is None and not finished):
                    break
                if isinstance(piece, Damage) and piece.resumes is None and len(data) == length:
                    break
                entry = self._entry(piece, data, offset)
                consumed, after = piece.end, max(after, entry.sequence)
                yield entry
            offset += consumed
            if not consumed or len(data) < length:
                return

    def _entry(self, piece: Record | Damage, data: bytes, offset: int) -> Entry:
        start, end = offset + piece.start, offset + piece.end
        if isinstance(piece, Record):
            settled = piece.sequence in self._settled or piece.type == RecordType.SEAL
            return Entry(self, piece.sequence, piece.type, piece.payload, start, end, settled)
        last = piece.resumes - 1 if piece.resumes is not None else piece.after + 1
        if last <= piece.after:  # noise between two neighbours: nothing is missing
            return Entry(self, piece.after, _NOISE, b"", start, end, settled=True)
        self._quarantine(data[piece.start : piece.end], start)
        gap = Gap(piece.after + 1, last, last - piece.after, Reason.CORRUPT)
        return Entry(self, gap.first, RecordType.GAP, gap.payload(), start, end, gap.first in self._settled)

    def _quarantine(self, data: bytes, start: int) -> None:
        folder = os.path.join(self._root, QUARANTINE)
        name = f"{os.path.basename(self.segment.path)}-{start}.bin"
        with suppress(OSError):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)

    def settle(self, entries: list[Entry], high_water: Mapping[str, int]) -> None:
        """Move on over settled records.

        Args:
            entries: those of this segment, in the order `pending` gave them.
            high_water: what the service has of each client; checks what an earlier sender's hint claimed.
        """
        if self._resumed_after is not None and any(entry.settled for entry in entries):
            claimed, self._resumed_after = self._resumed_after, None
            if high_water.get(self.segment.header.client, 0) < claimed:
                self._offset, self._after = self.segment.records_start, self.segment.header.first - 1
                return
        hint: Hint | None = None
        for entry in entries:
            if not entry.settled:
                self._settled.update(other.sequence for other in entries if other.settled and other.is_record)
                break
            if entry.is_record:
                hint = Hint(entry.start, self._after)
                self._after = max(self._after, entry.sequence)
            self._offset = entry.end
        if hint is not None:
            self._settled = {sequence for sequence in self._settled if sequence > self._after}
            self.segment.delivered(hint, self._offset)

    def is_done(self, wall: float) -> bool:
        """Everything in the segment is settled, and nothing more can come."""
        # Asked in this order: a writer may add a record and end between the two.
        if self._resumed_after is not None or self.segment.is_finished(wall) is not True:
            return False
        return not any(not entry.settled for entry in self.pending(finished=True, chunk=_PEEK))


def set_aside_unreadable(root: str, path: str, error: SpoolFormatError, wall: float) -> None:
    """Move a segment whose header cannot be read to quarantine, once it is certain that nobody is just writing it."""
    with suppress(OSError):
        if isinstance(error, SpoolTooNew) or wall - os.stat(path).st_mtime < QUIET_SECONDS:
            return
        if isinstance(error, SpoolIncomplete):
            os.unlink(path)
            return
        folder = os.path.join(root, QUARANTINE)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.rename(path, os.path.join(folder, os.path.basename(path)))
        diagnostics.warn_once(f"quarantine:{path}", f"a damaged segment was set aside in {folder}: {error}")
