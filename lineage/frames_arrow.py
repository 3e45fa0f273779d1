"""Arrow tables and arrays as columns of plain buffers, chunk by chunk, and the schemas in Parquet and IPC files.

Owns how each of Arrow's types is read. Called only when the user has imported pyarrow.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

from lineage import columns
from lineage.columns import Column
from lineage.fingerprint import Content, Unreadable

MAX_BYTES = 1 << 30
_SAMPLES = 64
_SAMPLE_ROWS = 4096


def content(value: Any) -> Content:
    """Content of a Table, RecordBatch, ChunkedArray or Array: column names and types, and values in order.

    Chunks, offsets and what lies under nulls don't count; neither does the schema's metadata.
    """
    pa: Any = sys.modules["pyarrow"]
    table = isinstance(value, (pa.Table, pa.RecordBatch))
    kind = "pyarrow.Table" if table else "pyarrow.Array"
    rows, size = len(value), int(value.nbytes)
    if size > MAX_BYTES and rows > _SAMPLES * _SAMPLE_ROWS:
        value = pa.Table.from_batches([value]) if isinstance(value, pa.RecordBatch) else value
        found = _sample(kind, value, rows)
        return Content(
            found, False, None, rows, size, _fields(value), f"sampled: {_SAMPLES * _SAMPLE_ROWS} of {rows} rows"
        )
    return columns.content(kind, _columns(value), rows, fields=_fields(value))


def column(name: str, dtype: str, value: Any) -> Column:
    """An Array or ChunkedArray as a column under another library's name for its type."""
    chunks = list(value.chunks) if hasattr(value, "chunks") else [value]
    return _column(name, dtype, value.type, chunks)


def parquet_schema(path: str) -> tuple[Sequence[dict[str, Any]], int]:
    """Fields and rows from the footer of a Parquet file."""
    parquet: Any = sys.modules["pyarrow.parquet"]
    metadata = parquet.read_metadata(path)
    return [{"name": f.name, "type": str(f.type)} for f in metadata.schema.to_arrow_schema()], metadata.num_rows


def ipc_schema(path: str) -> Sequence[dict[str, Any]]:
    """Fields from the head of an Arrow IPC file."""
    pa: Any = sys.modules["pyarrow"]
    with pa.OSFile(path) as file, sys.modules["pyarrow.ipc"].open_file(file) as opened:
        return [{"name": f.name, "type": str(f.type)} for f in opened.schema]


def _fields(value: Any) -> list[dict[str, Any]]:
    schema = getattr(value, "schema", None)
    return [{"name": f.name, "type": str(f.type)} for f in schema] if schema is not None else []


def _columns(value: Any) -> Iterator[Column]:
    if hasattr(value, "schema"):
        for place, field in enumerate(value.schema):
            yield column(field.name, str(field.type), value.column(place))
    else:
        yield column("", str(value.type), value)


