"""Tables as columns of plain buffers: one form for pandas, polars and Arrow, and the two digests over it.

Owns `Column`, the exact digest (order, names, types, nulls) and the digest of rows in any order. Does not know where
columns come from (`frames`). Buffers hold present values only, so what a library keeps in the place of a null never
counts, and neither do chunks or offsets.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lineage.fingerprint import Content, Fingerprint

Buffer = bytes | bytearray | memoryview

# Hashing rows takes some 40 ns a value; the exact digest takes a tenth of that.
MAX_HASHED_VALUES = 4_000_000
MAX_HASHED_BYTES = 256 << 20
_GOLDEN = 0x9E3779B97F4A7C15
_PRIME = 0xD6E8FEB86659FD93
_WORD = (1 << 64) - 1
_NULL = 0xA0761D6478BD642F
_SLICE = 1 << 20
_LONG = 1 << 16


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        name: as text.
        dtype: the library's name of the type; part of the exact digest.
        rows: number of rows, nulls included.
        data: bytes of the present values, one after the other, in one or more pieces.
        width: bytes of each value, or 0 where `lengths` say.
        lengths: int64 for each present value, in pieces; counts elements where there are children.
        mask: one byte a row, 1 where null, in pieces; empty if there are no nulls.
        children: columns inside a nested one.
        label: True for an index that only numbers the rows, which a reordering changes.
        index: True for any index: it is no field of the schema.
        detail: more of the type that counts for the exact digest only (the categories of a categorical).
    """

    name: str
    dtype: str
    rows: int
    data: Sequence[Buffer] = ()
    width: int = 0
    lengths: Sequence[Buffer] = ()
    mask: Sequence[Buffer] = ()
    children: tuple[Column, ...] = ()
    label: bool = False
    index: bool = False
    detail: str = ""

    def digest(self, into: Fingerprint) -> int:
        """Add this column to a digest; returns the number of bytes of its values."""
        into.text("name", self.name)
        into.text("dtype", self.dtype)
        into.text("detail", self.detail)
        into.add("rows", str(self.rows).encode())
        for tag, pieces in (("mask", self.mask), ("lengths", self.lengths), ("data", self.data)):
            into.pieces(tag, pieces)
        size = sum(_size(piece) for piece in self.data)
        for child in self.children:
            size += child.digest(into)
        return size


def content(
    kind: str, columns: Iterable[Column], rows: int, *, fields: Sequence[dict[str, Any]] | None = None
) -> Content:
    """Both digests of a table; columns are read one at a time, so that only one is held in buffers.

    Args:
        kind: what tells libraries apart, as a frame of one is never equal to a frame of another.
        columns: indexes first, then columns in order.
        rows: number of rows.
        fields: schema, where it isn't the columns' names and types.
    """
    exact = Fingerprint(kind)
    exact.add("rows", str(rows).encode())
    shuffled = _Rows(rows) if 0 < rows <= MAX_HASHED_VALUES and "numpy" in sys.modules else None
    size, values, found = 0, 0, []
    for column in columns:
        size += column.digest(exact)
        if not column.index:
            found.append({"name": column.name, "type": column.dtype})
        values += rows
        small = values <= MAX_HASHED_VALUES and size <= MAX_HASHED_BYTES
        if shuffled is not None and not column.label and not (small and shuffled.add(column)):
            shuffled = None
    value = shuffled.hex(kind) if shuffled is not None else None
    return Content(exact.hex(), True, value, rows, size, found if fields is None else fields)


class _Rows:
    """A 64-bit hash of each row, made column by column; sorted, they are the same for any order of the rows."""

    def __init__(self, rows: int) -> None:
        self._np = sys.modules["numpy"]
        self._header = Fingerprint("row-columns")
        self._rows = self._np.zeros(rows, dtype="<u8")

    def add(self, column: Column) -> bool:
        """Mix a column in; False if it is of a kind that rows can't be hashed over."""
        hashes = _value_hashes(column)
        if hashes is None:
            return False
        self._header.text("name", column.name)
        self._header.text("dtype", column.dtype)
        np = self._np
        self._rows *= np.uint64(_PRIME)
        self._rows += hashes
        self._rows = _mixed(self._rows)
        return True

    def hex(self, kind: str) -> str:
        """The digest."""
        self._rows.sort()
        whole = Fingerprint(f"rows:{kind}")
        whole.add("header", self._header.digest())
        whole.add("rows", memoryview(self._rows).cast("B"))
        return whole.hex()


def row_digest(kind: str, data: memoryview, rows: int, width: int) -> str | None:
    """Digest, in any order, of `rows` rows of `width` bytes that stand one after the other; None above the caps."""
    if "numpy" not in sys.modules or not 0 < rows <= MAX_HASHED_VALUES or not 0 < data.nbytes <= 8 * MAX_HASHED_VALUES:
        return None
    np: Any = sys.modules["numpy"]
    shuffled = _Rows(rows)
    lengths = np.full(rows, width, dtype="<i8")
    column = Column("row", kind, rows, (data,), 0, (memoryview(lengths).cast("B"),))
    return shuffled.hex(kind) if shuffled.add(column) else None


