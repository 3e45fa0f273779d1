"""How properties of nodes and edges become JSON bytes in a store, exactly.

Owns the compact encoding both adapters share: integers of any size, None, nesting and Unicode come back as they
went in. Does not decide what the properties are. NaN and infinities are refused: typed values carry them as text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import orjson

# orjson reads an integer of more than 64 bits as a float; such content is written by `json`, behind a space.
_BIG = b" "


def dump_props(props: Mapping[str, Any]) -> bytes:
    """Compact JSON with sorted keys; b"" for no properties.

    Raises:
        ValueError: a float that JSON cannot carry (NaN, ±Inf).
        TypeError: a value that is not JSON.
    """
    if not props:
        return b""
    plain = dict(props)
    try:
        encoded = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)
    except TypeError as error:
        if "64-bit" not in str(error):
            raise
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return _BIG + text.encode()
    if b"null" in encoded:  # orjson writes NaN and infinities as null
        _refuse_non_finite(plain, "props")
    return encoded


def load_props(raw: bytes | None) -> dict[str, Any]:
    """The properties written by `dump_props`."""
    if not raw:
        return {}
    loaded: dict[str, Any] = json.loads(raw) if raw.startswith(_BIG) else orjson.loads(raw)
    return loaded


def _refuse_non_finite(value: Any, path: str) -> None:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{path} is {value}; give it as a typed value with its text instead")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _refuse_non_finite(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _refuse_non_finite(inner, f"{path}[{index}]")