def _sample(kind: str, value: Any, rows: int) -> str | None:
    pa: Any = sys.modules["pyarrow"]
    starts = [(rows - _SAMPLE_ROWS) * number // (_SAMPLES - 1) for number in range(_SAMPLES)]
    pieces = [value.slice(start, _SAMPLE_ROWS) for start in starts]
    if hasattr(value, "schema"):
        part = pa.concat_tables(pieces)
    else:
        part = pa.chunked_array([chunk for piece in pieces for chunk in getattr(piece, "chunks", [piece])])
    return columns.content(f"{kind}:{rows}", _columns(part), len(part)).value


def _column(name: str, dtype: str, kind: Any, chunks: list[Any]) -> Column:
    pa: Any = sys.modules["pyarrow"]
    rows = sum(map(len, chunks))
    mask: tuple[memoryview, ...] = ()
    wide = _wide(kind)
    if wide is not None:
        kind, chunks = wide, [chunk.cast(wide) for chunk in chunks]
    if any(chunk.null_count for chunk in chunks) and not pa.types.is_null(kind):
        mask = tuple(_fixed(chunk.is_null().cast(pa.uint8()), 1) for chunk in chunks)
        chunks = [chunk.drop_null() for chunk in chunks]
    made = _present(name, dtype, rows, kind, chunks)
    return Column(name, dtype, rows, made.data, made.width, made.lengths, mask, made.children)


def _present(name: str, dtype: str, rows: int, kind: Any, chunks: list[Any]) -> Column:
    """A column of values that are all there."""
    pa: Any = sys.modules["pyarrow"]
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        return _column(name, dtype, kind.storage_type, [chunk.storage for chunk in chunks])
    if types.is_dictionary(kind):
        return _column(name, dtype, kind.value_type, [chunk.dictionary_decode() for chunk in chunks])
    if types.is_null(kind):
        return Column(name, dtype, rows)
    if types.is_boolean(kind):
        return Column(name, dtype, rows, [_fixed(chunk.cast(pa.uint8()), 1) for chunk in chunks], 1)
    if types.is_large_string(kind) or types.is_large_binary(kind):
        return _text(name, dtype, rows, chunks)
    if types.is_struct(kind):
        parts = [chunk.flatten() for chunk in chunks]
        children = tuple(
            _column(kind.field(i).name, str(kind.field(i).type), kind.field(i).type, [part[i] for part in parts])
            for i in range(kind.num_fields)
        )
        return Column(name, dtype, rows, children=children)
    if types.is_map(kind):
        pairs = pa.struct([pa.field("key", kind.key_type), pa.field("value", kind.item_type)])
        kind, chunks = pa.list_(pairs), [chunk.cast(pa.list_(pairs)) for chunk in chunks]
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        compute = import_module("pyarrow.compute")
        lengths = [_fixed(compute.list_value_length(chunk).cast(pa.int64()), 8) for chunk in chunks]
        inner = _column("item", str(kind.value_type), kind.value_type, [chunk.flatten() for chunk in chunks])
        return Column(name, dtype, rows, lengths=lengths, children=(inner,))
    width = _width(kind)
    if types.is_floating(kind):
        chunks = [_one_nan(chunk) for chunk in chunks]
    return Column(name, dtype, rows, [_fixed(chunk, width) for chunk in chunks], width)


def _width(kind: Any) -> int:
    try:
        bits = int(kind.bit_width)
    except (ValueError, AttributeError):
        raise Unreadable(f"Arrow type {kind}") from None
    if bits % 8 or sys.modules["pyarrow"].types.is_union(kind):
        raise Unreadable(f"Arrow type {kind}")
    return bits // 8


def _wide(kind: Any) -> Any | None:
    """The plain type to read a type as that Arrow's own functions know too little about, or None."""
    pa: Any = sys.modules["pyarrow"]
    if pa.types.is_float16(kind):
        return pa.float32()
    name = str(kind)
    if name in ("string", "string_view"):
        return pa.large_string()
    return pa.large_binary() if name in ("binary", "binary_view") else None


def _text(name: str, dtype: str, rows: int, chunks: list[Any]) -> Column:
    pa: Any = sys.modules["pyarrow"]
    compute = import_module("pyarrow.compute")
    lengths, data = [], []
    for chunk in chunks:
        lengths.append(_fixed(compute.binary_length(chunk).cast(pa.int64()), 8))
        _, offsets, values = chunk.buffers()
        if values is None or not len(chunk):
            continue
        marks = memoryview(offsets).cast("q")
        data.append(memoryview(values)[marks[chunk.offset] : marks[chunk.offset + len(chunk)]])
    return Column(name, dtype, rows, data, 0, lengths)


def _one_nan(chunk: Any) -> Any:
    pa: Any = sys.modules["pyarrow"]
    compute = import_module("pyarrow.compute")
    nans = compute.is_nan(chunk)
    if not compute.any(nans).as_py():
        return chunk
    return compute.if_else(nans, pa.scalar(float("nan"), chunk.type), chunk)


def _fixed(chunk: Any, width: int) -> memoryview:
    """Bytes of a chunk of fixed-width values without nulls."""
    buffer = chunk.buffers()[1]
    if buffer is None or not len(chunk):
        return memoryview(b"")
    width = chunk.type.bit_width // 8 or width
    return memoryview(buffer)[chunk.offset * width : (chunk.offset + len(chunk)) * width]
