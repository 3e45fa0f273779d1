"""NumPy arrays and scalars as content, and the array encodings that frames and estimators share.

Owns the bytes an array counts by: little-endian, C order, one NaN. Called only when the user has imported NumPy.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from lineage.columns import Column, row_digest
from lineage.fingerprint import Content, Fingerprint, Unreadable
from lineage.plain import Encoder

MAX_BYTES = 1 << 30
MAX_OBJECTS = 2_000_000


def reader(base: type) -> Callable[[Any], Content] | None:
    """The function that reads instances of a class of NumPy."""
    np: Any = sys.modules["numpy"]
    if issubclass(base, np.ma.MaskedArray):
        return _masked
    if issubclass(base, np.ndarray):
        return array_content
    if issubclass(base, np.generic):
        return lambda value: array_content(np.asarray(value))
    if issubclass(base, (np.random.RandomState, np.random.Generator, np.random.BitGenerator)):
        return _random_state
    return None


def array_content(value: Any) -> Content:
    """Content of an array; shape and type count. Above 1 GiB only parts are read."""
    np: Any = sys.modules["numpy"]
    array = np.asarray(value)
    rows = int(array.shape[0]) if array.ndim else None
    print_ = Fingerprint("ndarray")
    print_.text("dtype", str(array.dtype.descr if array.dtype.names else array.dtype.str.replace(">", "<")))
    print_.add("shape", str(array.shape).encode())
    if array.nbytes > MAX_BYTES:
        flat = array.reshape(-1) if array.flags.c_contiguous else array.ravel("K")
        step = max(1, flat.size // 4_000_000)
        print_.add("sample", view(fixed(flat[::step])))
        note = f"sampled: {array.nbytes} bytes are more than {MAX_BYTES}"
        return Content(print_.hex(), False, rows=rows, bytes=array.nbytes, note=note)
    _add(print_, array)
    shuffled = None
    if array.ndim in (1, 2) and array.dtype.kind in "biufc" and array.size:
        width = array.nbytes // array.shape[0]
        kind = f"{array.dtype.str.replace('>', '<')}{array.shape[1:]}"
        shuffled = row_digest(kind, view(fixed(array)), array.shape[0], width)
    return Content(print_.hex(), True, shuffled, rows, array.nbytes)


def fixed(array: Any) -> Any:
    """A contiguous little-endian array of the same values, where every NaN and NaT is the same one.

    Raises:
        Unreadable: the values are objects, or have padding.
    """
    np: Any = sys.modules["numpy"]
    kind = array.dtype.kind
    if kind not in "biufcMmSU" or (kind in "fc" and array.dtype.itemsize // (2 if kind == "c" else 1) > 8):
        raise Unreadable(f"dtype {array.dtype} has no canonical bytes")
    array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    if kind in "fc":
        nans = np.isnan(array)
        if nans.any():
            array = array.copy()
            if kind == "c":
                array.real[np.isnan(array.real)] = np.nan
                array.imag[np.isnan(array.imag)] = np.nan
            else:
                array[nans] = np.nan
    return array


def view(array: Any) -> memoryview:
    """The bytes of a contiguous array."""
    np: Any = sys.modules["numpy"]
    return memoryview(array.reshape(-1).view(np.uint8)) if array.size else memoryview(b"")


def objects(values: Sequence[Any]) -> tuple[memoryview, bytes]:
    """Lengths (int64) and encodings of Python objects.

    Raises:
        Unreadable: one of them isn't plain, or there are too many.
    """
    np: Any = sys.modules["numpy"]
    if len(values) > MAX_OBJECTS:
        raise Unreadable(f"{len(values)} Python objects")
    encoder = Encoder(_missing)
    pieces = [
        b"s" + item.encode("utf-8", "surrogatepass") if type(item) is str else encoder.encode(item) for item in values
    ]
    lengths = np.fromiter((len(piece) for piece in pieces), dtype="<i8", count=len(pieces))
    return view(lengths), b"".join(pieces)


def _missing(value: Any) -> bytes:
    """pandas' own scalars, and whatever else has a reader."""
    from lineage import values

    kind = type(value)
    if kind.__module__.partition(".")[0] == "pandas":
        name = kind.__name__
        if name in ("NAType", "NaTType"):
            return name.encode()
        if name in ("Timestamp", "Timedelta", "Period", "Interval"):
            return f"{name}:{value!r}".encode()
    found = values.content(value)
    if found is None or found.value is None or not found.exact:
        raise Unreadable(f"it holds a {kind.__module__}.{kind.__qualname__}")
    return found.value.encode()


def column(name: str, dtype: str, array: Any) -> Column:
    """A one-dimensional array as a column."""
    if array.dtype.kind == "O":
        lengths, data = objects(array.tolist())
        return Column(name, dtype, len(array), (data,), 0, (lengths,))
    if array.dtype.names:
        children = tuple(column(part, str(array.dtype[part]), array[part]) for part in array.dtype.names)
        return Column(name, dtype, len(array), children=children)
    clean = fixed(array)
    return Column(name, dtype, len(array), (view(clean),), clean.dtype.itemsize)


def _add(print_: Fingerprint, array: Any) -> None:
    if array.dtype.names:
        for part in array.dtype.names:  # bytes between fields are not data
            print_.text("field", part)
            _add(print_, array[part])
    elif array.dtype.kind == "O":
        lengths, data = objects(array.reshape(-1).tolist())
        print_.add("lengths", lengths)
        print_.add("objects", data)
    else:
        print_.add("data", view(fixed(array)))


def _masked(value: Any) -> Content:
    np: Any = sys.modules["numpy"]
    mask = np.ma.getmaskarray(value)
    filled = np.ma.getdata(value).copy()
    filled[mask] = np.zeros((), dtype=filled.dtype)
    inner, outer = array_content(filled), array_content(mask)
    whole = hashlib.sha256(f"masked:{inner.value}:{outer.value}".encode()).hexdigest()
    return Content(whole, inner.exact and outer.exact, rows=inner.rows, bytes=inner.bytes, note=inner.note)


def _random_state(value: Any) -> Content:
    from lineage import values

    np: Any = sys.modules["numpy"]
    if isinstance(value, np.random.RandomState):
        return values.plain_content(value.get_state(legacy=False))
    return values.plain_content(getattr(value, "bit_generator", value).state)
