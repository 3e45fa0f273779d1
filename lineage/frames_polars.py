"""polars frames and series as columns of plain buffers, without pyarrow and without NumPy where that is possible.

Owns how each of polars' types is read. Called only when the user has imported polars. Lazy frames are never collected.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from typing import Any

from lineage import columns
from lineage.columns import Column
from lineage.fingerprint import Content, Unreadable

MAX_BYTES = 1 << 30
_SAMPLE_ROWS = 200_000
_CODES = {
    "Int8": "b", "Int16": "h", "Int32": "i", "Int64": "q", "UInt8": "B", "UInt16": "H", "UInt32": "I", "UInt64": "Q",
    "Float32": "f", "Float64": "d",
}  # fmt: skip
_AS_TEXT = ("Categorical", "Enum", "Int128", "UInt128", "Decimal")


def content(value: Any) -> Content:
    """Content of a DataFrame or Series: column names and types, and values in order."""
    kind = f"polars.{type(value).__name__}"
    rows, size = len(value), int(value.estimated_size())
    if size > MAX_BYTES:
        part = value.gather_every(max(1, rows // _SAMPLE_ROWS))
        found = columns.content(kind, _columns(part), len(part))
        return Content(found.value, False, None, rows, size, found.fields, f"sampled: {len(part)} of {rows} rows")
    return columns.content(kind, _columns(value), rows)


def _columns(value: Any) -> Iterator[Column]:
    polars: Any = sys.modules["polars"]
    for series in [value] if isinstance(value, polars.Series) else value.iter_columns():
        yield _column(series.name, series)


def _column(name: str, series: Any) -> Column:
    polars: Any = sys.modules["polars"]
    dtype = series.dtype
    text, base, rows = str(dtype), dtype.base_type().__name__, len(series)
    mask = (_bytes(series.is_null().cast(polars.UInt8), "B"),) if series.null_count() else ()
    present = series.drop_nulls() if mask else series
    if base == "Null":
        return Column(name, text, rows, mask=mask)
    if base == "Struct":
        parts = tuple(_column(part.name, part) for part in present.struct.unnest().iter_columns())
        return Column(name, text, rows, mask=mask, children=parts)
    if base in ("List", "Array"):
        of = present.list if base == "List" else present.arr
        lengths = (_bytes(of.len().cast(polars.Int64), "q"),)
        # An empty list explodes to a null that isn't there.
        filled = present.filter(of.len() > 0)
        return Column(name, text, rows, mask=mask, lengths=lengths, children=(_column("item", filled.explode()),))
    if base in _AS_TEXT:
        present, base = present.cast(polars.String), "String"
    if base == "String":
        joined = present.str.join("").to_list() if len(present) else [""]
        lengths = (_bytes(present.str.len_bytes().cast(polars.Int64), "q"),)
        return Column(name, text, rows, ((joined[0] or "").encode(),), 0, lengths, mask)
    if base == "Binary":
        pieces = present.to_list()
        lengths = (memoryview(array("q", map(len, pieces))).cast("B"),)
        return Column(name, text, rows, (b"".join(pieces),), 0, lengths, mask)
    if base == "Boolean":
        present = present.cast(polars.UInt8)
    elif base in ("Date", "Time", "Datetime", "Duration"):
        present = present.to_physical()
    elif base in ("Float32", "Float64"):
        present = present.fill_nan(float("nan"))
    code = _CODES.get(present.dtype.base_type().__name__)
    if code is None:
        raise Unreadable(f"polars type {text}")
    data = _bytes(present, code)
    return Column(name, text, rows, (data,), array(code).itemsize, (), mask)


def _bytes(series: Any, code: str) -> memoryview:
    """Bytes of a series of numbers without nulls; through NumPy where it is loaded, as that copies nothing."""
    if "numpy" in sys.modules:
        from lineage import arrays

        return arrays.view(arrays.fixed(series.to_numpy()))
    return memoryview(array(code, series.to_list())).cast("B")
