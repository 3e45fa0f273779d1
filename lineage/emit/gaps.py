"""Records known to be lost, until they can be told: ranges of sequences, how many, and why.

A dropped record keeps its sequence, so a gap is a range of one client's sequences. The record that tells a gap takes
the next sequence of its own.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import orjson

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class Reason(StrEnum):
    """Why records were lost; the words of the wire."""

    SPOOL_FULL = "spool_full"
    DISK_FULL = "disk_full"
    CORRUPT = "corrupt"
    SPOOL_DELETED = "spool_deleted"
    WRITE_ERROR = "write_error"


@dataclass(slots=True)
class Gap:
    """Lost sequences `first` to `last`, both included."""

    first: int
    last: int
    count: int
    reason: Reason

    def payload(self) -> bytes:
        """The JSON of a gap record."""
        return orjson.dumps({"first": self.first, "last": self.last, "count": self.count, "reason": self.reason})


class Gaps:
    """The gaps of one client that no record tells yet, in order."""

    def __init__(self) -> None:
        self._open: list[Gap] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    def drop(self, sequence: int, reason: Reason) -> None:
        """Count one more lost record."""
        last = self._open[-1] if self._open else None
        if last is not None and last.reason == reason and last.last == sequence - 1:
            last.last = sequence
            last.count += 1
        else:
            self._open.append(Gap(sequence, sequence, 1, reason))

    def add(self, first: int, last: int, reason: Reason) -> None:
        """Count a whole range."""
        self._open.append(Gap(first, last, last - first + 1, reason))

    def __iter__(self) -> Iterator[Gap]:
        return iter(self._open)

    def clear(self) -> None:
        """All of them are in records now."""
        self._open.clear()

    def count(self) -> int:
        """Lost records not told yet."""
        return sum(gap.count for gap in self._open)


def reason_of(error: OSError) -> Reason:
    """The word for a failed write."""
    return Reason.DISK_FULL if error.errno in NO_SPACE else Reason.WRITE_ERROR
