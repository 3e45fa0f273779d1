"""From an event (a dict) to the bytes of a record, whatever is in it: exact where JSON can be, marked where it cannot.

The fast path is one orjson call. Values it would refuse or silently change (NaN becomes null) take the slow path, which
copies the event and marks what it replaced. Nothing here calls a method of a user's object: a `__repr__` may raise or
sleep.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import orjson

MARKER = "weftline_truncated"
# What identifies an event is never cut: a shortened name would be another dataset.
_IDENTITY = frozenset(
    {"eventType", "eventTime", "runId", "namespace", "name", "producer", "schemaURL", "_producer", "_schemaURL"}
)
_LONGEST_IDENTITY = 65_536
_DEEPEST = 100
# (longest text, most members of a list or object), tried in turn until the event fits.
_CUTS = ((65_536, 20_000), (8_192, 2_000), (1_024, 200), (128, 20))
_LARGEST_INTEGER_BITS = 13_000


def encode(event: Mapping[str, Any], limit: int) -> bytes:
    """The event as JSON in UTF-8, without line breaks, at most about `limit` bytes.

    Raises:
        TypeError: `event` is not a mapping.
    """
    if not isinstance(event, Mapping):
        raise TypeError(f"an event is a mapping, got {type(event).__name__}")
    try:
        data = orjson.dumps(event, default=_known)
    except (TypeError, ValueError, RecursionError):  # orjson's own errors are ValueErrors
        data = _dump(_sanitise(event, None))
    else:
        # Only here can a null be a NaN that orjson has hidden.
        if b"null" in data and _has_unreal(event):
            data = _dump(_sanitise(event, None))
    return data if len(data) <= limit else _shorten(event, len(data), limit)


def _known(value: Any) -> object:
    """Values outside JSON whose meaning is certain; anything else is named by its type only."""
    if isinstance(value, (set, frozenset)):
        return list(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    kind = type(value)
    if kind.__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        return value.item()
    if kind.__module__ in ("pathlib", "decimal", "fractions"):
        return str(value)
    return f"<{kind.__module__}.{kind.__qualname__}>"


def _has_unreal(value: object, depth: int = 0) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if depth > _DEEPEST:
        return False
    if isinstance(value, dict):
        return any(_has_unreal(item, depth + 1) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(_has_unreal(item, depth + 1) for item in value)
    return False


class _Cut:
    """How much of an event may stay, and how much went."""

    __slots__ = ("members", "removed", "text")

    def __init__(self, text: int, members: int) -> None:
        self.text = text
        self.members = members
        self.removed = 0


def _shorten(event: Mapping[str, Any], size: int, limit: int) -> bytes:
    for text, members in _CUTS:
        cut = _Cut(text, members)
        copy = _sanitise(event, cut)
        data = _dump(_marked(copy, size))
        if len(data) <= limit:
            return data
    skeleton = _skeleton(event)
    data = _dump(_marked(skeleton, size))
    while len(data) > limit and (skeleton.get("inputs") or skeleton.get("outputs")):
        for side in ("inputs", "outputs"):
            skeleton[side] = skeleton.get(side, [])[: len(skeleton.get(side, [])) // 2]
        data = _dump(_marked(skeleton, size))
    return data


def _skeleton(event: Mapping[str, Any]) -> dict[str, Any]:
    """What places an event: its identity members, and those of its run, job and datasets."""
    cut = _Cut(128, 20)

    def identity(value: object) -> Any:
        if not isinstance(value, Mapping):
            return {}
        return {
            key: _sanitise_value(item, cut, 1, frozenset(), str(key)) for key, item in value.items() if key in _IDENTITY
        }

    skeleton: dict[str, Any] = identity(event)
    for key in ("run", "job", "dataset"):
        if key in event:
            skeleton[key] = identity(event[key])
    for side in ("inputs", "outputs"):
        if isinstance(event.get(side), list):
            skeleton[side] = [identity(dataset) for dataset in event[side][:2_000]]
    return skeleton


def _marked(event: dict[str, Any], size: int) -> dict[str, Any]:
    """The event with a facet on its run, job or dataset that says how large it was."""
    for key in ("run", "job", "dataset"):
        entity = event.get(key)
        if isinstance(entity, dict):
            facets = entity.setdefault("facets", {})
            if isinstance(facets, dict):
                facets[MARKER] = {
                    "_producer": event.get("producer") or "urn:weftline",
                    "_schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet",
                    "bytes": size,
                }
                return event
    event[MARKER] = {"bytes": size}
    return event


def _sanitise(event: Mapping[str, Any], cut: _Cut | None) -> dict[str, Any]:
    copy = _sanitise_value(event, cut, 0, frozenset(), "")
    return copy if isinstance(copy, dict) else {}


def _sanitise_value(value: object, cut: _Cut | None, depth: int, above: frozenset[int], key: str) -> Any:
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return _text(value, cut, key)
    if isinstance(value, int):
        plain = int(value)
        return plain if plain.bit_length() < _LARGEST_INTEGER_BITS else f"<integer of {plain.bit_length()} bits>"
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        return float(value) if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, (dict, list, tuple)):
        if id(value) in above:
            return "<cycle>"
        if depth >= _DEEPEST:
            return f"<more than {_DEEPEST} levels deep>"
        return _container(value, cut, depth + 1, above | {id(value)})
    if isinstance(value, Mapping):
        return _sanitise_value(dict(value), cut, depth, above, key)
    known = _orjson_native(value)
    return _sanitise_value(known, cut, depth + 1, above, key) if depth < _DEEPEST else "<too deep>"


def _orjson_native(value: object) -> object:
    """A value through orjson alone, so that dates, enums, uuids and dataclasses read the same on both paths."""
    try:
        return orjson.loads(orjson.dumps(value, default=_known))
    except (TypeError, ValueError, RecursionError):
        return f"<{type(value).__module__}.{type(value).__qualname__}>"


def _container(
    value: dict[Any, Any] | list[Any] | tuple[Any, ...], cut: _Cut | None, depth: int, above: frozenset[int]
) -> Any:
    most = cut.members if cut else len(value)
    if isinstance(value, dict):
        kept: dict[str, Any] = {}
        for key, item in value.items():
            if len(kept) >= most:
                kept[MARKER] = {"members": len(value) - most}
                break
            name = _text(key if isinstance(key, str) else str(_plain_key(key)), cut, "name")
            kept[name] = _sanitise_value(item, cut, depth, above, name)
        return kept
    items = [_sanitise_value(item, cut, depth, above, "") for item in value[:most]]
    # Lists of datasets, fields or metrics hold objects; a marker of another type would make the event invalid.
    if len(value) > most and not any(isinstance(item, dict) for item in items):
        items.append(f"<{len(value) - most} more>")
    return items


def _plain_key(key: object) -> object:
    return key if isinstance(key, (int, float, bool, type(None))) else f"<{type(key).__qualname__}>"


def _text(value: str, cut: _Cut | None, key: str) -> str:
    value = str.__str__(value)
    longest = _LONGEST_IDENTITY if key in _IDENTITY else cut.text if cut else len(value)
    if cut is not None and len(value) > longest:
        value = f"{value[:longest]}… <{len(value) - longest} more characters>"
    try:
        value.encode()
    except UnicodeEncodeError:
        value = value.encode("utf-8", "backslashreplace").decode()
    return value


def _dump(value: dict[str, Any]) -> bytes:
    """JSON of a sanitised event; the standard library writes the integers orjson cannot."""
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
