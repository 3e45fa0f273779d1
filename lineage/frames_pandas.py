"""pandas frames, series and indexes as columns of plain buffers.

Owns how each of pandas' array kinds is read. Called only when the user has imported pandas.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from lineage import arrays, columns
from lineage.columns import Column
from lineage.fingerprint import Content, Fingerprint, Unreadable

MAX_BYTES = 1 << 30
_SAMPLE_ROWS = 200_000


def frame(value: Any) -> Content:
    """Content of a DataFrame: index, column names and types, and values in order."""
    size = int(value.memory_usage(index=True, deep=False).sum())
    rows = len(value)
    if size > MAX_BYTES or rows * sum(str(dtype) == "object" for dtype in value.dtypes) > arrays.MAX_OBJECTS:
        part = _part(value, rows)
        found = columns.content("pandas.DataFrame", _columns(part), len(part))
        note = f"sampled: {len(part)} of {rows} rows"
        return Content(found.value, False, None, rows, size, found.fields, note)
    return columns.content("pandas.DataFrame", _columns(value), rows)


def series(value: Any) -> Content:
    """Content of a Series."""
    if value.memory_usage(index=False, deep=False) > MAX_BYTES:
        part = _part(value, len(value))
        found = columns.content("pandas.Series", _series(part), len(part))
        return Content(found.value, False, None, len(value), found.bytes, found.fields, f"sampled: {len(part)} rows")
    return columns.content("pandas.Series", _series(value), len(value))


def index(value: Any) -> Content:
    """Content of an Index."""
    return columns.content("pandas.Index", _index(value), len(value), fields=())


READERS: dict[str, Callable[[Any], Content]] = {"DataFrame": frame, "Series": series, "Index": index}


def _part(value: Any, rows: int) -> Any:
    """First and last rows and rows at even distances between."""
    step = max(1, rows // _SAMPLE_ROWS)
    return value.iloc[::step] if rows else value


def _columns(value: Any) -> Iterator[Column]:
    yield from _index(value.index)
    for level, name in enumerate(value.columns.names):
        if name is not None:
            yield Column(f"{level}:{name!r}", "columns.name", 0, label=True, index=True)
    for place, name in enumerate(value.columns):
        column = _column(str(name), value.iloc[:, place].array)
        # Columns named 1 and "1" differ.
        yield column if type(name) is str else replace(column, detail=f"{type(name).__name__}:{column.detail}")


def _series(value: Any) -> Iterator[Column]:
    yield from _index(value.index)
    yield _column("" if value.name is None else str(value.name), value.array)


def _index(value: Any) -> Iterator[Column]:
    pd: Any = sys.modules["pandas"]
    if isinstance(value, pd.MultiIndex):
        for level in range(value.nlevels):
            name = value.names[level]
            yield replace(_column(f"index:{name!r}", value.get_level_values(level).array), index=True)
        return
    label = value.name is None and (isinstance(value, pd.RangeIndex) or value.dtype.kind in "iu")
    dtype = "int64" if isinstance(value, pd.RangeIndex) else str(value.dtype)
    yield replace(_column(f"index:{value.name!r}", value.array, dtype), index=True, label=label)


def _column(name: str, array: Any, dtype: str | None = None) -> Column:
    pd: Any = sys.modules["pandas"]
    np: Any = sys.modules["numpy"]
    kind = array.dtype
    dtype = str(kind) if dtype is None else dtype
    if isinstance(kind, np.dtype):
        plain = array.view("i8") if kind.kind in "mM" else np.asarray(array)
        return arrays.column(name, dtype, plain)
    if isinstance(kind, pd.StringDtype):
        return _strings(name, dtype, array)
    if isinstance(kind, (pd.DatetimeTZDtype, pd.PeriodDtype)):
        return arrays.column(name, dtype, array.asi8)
    if isinstance(kind, pd.CategoricalDtype):
        return _categorical(name, dtype, array)
    if isinstance(kind, pd.IntervalDtype):
        parts = (_column("left", array.left.array), _column("right", array.right.array))
        return Column(name, dtype, len(array), children=parts)
    if isinstance(kind, pd.SparseDtype):
        return arrays.column(name, dtype, np.asarray(array.to_dense()))
    if isinstance(kind, pd.ArrowDtype):
        from lineage import frames_arrow

        return frames_arrow.column(name, dtype, array.__arrow_array__())
    numpy_dtype = getattr(kind, "numpy_dtype", None)
    if type(kind).__module__.partition(".")[0] == "pandas" and numpy_dtype is not None:
        return _masked(name, dtype, array, numpy_dtype)
    raise Unreadable(f"dtype {dtype} belongs to an extension")


def _present(array: Any) -> tuple[Any, tuple[memoryview, ...]]:
    """The values that are there, and the mask of those that aren't."""
    np: Any = sys.modules["numpy"]
    missing = np.asarray(array.isna(), dtype=bool)
    if not missing.any():
        return array, ()
    return array[~missing], (arrays.view(missing.view("u1")),)


def _masked(name: str, dtype: str, array: Any, numpy_dtype: Any) -> Column:
    present, mask = _present(array)
    values = arrays.column(name, dtype, present.to_numpy(dtype=numpy_dtype))
    return replace(values, rows=len(array), mask=mask)


def _strings(name: str, dtype: str, array: Any) -> Column:
    """Text; the same buffers whether pandas keeps it as Python objects or in Arrow."""
    present, mask = _present(array)
    if hasattr(present, "__arrow_array__") and getattr(array.dtype, "storage", "") == "pyarrow":
        from lineage import frames_arrow

        values = frames_arrow.column(name, dtype, present.__arrow_array__())
    else:
        np: Any = sys.modules["numpy"]
        pieces = [text.encode("utf-8", "surrogatepass") for text in present.tolist()]
        lengths = np.fromiter((len(piece) for piece in pieces), dtype="<i8", count=len(pieces))
        values = Column(name, dtype, len(array), (b"".join(pieces),), 0, (arrays.view(lengths),))
    return replace(values, rows=len(array), mask=mask)


def _categorical(name: str, dtype: str, array: Any) -> Column:
    """By the values, so that rows compare across differing lists of categories; the list is in the exact digest."""
    np: Any = sys.modules["numpy"]
    categories = array.categories.array
    listed = Fingerprint("categories")
    _column("categories", categories).digest(listed)
    codes = np.asarray(array.codes)
    missing = codes < 0
    said = _column(name, categories.take(codes[~missing]), dtype)
    mask = (arrays.view(missing.view("u1")),) if missing.any() else ()
    detail = f"{'ordered' if array.ordered else 'unordered'}:{listed.hex()}"
    return replace(said, dtype=dtype, rows=len(array), mask=mask, detail=detail)
