"""Holds: how we know, later, that an object is the very one we saw, without keeping big things alive.

Owns three kinds of evidence, tried in this order:

- a weak reference, for everything that allows one;
- a strong reference, for small plain values (numbers, strings, paths, and lists, tuples and dicts of them), inside a
  budget;
- witnesses, for big plain containers: length and a few of their elements, themselves held, so that another container
  at the same address shows by its elements; for big strings and bytes, samples of their content.

Objects that can be the same without having been handed over (None, booleans, small integers, interned strings,
enumeration members, classes, module functions, empty tuples …) are never held. Does not know who produced an object
(`passing`).
"""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from lineage.datasets import Dataset

MAX_STRONG = 1 << 20
"""Bytes up to which one plain value is kept alive."""

_MAX_NODES = 2000
_MAX_WITNESS = 16 << 10
_SAMPLES = 16
_WITNESSES = 8
_ATOMS = (int, float, complex, str, bytes, Decimal, date, timedelta, PurePath)
_BUILT_IN = (list, tuple, dict, bytearray)

Check = Callable[[Any], bool]


class Hold:
    """Evidence for one object.

    `same(value)` is whether `value` is it; `size` what keeping it alive costs, in bytes; `literal` whether it is of a
    kind that source code can contain; `reference` the weak reference, if that is the evidence; `kept` the container
    that is kept alive and may grow.
    """

    __slots__ = ("kept", "literal", "reference", "same", "size")

    def __init__(
        self,
        same: Check,
        size: int = 0,
        *,
        literal: bool = False,
        reference: weakref.ref[Any] | None = None,
        kept: Any = None,
    ) -> None:
        self.same = same
        self.size = size
        self.literal = literal
        self.reference = reference
        self.kept = kept

    def outgrown(self) -> bool:
        """Whether the container kept alive here is no longer small and plain."""
        return self.kept is not None and deep_size(self.kept) is None


def hold(value: Any, gone: Callable[[weakref.ref[Any]], None], nodes: int = _MAX_NODES) -> Hold | None:
    """Evidence for `value`, or None if none is safe.

    Args:
        value: any object.
        gone: called with the weak reference when a weakly held object dies.
        nodes: how many values a container may have to be looked through.
    """
    if not holdable(value):
        return None
    if isinstance(value, Dataset):
        return Hold(lambda other: other is value, sys.getsizeof(value))
    if is_atom(value):
        size = sys.getsizeof(value)
        if size <= MAX_STRONG:
            return Hold(lambda other: other is value, size, literal=True)
        return _sampled(value) if type(value) in (str, bytes) else None
    if type(value) not in _BUILT_IN:
        try:
            reference = weakref.ref(value, gone)
        except TypeError:
            pass
        else:
            return Hold(lambda other: reference() is other, reference=reference)
    if not isinstance(value, _BUILT_IN):
        return None
    size_or_none = deep_size(value, nodes)
    if size_or_none is None:
        return _witnessed(value)
    return Hold(lambda other: other is value, size_or_none, literal=isinstance(value, tuple), kept=value)


def holdable(value: Any) -> bool:
    """Whether being the same object says anything about where `value` comes from."""
    kind = type(value)
    if value is None or kind is bool or isinstance(value, (type, ModuleType, BuiltinFunctionType, Enum)):
        return False
    if kind is int:
        return not -5 <= value <= 256
    if kind is float:
        return math.isfinite(value)
    if kind is str:
        return len(value) > 1 and not _interned(value)
    if kind is bytes:
        return len(value) > 1
    if kind is tuple or kind is frozenset:
        return len(value) > 0
    if kind is FunctionType:
        return "<locals>" in value.__qualname__
    return kind.__name__ not in ("ellipsis", "NotImplementedType", "NAType", "NaTType", "bool", "bool_")


def is_atom(value: Any) -> bool:
    """Whether `value` is a single plain value, not a thing with parts or a life of its own."""
    return isinstance(value, _ATOMS) or _is_numpy_scalar(value)


def _is_numpy_scalar(value: Any) -> bool:
    return type(value).__module__ == "numpy" and hasattr(value, "item") and getattr(value, "shape", None) == ()


def _interned(text: str) -> bool:
    if len(text) > 256:
        return False
    copy = text[:1] + text[1:]
    return sys.intern(copy) is text


def deep_size(value: Any, nodes: int = _MAX_NODES, limit: int = MAX_STRONG) -> int | None:
    """Bytes of a container with everything in it, or None if that is much or holds anything but plain values."""
    total, seen, waiting = 0, 0, [value]
    while waiting:
        item = waiting.pop()
        total += sys.getsizeof(item)
        seen += 1
        if total > limit or seen > nodes:
            return None
        if isinstance(item, dict):
            if dict.__len__(item) > nodes:
                return None
            waiting.extend(dict.keys(item))
            waiting.extend(dict.values(item))
        elif isinstance(item, list):
            if list.__len__(item) > nodes:
                return None
            waiting.extend(list.__iter__(item))
        elif isinstance(item, tuple):
            if tuple.__len__(item) > nodes:
                return None
            waiting.extend(tuple.__iter__(item))
        elif not (item is None or isinstance(item, bytearray) or is_atom(item)):
            return None
    return total


def _sampled(value: str | bytes) -> Hold:
    """Evidence for a big string: address, length and windows of its content."""
    address, kind, length, seen = id(value), type(value), len(value), _windows(value)

    def same(other: Any) -> bool:
        return id(other) == address and type(other) is kind and len(other) == length and _windows(other) == seen

    return Hold(same)


def _windows(value: str | bytes) -> list[str | bytes]:
    step = max(len(value) // _SAMPLES, 1)
    return [value[start : start + 64] for start in range(0, len(value), step)]


def _witnessed(value: Any) -> Hold | None:
    """Evidence for a container that must not be kept alive: its length and some of its elements."""
    if type(value) not in (list, tuple, dict):
        return None
    address, kind, length = id(value), type(value), len(value)
    witnesses = [(key, check) for key in _sample_keys(value) if (check := _witness(value[key])) is not None]
    if not witnesses:
        return None

    def same(other: Any) -> bool:
        if id(other) != address or type(other) is not kind or len(other) != length:
            return False
        try:
            return all(check(other[key]) for key, check in witnesses)
        except LookupError:
            return False

    return Hold(same)


def _witness(element: Any) -> Check | None:
    """A check for one element, held in its turn so that its address cannot be given to another object."""
    if not holdable(element):
        return None
    if not is_atom(element) and type(element) not in _BUILT_IN:
        try:
            reference = weakref.ref(element)
        except TypeError:
            return None
        return lambda other: reference() is other
    if deep_size(element, 64, _MAX_WITNESS) is None:
        return None
    return lambda other: other is element


def _sample_keys(value: Any) -> list[Any]:
    if type(value) is dict:
        return list(islice(value, _WITNESSES))
    return list(range(0, len(value), max(len(value) // _WITNESSES, 1)))
