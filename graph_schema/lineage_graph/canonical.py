"""Canonical bytes of a JSON document: the one spelling that keys, digests and facts are computed over.

Owns parsing without loss (integers of any size, no NaN, no lone surrogates, bounded depth) and serialising with
sorted keys. Does not know what the document means.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any

import orjson

MAX_DEPTH = 250
"""Nesting beyond this is refused: no event needs it, and recursive readers must not fail on it."""

# orjson parses integers above 64 bits as floats; documents that may hold one take the slower exact parser.
_DIGITS_AS_ZERO = bytes(0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256))
_LONG_DIGITS = b"0" * 19
_INT64 = (-(1 << 63), (1 << 64) - 1)


class NotCanonical(ValueError):
    """The bytes are not a JSON document that has canonical bytes; the message says where and why."""


def loads_exact(data: bytes) -> Any:
    """Parse JSON keeping integers exact.

    Raises:
        NotCanonical: not UTF-8 JSON, NaN or Infinity, lone surrogates, or nested deeper than `MAX_DEPTH`.
    """
    if _too_deep(data):
        raise NotCanonical(f"nested deeper than {MAX_DEPTH} levels")
    try:
        if _LONG_DIGITS not in data.translate(_DIGITS_AS_ZERO):
            return orjson.loads(data)
        value = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant, parse_int=_parse_int)
        return value
    except (ValueError, RecursionError) as error:
        raise NotCanonical(str(error)) from None


def canonical_bytes(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys, no white space, exact integers and shortest-form floats.

    Raises:
        NotCanonical: NaN or Infinity, lone surrogates, keys that are not strings, unknown types.
    """
    try:
        # orjson writes NaN as null, so documents made in Python are checked by the producers of floats;
        # parsed documents cannot hold one.
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        pass
    try:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise NotCanonical(str(error)) from None


def event_key(project_key: bytes, canonical: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) of the canonical bytes under the project's key; 32 bytes, what ingest dedupes by."""
    return hmac.digest(project_key, canonical, "sha256")


def content_hash(value: Any) -> bytes:
    """SHA-256 of the canonical bytes of `value`; 32 bytes."""
    return hashlib.sha256(canonical_bytes(value)).digest()


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON; send it as a string")


def _parse_int(text: str) -> int | str:
    if len(text) > 4300:  # CPython's own bound on int(): beyond it conversion is quadratic and refused
        raise ValueError("an integer of more than 4300 digits")
    return int(text)


def _too_deep(data: bytes) -> bool:
    """Whether brackets nest deeper than `MAX_DEPTH`; brackets inside strings are counted out."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for token in _STRUCTURE.finditer(data):
        first = token.group()[:1]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif first in b"]}":
            depth -= 1
    return False


# A string that never ends runs to the end of the data: tried again from each of its quotes, it would be quadratic.
_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)