def _value_hashes(column: Column) -> Any | None:
    np: Any = sys.modules["numpy"]
    present = _present(column)
    if present is None:
        return None
    if not column.mask:
        return present
    nulls = _joined(column.mask, "u1").astype(bool)
    whole = np.full(column.rows, _NULL, dtype="<u8")
    whole[~nulls] = present
    return whole


def _present(column: Column) -> Any | None:
    """Hash of each value that is there."""
    np: Any = sys.modules["numpy"]
    if column.children and not column.lengths:
        total = None
        for child in column.children:
            hashes = _value_hashes(child)
            if hashes is None:
                return None
            total = hashes if total is None else _mixed(total * np.uint64(_PRIME) + hashes)
        return total
    if column.lengths:
        lengths = _joined(column.lengths, "<i8")
        if not column.children:
            return _text_hashes(_joined(column.data, "u1"), lengths)
        inner = column.children[0]
        if len(column.children) > 1 or not inner.width or inner.mask or inner.children:
            return None
        return _text_hashes(_joined(inner.data, "u1"), lengths * inner.width)
    if column.width in (1, 2, 4, 8):
        return _mixed(_joined(column.data, f"<u{column.width}").astype("<u8"))
    if column.width:
        data = _joined(column.data, "u1")
        return _text_hashes(data, np.full(len(data) // column.width, column.width, dtype="<i8"))
    return np.full(column.rows - _nulls(column), 1, dtype="<u8")


def _nulls(column: Column) -> int:
    return int(_joined(column.mask, "u1").sum()) if column.mask else 0


def _mixed(words: Any) -> Any:
    """SplitMix64's finish, on every word."""
    np: Any = sys.modules["numpy"]
    words = words + np.uint64(_GOLDEN)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _text_hashes(data: Any, lengths: Any) -> Any:
    """Hash of each of the byte strings that stand in `data` one after the other, without a loop over them.

    A polynomial over substituted bytes: sum of table[byte] * p^position, moved to position 0 by p's inverse. Long
    strings go through SHA-256 one by one.
    """
    np: Any = sys.modules["numpy"]
    ends = np.cumsum(lengths)
    starts = ends - lengths
    result = np.zeros(len(lengths), dtype="<u8")
    table = _mixed(np.arange(1, 257, dtype="<u8"))
    longest = int(lengths.max()) if len(lengths) else 0
    span = _SLICE + min(longest, _LONG) + 1
    powers, inverses = _powers(min(span, int(ends[-1]) + 1 if len(ends) else 1))
    first = 0
    while first < len(lengths):
        base = int(starts[first])
        last = max(first + 1, int(np.searchsorted(ends, base + _SLICE, side="right")))
        if last == first + 1 and lengths[first] > _LONG:
            result[first] = _long_hash(data[base : int(ends[first])])
        else:
            part = data[base : int(ends[last - 1])]
            sums = np.zeros(len(part) + 1, dtype="<u8")
            np.cumsum(table[part] * powers[: len(part)], out=sums[1:])
            at = starts[first:last] - base
            result[first:last] = (sums[ends[first:last] - base] - sums[at]) * inverses[at]
            for place in np.flatnonzero(lengths[first:last] > _LONG):
                here = first + int(place)
                piece = hashlib.sha256(
                    memoryview(np.ascontiguousarray(data[int(starts[here]) : int(ends[here])]))
                ).digest()
                result[here] = int.from_bytes(piece[:8], "little")
        first = last
    return _mixed(result + lengths.astype("<u8") * np.uint64(_GOLDEN))


def _long_hash(piece: Any) -> int:
    np: Any = sys.modules["numpy"]
    return int.from_bytes(hashlib.sha256(memoryview(np.ascontiguousarray(piece))).digest()[:8], "little")


def _powers(count: int) -> tuple[Any, Any]:
    np: Any = sys.modules["numpy"]
    powers = np.full(max(count, 1), _PRIME, dtype="<u8")
    powers[0] = 1
    inverses = np.full(max(count, 1), pow(_PRIME, -1, 1 << 64), dtype="<u8")
    inverses[0] = 1
    return np.cumprod(powers, dtype="<u8"), np.cumprod(inverses, dtype="<u8")


def _joined(pieces: Sequence[Buffer], dtype: str) -> Any:
    np: Any = sys.modules["numpy"]
    arrays = [np.frombuffer(piece, dtype=dtype) for piece in pieces if _size(piece)]
    if not arrays:
        return np.zeros(0, dtype=dtype)
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _size(piece: Buffer) -> int:
    return piece.nbytes if isinstance(piece, memoryview) else len(piece)
