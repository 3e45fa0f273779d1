"""What is in a spool folder, for people and for the summary line: how much waits, since when, and why.

Reads only. Sending is `delivery`, refused records are `dead`, one segment is `stored`.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import orjson

from lineage import settings
from lineage.emit import dead
from lineage.emit.record import Record, RecordType, scan
from lineage.emit.stored import StoredSegment, segment_paths, segments
from lineage.errors import SpoolFormatError

if TYPE_CHECKING:
    from lineage.emit.spool import Spool

_COUNTED_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class SpoolStatus:
    """What waits in the spool, of all processes that use it.

    Args:
        records: not yet acknowledged; estimated from the first 64 KiB of a long segment (`exact` says).
        oldest: seconds since the epoch, None when nothing waits.
        dead: refused records kept in the dead-letter file.
        gaps: records known to be lost whose loss the service has not heard of yet.
    """

    records: int
    bytes: int
    oldest: float | None
    last_error: str | None
    destination: str
    unreachable_since: float | None
    dead: int
    gaps: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Drained:
    """The end of a drain: how many records are left, and why (None when none is)."""

    left: int
    reason: str | None


@dataclass(frozen=True, slots=True)
class LineState:
    """What the last sender saw of a destination; kept beside the segments for `status`."""

    destination: str
    last_error: str | None
    unreachable_since: float | None
    last_success: float | None


def state_path(root: str, destination: str, kind: str) -> str:
    """Path of a small file about one destination."""
    return os.path.join(root, f"{kind}-{zlib.crc32(destination.encode()):08x}")


def save_state(root: str, state: LineState) -> None:
    """Tell `status` how the line is; best effort."""
    path = state_path(root, state.destination, "line")
    temporary = f"{path}.{os.getpid()}"
    with suppress(OSError):
        with open(temporary, "wb") as file:
            file.write(orjson.dumps(asdict(state)))
        os.replace(temporary, path)


def load_state(root: str, destination: str) -> LineState | None:
    """What the last sender saw, if one ran."""
    try:
        with open(state_path(root, destination, "line"), "rb") as file:
            return LineState(**orjson.loads(file.read(65_536)))
    except (OSError, ValueError, TypeError):
        return None


@dataclass(slots=True)
class Waiting:
    """Unacknowledged records of some segments."""

    records: int = 0
    bytes: int = 0
    gaps: int = 0
    oldest: float | None = None
    exact: bool = True


def waiting(found: Sequence[StoredSegment], *, exact: bool = False) -> Waiting:
    """Count what no sender has seen acknowledged."""
    total = Waiting()
    for segment in found:
        hint = segment.hint()
        start, after = (hint.start, hint.after) if hint else (segment.records_start, segment.header.first - 1)
        size = segment.size()
        try:
            data = segment.read(start, -1 if exact else _COUNTED_BYTES)
        except OSError:
            continue
        # A hint points at the last acknowledged record, which is not waiting any more.
        records = [r for r in scan(data, after=after, start=0) if isinstance(r, Record)][1 if hint else 0 :]
        events = sum(1 for record in records if record.type == RecordType.EVENT)
        if not records:
            continue
        read, left = records[-1].end - records[0].start, size - start - records[0].start
        if start + len(data) < size:
            events = max(events, events * left // max(read, 1))
            total.exact = False
        for record in records:
            if record.type == RecordType.GAP:
                with suppress(ValueError, KeyError):
                    total.gaps += int(orjson.loads(record.payload)["count"])
        if events:
            total.records += events
            total.bytes += left
            total.oldest = min(segment.header.created, total.oldest or segment.header.created)
    return total


def status(roots: Sequence[str], spool: Spool | None = None, *, exact: bool = False) -> SpoolStatus:
    """The spool as it is now.

    Args:
        roots: spool folders, the configured one first.
        spool: this process's own end, for what is only in its memory.
        exact: count everything instead of estimating long segments.
    """
    destination = settings.current().destination
    found = [segment for root in roots for segment in segments(root)[0]]
    total = waiting(found, exact=exact)
    states = [state for root in roots if (state := load_state(root, destination)) is not None]
    state = states[0] if states else LineState(destination, None, None, None)
    return SpoolStatus(
        records=total.records + (spool.held_in_memory() if spool else 0),
        bytes=total.bytes,
        oldest=total.oldest,
        last_error=state.last_error,
        destination=destination,
        unreachable_since=state.unreachable_since,
        dead=sum(dead.count(root) for root in roots),
        gaps=total.gaps + (spool.untold if spool else 0),
        exact=total.exact,
    )


def used_bytes(root: str) -> int:
    """Bytes of all segments below a root."""
    total = 0
    for path in segment_paths(root):
        with suppress(OSError):
            total += os.stat(path).st_size
    return total


def waiting_for(root: str, client: str) -> int:
    """Records of one client that no sender has seen acknowledged."""
    own = [path for path in segment_paths(root) if os.path.basename(path).startswith(client)]
    found: list[StoredSegment] = []
    for path in own:
        with suppress(OSError, SpoolFormatError):
            found.append(StoredSegment(path))
    return waiting(found).records
