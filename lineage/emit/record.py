"""The spool's format on disk: packing, unpacking, and finding what is damaged.

    segment = u32 length, u32 crc32, header JSON; then records
    record  = u32 length, u32 crc32 (over sequence, type, payload), u64 sequence, u8 type, payload   (big-endian)

Pure functions over bytes; this module opens no file. A reader of this version refuses a header of a higher version and
leaves the file alone. Sequences start at 1 and never repeat within a client.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

import orjson

from lineage.emit.process import ProcessIdentity
from lineage.errors import SpoolFormatError, SpoolIncomplete, SpoolTooNew

FORMAT = "weftline-spool"
VERSION = 1
LIFECYCLE = "lifecycle"
_HEADER = struct.Struct(">II")
_RECORD = struct.Struct(">IIQB")
_SIGNED = struct.Struct(">QB")
HEADER_BYTES = _HEADER.size
RECORD_BYTES = _RECORD.size
LONGEST_HEADER = 64 << 10
LONGEST_PAYLOAD = 256 << 20
# A sequence's upper bytes stay the same for 2**24 records, which makes them a needle a fast search can look for.
_NEEDLE_SHIFT = 24
_NEEDLE_BYTES = 5
_NOT_ZERO = re.compile(rb"[^\0]")


class RecordType(IntEnum):
    """What a record's payload is."""

    EVENT = 1
    GAP = 2
    SEAL = 3


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """What a segment says about itself; fixes project and destination, never carries a credential.

    Args:
        client: uuid of the writer's sequence.
        index: position of the segment in its client's family, from 1.
        first: sequence of the first record.
        created: seconds since the epoch by the writer's clock.
    """

    client: str
    index: int
    first: int
    project: str
    destination: str
    writer: ProcessIdentity
    created: float
    kind: str = LIFECYCLE


@dataclass(frozen=True, slots=True)
class Record:
    """One whole record; `start` and `end` are offsets in the bytes that were scanned."""

    sequence: int
    type: int
    payload: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no record, between two that are (or before the end: then `resumes` is None)."""

    start: int
    end: int
    after: int
    resumes: int | None


@dataclass(frozen=True, slots=True)
class Tail:
    """An incomplete record at the end: still being written, or torn by the writer's death."""

    start: int


def pack_header(header: SegmentHeader) -> bytes:
    """The framed header, as it stands at the beginning of a segment."""
    body = orjson.dumps({"format": FORMAT, "version": VERSION, **asdict(header)})
    return _HEADER.pack(len(body), zlib.crc32(body)) + body


def unpack_header(data: bytes) -> tuple[SegmentHeader, int]:
    """The header and the offset of the first record.

    Raises:
        SpoolIncomplete: it ends inside its header.
        SpoolFormatError: not a segment, or damaged.
        SpoolTooNew: of a newer version.
    """
    if len(data) < HEADER_BYTES:
        raise SpoolIncomplete("incomplete segment header")
    length, crc = _HEADER.unpack_from(data)
    body = data[HEADER_BYTES : HEADER_BYTES + length]
    if len(body) < length <= LONGEST_HEADER:
        raise SpoolIncomplete("incomplete segment header")
    if len(body) < length or zlib.crc32(body) != crc:
        raise SpoolFormatError("damaged segment header")
    try:
        fields: dict[str, Any] = orjson.loads(body)
        if fields.pop("format") != FORMAT:
            raise SpoolFormatError("not a spool segment")
        version = fields.pop("version")
        kind = fields.get("kind")
        if version != VERSION or kind != LIFECYCLE:
            raise SpoolTooNew(
                f"segment format {version} {kind}, this version reads {VERSION} {LIFECYCLE}: upgrade weftline"
            )
        fields["writer"] = ProcessIdentity(**fields["writer"])
        return SegmentHeader(**fields), HEADER_BYTES + length
    except (ValueError, TypeError, KeyError) as error:
        raise SpoolFormatError(f"unreadable segment header: {error}") from error


def pack(sequence: int, kind: RecordType, payload: bytes) -> bytes:
    """One framed record."""
    crc = zlib.crc32(payload, zlib.crc32(_SIGNED.pack(sequence, kind)))
    return _RECORD.pack(len(payload), crc, sequence, kind) + payload


def record_length(head: bytes) -> int:
    """Bytes of a whole record by its first `RECORD_BYTES`, 0 when they are no record's."""
    if len(head) < RECORD_BYTES:
        return 0
    length = RECORD_BYTES + int.from_bytes(head[:4], "big")
    return length if length <= LONGEST_PAYLOAD else 0


def scan(data: bytes, *, after: int, start: int = 0) -> Iterator[Record | Damage | Tail]:
    """Records of `data` from `start` on, the damaged stretches between them, and an incomplete end.

    Args:
        after: sequence of the last record before `start`; what follows must be higher.
    """
    position = start
    while position < len(data):
        record = _record_at(data, position, after)
        if record is not None:
            yield record
            position, after = record.end, max(after, record.sequence)
            continue
        found = _resume(data, position + 1, after)
        if found is not None:
            yield Damage(position, found.start, after, found.sequence)
            position = found.start
            continue
        yield Tail(position) if _is_cut_short(data, position) else Damage(position, len(data), after, None)
        return


def _record_at(data: bytes, position: int, after: int) -> Record | None:
    if position + RECORD_BYTES > len(data):
        return None
    length, crc, sequence, kind = _RECORD.unpack_from(data, position)
    end = position + RECORD_BYTES + length
    if end > len(data) or length > LONGEST_PAYLOAD:
        return None
    # A seal takes no sequence of its own: it repeats the last one.
    if sequence <= after and not (kind == RecordType.SEAL and sequence == after):
        return None
    payload = data[position + RECORD_BYTES : end]
    if zlib.crc32(payload, zlib.crc32(_SIGNED.pack(sequence, kind))) != crc:
        return None
    return Record(sequence, kind, payload, position, end)


def _is_cut_short(data: bytes, position: int) -> bool:
    if position + RECORD_BYTES > len(data):
        return True
    length = int.from_bytes(data[position : position + 4], "big")
    return position + RECORD_BYTES + length > len(data) and length <= LONGEST_PAYLOAD


def _resume(data: bytes, position: int, after: int) -> Record | None:
    """The first whole record at or behind `position`."""
    best: Record | None = None
    for upper in {after >> _NEEDLE_SHIFT, (after >> _NEEDLE_SHIFT) + 1}:
        needle = upper.to_bytes(_NEEDLE_BYTES, "big")
        at = data.find(needle, position + HEADER_BYTES)
        while at >= 0 and (best is None or at - HEADER_BYTES < best.start):
            record = _record_at(data, at - HEADER_BYTES, after)
            if record is not None:
                best = record
                break
            at = data.find(needle, _skip_zeros(data, at + 1))
    return best


def _skip_zeros(data: bytes, at: int) -> int:
    """Past a stretch of zeros (unwritten pages after a power cut), or `at`: no sequence is all zeros."""
    if data[at : at + 8] != bytes(8):
        return at
    nonzero = _NOT_ZERO.search(data, at)
    return max(at, nonzero.start() - 7) if nonzero else len(data)
