"""Typed values: a scalar as exact text and the name of its type.

Owns the one way in which numbers, booleans, strings and times become text: integers of any size exactly, floats by
their shortest round trip, NaN and infinities by name, times in UTC with microseconds. Stores and the query language
read the same forms. Does not decide what is recorded.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from os import PathLike, fspath
from typing import Any, NamedTuple

MAX_DIGITS = 1000
MAX_NODES = 500


class Typed(NamedTuple):
    """A value on the wire: `type` is int, float, bool, string, datetime or json; `text` is exact."""

    type: str
    text: str


def typed(value: Any) -> Typed | None:
    """The typed form of a scalar, or None if it isn't one (or has more than 1,000 digits).

    NumPy scalars count as the Python scalar they hold, paths and enumeration members as strings.
    """
    kind = type(value)
    if kind is str:
        return Typed("string", value)
    if kind is bool:
        return Typed("bool", "true" if value else "false")
    if kind is int:
        return _integer(value)
    if kind is float:
        return Typed("float", float_text(value))
    return _other(value)


def typed_json(value: Any) -> Typed | None:
    """The JSON form of None or of a small container of scalars (at most 500 values), or None if it has none."""
    budget = [MAX_NODES]
    if not _small(value, budget, 6):
        return None
    try:
        return Typed("json", json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError):
        return None


def float_text(value: float) -> str:
    """Shortest text that reads back as the same float; `NaN`, `Infinity` and `-Infinity` by name."""
    if math.isfinite(value):
        return float.__repr__(value)
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def time_text(value: datetime) -> str:
    """RFC 3339 in UTC with microseconds; a time without a zone is local time, as Python means it."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def _integer(value: int) -> Typed | None:
    if value.bit_length() > MAX_DIGITS * 3:
        return None
    return Typed("int", int.__repr__(value))


def _other(value: Any) -> Typed | None:
    if isinstance(value, Enum):
        return Typed("string", value.value if isinstance(value.value, str) else value.name)
    if isinstance(value, bool):
        return Typed("bool", "true" if value else "false")
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return Typed("float", float_text(value))
    if isinstance(value, str):
        return Typed("string", str.__str__(value))
    if isinstance(value, datetime):
        try:
            return Typed("datetime", time_text(value))
        except (OverflowError, ValueError):  # at the edge of the calendar UTC is another year
            return Typed("string", value.isoformat())
    if isinstance(value, (date, Decimal)):
        return Typed("string", str(value))
    if isinstance(value, PathLike):
        path = fspath(value)
        return Typed("string", path) if isinstance(path, str) else None
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == () and hasattr(value, "item"):
        item = value.item()
        return None if type(item) is type(value) else typed(item)
    return None


def _small(value: Any, budget: list[int], depth: int) -> bool:
    """Whether `value` is built of at most `budget` plain values, so that writing it down is cheap."""
    budget[0] -= 1
    if budget[0] < 0 or depth == 0:
        return False
    if value is None or isinstance(value, (bool, float)):
        return True
    if isinstance(value, int):
        return value.bit_length() <= MAX_DIGITS * 3
    if isinstance(value, str):
        return len(value) <= 4096
    if type(value) in (list, tuple):
        return all(_small(item, budget, depth - 1) for item in value)
    if isinstance(value, Mapping) and type(value) is dict:
        return all(isinstance(key, str) and _small(item, budget, depth - 1) for key, item in value.items())
    return False
