"""Typed attributes of a run: parameters, metrics and tags, from its kept facets.

Owns the key names (`param.*`, `metric.*`, `tag.*`, `duration`) and which statement wins: the last by event time, then
by canonical bytes. Values keep their exact text; `num` is for ordering only.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from lineage_graph.canonical import canonical_bytes
from lineage_graph.derive.view import RunView

TYPES = frozenset({"int", "float", "bool", "string", "datetime", "json"})
MAX_KEY = 512


class TypedValue(NamedTuple):
    """A value as it travels and is stored: its type's name and its exact text."""

    type: str
    text: str

    @property
    def num(self) -> float | None:
        """The nearest float of an int or float (NaN and other types: None); for ordering, never for showing."""
        if self.type not in ("int", "float"):
            return None
        try:
            number = float(self.text)
        except (ValueError, OverflowError):
            return None
        return None if math.isnan(number) else number


def attributes(view: RunView) -> dict[str, TypedValue]:
    """All attributes of a run, by key."""
    found: dict[str, TypedValue] = {}
    _parameters(view, found)
    _metrics(view, found)
    _tags(view, found)
    if view.started is not None and view.ended is not None:
        found["duration"] = TypedValue("float", repr((view.ended - view.started) / 1e6))
    return found


def _parameters(view: RunView, found: dict[str, TypedValue]) -> None:
    types: dict[str, str] = {}
    for _, _, content in view.facets.get("weftline_parameters", ()):
        declared = content.get("types")
        if isinstance(declared, dict):
            types.update({k: v for k, v in declared.items() if isinstance(v, str) and v in TYPES})
    for _, _, content in view.facets.get("executionParameters", ()):
        parameters = content.get("parameters")
        for parameter in parameters if isinstance(parameters, list) else ():
            if isinstance(parameter, dict) and _key(parameter.get("key")):
                value = parameter.get("value")
                typed = (
                    TypedValue(types.get(parameter["key"], "string"), value)
                    if isinstance(value, str)
                    else _typed(value)
                )
                found[f"param.{parameter['key']}"] = typed


def _metrics(view: RunView, found: dict[str, TypedValue]) -> None:
    last: dict[str, tuple[str, int]] = {}
    for at, _, content in view.facets.get("weftline_metrics", ()):
        metrics = content.get("metrics")
        for metric in metrics if isinstance(metrics, list) else ():
            if not isinstance(metric, dict) or not _key(metric.get("name")) or not isinstance(metric.get("value"), str):
                continue
            key = f"metric.{metric['name']}{_slice(metric.get('slice'))}"
            order = (str(metric.get("timestamp", "")), at)
            if key not in last or order >= last[key]:
                last[key] = order
                kind = metric.get("type")
                found[key] = TypedValue(kind if isinstance(kind, str) and kind in TYPES else "string", metric["value"])


def _tags(view: RunView, found: dict[str, TypedValue]) -> None:
    for _, _, content in view.facets.get("tags", ()):
        tags = content.get("tags")
        for tag in tags if isinstance(tags, list) else ():
            if isinstance(tag, dict) and _key(tag.get("key")) and isinstance(tag.get("value"), str):
                found[f"tag.{tag['key']}"] = TypedValue("string", tag["value"])


def _slice(value: Any) -> str:
    if not isinstance(value, dict) or not value:
        return ""
    return "{" + ",".join(f"{k}={value[k]}" for k in sorted(value, key=str)) + "}"


def _key(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_KEY


def _typed(value: Any) -> TypedValue:
    if isinstance(value, bool):
        return TypedValue("bool", "true" if value else "false")
    if isinstance(value, int):
        return TypedValue("int", str(value))
    if isinstance(value, float):
        return TypedValue("float", repr(value))
    return TypedValue("json", canonical_bytes(value).decode())
