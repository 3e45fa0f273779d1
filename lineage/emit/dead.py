"""Records the service refused for what they are: kept with the reason, listed, and sent again on demand.

One file, `dead.ndjson`, in the spool's root. Two senders may add the same record; reading shows it once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from lineage.emit.files import SYSTEM
from lineage.emit.process import this_process
from lineage.emit.record import RecordType, SegmentHeader, pack
from lineage.emit.segment import FileSegment
from lineage.emit.spool import SEGMENTS

FILE = "dead.ndjson"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A refused record.

    Args:
        payload: the exact JSON text that was refused: an event, or what a gap record says.
        reason: the service's problem document, or what stood in its place.
        at: when, in seconds since the epoch.
    """

    client: str
    sequence: int
    type: int
    project: str
    destination: str
    status: int
    reason: dict[str, Any]
    at: float
    payload: str


def add(root: str, letters: list[DeadLetter]) -> None:
    """Keep refused records; on disk when this returns, because their segment may be removed next.

    Raises:
        OSError: they could not be written; the segment must stay.
    """
    lines = b"".join(orjson.dumps(asdict(letter)) + b"\n" for letter in letters)
    with _open(root) as fd:
        while lines:
            lines = lines[os.write(fd, lines) :]
        os.fsync(fd)


def count(root: str) -> int:
    """How many refused records are kept."""
    return len(letters(root))


def letters(root: str) -> list[DeadLetter]:
    """All refused records, each once, oldest first."""
    try:
        with open(os.path.join(root, FILE), "rb") as file:
            return _parse(file.read())
    except FileNotFoundError:
        return []


def retry(root: str) -> int:
    """Put every refused record back on its way under its own sequence; returns how many.

    Raises:
        OSError: the spool cannot be written; nothing is lost.
    """
    with _open(root) as fd:
        waiting = letters(root)
        families: dict[tuple[str, str, str], list[DeadLetter]] = {}
        for letter in sorted(waiting, key=lambda letter: letter.sequence):
            families.setdefault((letter.client, letter.project, letter.destination), []).append(letter)
        for members in families.values():
            _write_back(root, members)
        # Emptied only now and in place: a sender that waits for the lock goes on in the same file.
        os.ftruncate(fd, 0)
        os.fsync(fd)
    return len(waiting)


def _write_back(root: str, members: list[DeadLetter]) -> None:
    one = members[0]
    header = SegmentHeader(
        client=one.client,
        index=time.time_ns(),
        first=one.sequence,
        project=one.project,
        destination=one.destination,
        writer=this_process(),
        created=time.time(),
    )
    segment = FileSegment(os.path.join(root, SEGMENTS), header, SYSTEM)
    try:
        for letter in members:
            segment.write(pack(letter.sequence, RecordType(letter.type), letter.payload.encode()))
        segment.write(pack(members[-1].sequence, RecordType.SEAL, b""))
        segment.sync()
    finally:
        segment.close()


def _parse(data: bytes) -> list[DeadLetter]:
    found: dict[tuple[str, int], DeadLetter] = {}
    for line in data.splitlines():
        try:
            letter = DeadLetter(**orjson.loads(line))
        except (ValueError, TypeError):  # a torn line: its record is still in its segment
            continue
        found.setdefault((letter.client, letter.sequence), letter)
    return list(found.values())


@contextmanager
def _open(root: str) -> Iterator[int]:
    """The file, for appending, locked against a retry that empties it meanwhile."""
    fd = os.open(os.path.join(root, FILE), os.O_CREAT | os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        _lock(fd)
        yield fd
    finally:
        os.close(fd)


def _lock(fd: int) -> None:
    """Take an exclusive lock for as long as `fd` is open, where the file system has locks."""
    try:
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_EX)
    except (ImportError, OSError):
        return
