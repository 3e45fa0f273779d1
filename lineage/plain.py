"""Plain values as canonical bytes: numbers, text, times, and containers of these.

Owns the encoding only: tagged and length-framed, so that 1, 1.0, True and "1" differ; dictionaries and sets
whatever their order. Only Python's own types are read, by their exact class, as a subclass may run its author's code;
data classes and named tuples are read by their fields. Anything else is handed to the caller's `other`.
"""

from __future__ import annotations

import dataclasses
import math
import struct
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

from lineage.fingerprint import TooBig, Unreadable

MAX_VALUES = 2_000_000
MAX_DEPTH = 100
_BYTES_PER_VALUE = 2048
_SIZED = frozenset({list, tuple, deque, dict, OrderedDict, defaultdict, set, frozenset})


class Encoder:
    """Encodes one value, within a budget.

    Args:
        other: encodes what is not plain; raises `Unreadable` where it can't.
        most: values it may hold.
    """

    def __init__(self, other: Callable[[Any], bytes], most: int = MAX_VALUES) -> None:
        self._other = other
        self._most = self._left = most
        self._open: set[int] = set()

    def encode(self, value: Any) -> bytes:
        """Canonical bytes.

        Raises:
            Unreadable: it holds something that isn't plain, refers to itself, or is too big.
        """
        self._spend(1)
        kind = type(value)
        scalar = _SCALARS.get(kind)
        if scalar is not None:
            if kind is str or kind is bytes or kind is bytearray:
                self._spend(len(value) // _BYTES_PER_VALUE)
            return scalar(value)
        return self._container(value)

    def _spend(self, values: int) -> None:
        self._left -= values
        if self._left < 0:
            raise TooBig(f"more than {self._most:,} values, {_BYTES_PER_VALUE} bytes of text counting as one")

    def _container(self, value: Any) -> bytes:
        kind = type(value)
        if kind in _SIZED and len(value) > self._left:
            self._spend(len(value))
        if id(value) in self._open:
            raise Unreadable("it refers to itself")
        if len(self._open) >= MAX_DEPTH:
            raise Unreadable(f"nested deeper than {MAX_DEPTH}")
        self._open.add(id(value))
        try:
            if kind is list or kind is tuple or kind is deque:
                return _framed(b"L" if kind is not tuple else b"T", [self.encode(item) for item in value])
            if kind is dict or kind is OrderedDict or kind is defaultdict:
                return self._mapping(b"D", value.items())
            if kind is set or kind is frozenset:
                return _framed(b"S", sorted(self.encode(item) for item in value))
            if kind is slice:
                return _framed(b"I", [self.encode(part) for part in (value.start, value.stop, value.step)])
            if issubclass(kind, Enum):
                return _framed(b"E", [_name(kind), value._name_.encode()])
            if issubclass(kind, PurePath):
                return _framed(b"P", [str(value).encode("utf-8", "surrogatepass")])
            if issubclass(kind, tuple) and hasattr(kind, "_fields"):
                return _framed(b"N", [_name(kind), *(self.encode(item) for item in tuple.__iter__(value))])
            if dataclasses.is_dataclass(kind) or "__pydantic_fields__" in kind.__dict__:
                return self._fields(value)
            return _framed(b"O", [self._other(value)])
        finally:
            self._open.discard(id(value))

    def _mapping(self, tag: bytes, items: Iterable[tuple[Any, Any]]) -> bytes:
        pairs = sorted((self.encode(key), self.encode(item)) for key, item in items)
        return _framed(tag, [piece for pair in pairs for piece in pair])

    def _fields(self, value: Any) -> bytes:
        try:
            state = object.__getattribute__(value, "__dict__")
        except AttributeError:
            raise Unreadable(f"{type(value).__qualname__} keeps its fields in slots") from None
        return _framed(b"F", [_name(type(value)), self._mapping(b"D", state.items())])


def float_bytes(value: float) -> bytes:
    """Bits of a float; every NaN is the same one."""
    return struct.pack("<d", math.nan if value != value else value)


def _framed(tag: bytes, pieces: list[bytes]) -> bytes:
    framed = [tag, struct.pack("<Q", len(pieces))]
    for piece in pieces:
        framed.append(struct.pack("<Q", len(piece)))
        framed.append(piece)
    return b"".join(framed)


def _name(kind: type) -> bytes:
    return f"{kind.__module__}:{kind.__qualname__}".encode()


def _datetime(value: datetime) -> bytes:
    """An aware time is its instant in UTC; a naive one is itself."""
    if value.tzinfo is None:
        return b"t" + value.isoformat().encode() + (b"f" if value.fold else b"")
    return b"z" + value.astimezone(UTC).isoformat().encode() if value.utcoffset() is not None else b"t"


_SCALARS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda value: b"n",
    type(Ellipsis): lambda value: b"e",
    bool: lambda value: b"1" if value else b"0",
    int: lambda value: b"i" + value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True),
    float: lambda value: b"d" + float_bytes(value),
    complex: lambda value: b"c" + float_bytes(value.real) + float_bytes(value.imag),
    str: lambda value: b"s" + value.encode("utf-8", "surrogatepass"),
    bytes: lambda value: b"b" + value,
    bytearray: lambda value: b"b" + bytes(value),
    datetime: _datetime,
    date: lambda value: b"a" + value.isoformat().encode(),
    time: lambda value: b"h" + value.isoformat().encode(),
    timedelta: lambda value: b"u" + f"{value.days}:{value.seconds}:{value.microseconds}".encode(),
    Decimal: lambda value: b"m" + str(value).encode(),
    Fraction: lambda value: b"q" + str(value).encode(),
    UUID: lambda value: b"g" + value.bytes,
    range: lambda value: b"r" + f"{value.start}:{value.stop}:{value.step}".encode(),
}
