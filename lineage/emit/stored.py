"""A segment as a reader finds it: its header, its bytes from an offset on, whether its writer can still add to it.

Reading never changes a segment; removing one is `StoredSegment.remove`, called only after a durable ack covers it. Also
here: the progress hint beside a segment. The hint only saves re-sending; a lost or wrong one costs duplicates, which
the service drops.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import orjson

from lineage.emit.process import is_gone
from lineage.emit.record import (
    HEADER_BYTES,
    LONGEST_HEADER,
    RECORD_BYTES,
    Record,
    RecordType,
    SegmentHeader,
    pack_header,
    record_length,
    scan,
    unpack_header,
)
from lineage.emit.segment import SUFFIX, MemorySegment
from lineage.emit.spool import SEGMENTS, Spool
from lineage.errors import SpoolFormatError

HINT = ".ack"
# A writer that cannot be asked whether it lives (another host or container) counts as gone after this long without
# growth.
QUIET_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Hint:
    """Where the last acknowledged record starts, and the sequence before it; that one is sent again on resuming."""

    start: int
    after: int


class Source(Protocol):
    """A segment to deliver from."""

    header: SegmentHeader
    records_start: int
    path: str

    def size(self) -> int:
        """Bytes in it now."""
        ...

    def read(self, start: int, length: int = -1) -> bytes:
        """Bytes from an offset on."""
        ...

    def is_finished(self, wall: float) -> bool | None:
        """Whether nothing more can be added; None: cannot tell, and it may still be growing."""
        ...

    def hint(self) -> Hint | None:
        """How far an earlier sender came."""
        ...

    def delivered(self, hint: Hint, end: int) -> None:
        """Everything before the offset `end` is settled."""
        ...

    def remove(self) -> None:
        """Let go of it; everything is settled."""
        ...


class StoredSegment:
    """A segment file of any process.

    Raises (constructing):
        OSError: it is not there any more.
        SpoolFormatError: incomplete, damaged or newer header.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with open(path, "rb") as file:
            self.header, self.records_start = unpack_header(file.read(HEADER_BYTES + LONGEST_HEADER))

    def size(self) -> int:
        """Bytes in the file now; 0 when it is gone."""
        try:
            return os.stat(self.path).st_size
        except FileNotFoundError:
            return 0

    def read(self, start: int, length: int = -1) -> bytes:
        """Bytes from `start` on.

        Raises:
            OSError: the file is gone or unreadable.
        """
        with open(self.path, "rb", buffering=0) as file:
            file.seek(start)
            return file.read(length) if length >= 0 else file.read()

    def is_finished(self, wall: float) -> bool | None:
        gone = is_gone(self.header.writer)
        if gone is True or self._is_sealed():
            return True
        if gone is False:
            return False
        try:
            age = wall - os.stat(self.path).st_mtime
        except FileNotFoundError:
            return True
        return True if age >= QUIET_SECONDS else None

    def _is_sealed(self) -> bool:
        try:
            end = self.read(max(self.records_start, self.size() - RECORD_BYTES))
        except OSError:
            return False
        last = next(scan(end, after=0), None)
        return isinstance(last, Record) and last.type == RecordType.SEAL

    def hint(self) -> Hint | None:
        """How far an earlier sender came, if it left word."""
        try:
            with open(self.path + HINT, "rb") as file:
                start = int(orjson.loads(file.read(1024))["start"])
            if start < self.records_start:
                return None
            head = self.read(start, RECORD_BYTES)
            length = record_length(head)
            last = next(scan(self.read(start, length) if length else b"", after=self.header.first - 1), None)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return Hint(start, last.sequence - 1) if isinstance(last, Record) and last.start == 0 else None

    def delivered(self, hint: Hint, end: int) -> None:
        """Tell later senders how far this one came; best effort."""
        temporary = f"{self.path}{HINT}.{os.getpid()}"
        with suppress(OSError):
            with open(temporary, "wb") as file:
                file.write(orjson.dumps({"start": hint.start}))
            os.replace(temporary, self.path + HINT)

    def remove(self) -> None:
        """Unlink it; only after a durable ack of everything in it."""
        for path in (self.path, self.path + HINT):
            with suppress(FileNotFoundError):
                os.unlink(path)


class HeldSegment:
    """A segment in this process's memory, for the sender inside this process."""

    def __init__(self, spool: Spool, segment: MemorySegment) -> None:
        self.path = f"memory:{segment.header.client}-{segment.header.index}"
        self.header = segment.header
        self.records_start = len(pack_header(segment.header))
        self._spool = spool
        self._segment = segment

    def size(self) -> int:
        return self._segment.size

    def read(self, start: int, length: int = -1) -> bytes:
        data = self._segment.read(start)
        return data if length < 0 else data[:length]

    def is_finished(self, wall: float) -> bool | None:
        return False

    def hint(self) -> Hint | None:
        return None

    def delivered(self, hint: Hint, end: int) -> None:
        self._spool.forget(self._segment, end)

    def remove(self) -> None:
        return


def order(header: SegmentHeader) -> tuple[float, str, int]:
    """Sorts segments oldest first."""
    return (header.created, header.client, header.index)


def segment_paths(root: str) -> list[str]:
    """Paths of the segments below a spool's root, in no order."""
    try:
        with os.scandir(os.path.join(root, SEGMENTS)) as entries:
            return [entry.path for entry in entries if entry.name.endswith(SUFFIX)]
    except OSError:  # not there, not a folder, or somebody else's
        return []


def segments(root: str) -> tuple[list[StoredSegment], dict[str, SpoolFormatError]]:
    """Readable segments, oldest first, and what is wrong with the others by path."""
    found: list[StoredSegment] = []
    refused: dict[str, SpoolFormatError] = {}
    for path in segment_paths(root):
        try:
            found.append(StoredSegment(path))
        except SpoolFormatError as error:
            refused[path] = error
        except OSError:
            continue
    return sorted(found, key=lambda segment: order(segment.header)), refused
