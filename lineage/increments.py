"""What one `log_*` call adds to a run: parameters, metrics, tags, checks and deployments as they stand in facets.

Owns what a user may log, its limits, its redaction, and the words of the warning when something is refused. Pure
apart from those warnings; `recording` sends what is built here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lineage import diagnostics
from lineage.errors import UsageError
from lineage.events import now_text
from lineage.redact import redact_value
from lineage.typed import Typed, time_text, typed, typed_json

MAX_TEXT = 2000
MAX_NAME = 250
_MARGIN = 4096
_LONGEST_TIME = 64
_LONGEST_NUMBER = 1000


def name_of(call: str, name: object) -> str | None:
    """`name` if it can name something, else None and a warning."""
    if isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable():
        return name
    shown = f"{name[:80]!r}" if type(name) is str else f"a {type(name).__name__}"
    diagnostics.warn_once(
        f"name:{call}", f"{call}: not recorded, its name must be 1 to {MAX_NAME} printable characters, not {shown}"
    )
    return None


def parameter(name: str, value: Any) -> Typed | None:
    """A parameter as recorded: typed, redacted, cut to 2,000 characters; None if it is no scalar and no small JSON."""
    found = typed(value) or typed_json(value)
    if found is None:
        return None
    text = clean(name, found.text)
    return found if text == found.text else Typed("string", text)


def metric(name: str, value: Any, timestamp: Any, part: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An item of `weftline_metrics`, or None (and a warning) if the value is no number."""
    found = typed(value)
    if found is None or found.type not in ("int", "float", "bool"):
        try:
            readable = not isinstance(value, (str, bytes, bytearray)) or len(value) <= _LONGEST_NUMBER
            found = typed(float(value)) if readable else None
        except (TypeError, ValueError):
            found = None
    if found is None:
        diagnostics.warn_once(
            f"metric:{name}",
            f"log_metric({name!r}): not recorded, its value must be a number, not {type(value).__name__}; "
            "log_param and tag take text",
        )
        return None
    item: dict[str, Any] = {"name": name, "type": found.type, "value": found.text, "timestamp": _timestamp(timestamp)}
    if part:
        item["slice"] = members(part)
    return item


def refuse_step(name: str) -> None:
    """Say that series are not recorded yet, and what to do."""
    diagnostics.warn_once(
        f"step:{name}",
        f"log_metric({name!r}, step=…): not recorded, series of steps are not supported yet; "
        "log the last or best value without step",
    )


def check(
    name: str, success: bool, subject: Mapping[str, str] | None, severity: str | None, expected: Any, actual: Any
) -> dict[str, Any] | None:
    """An item of `weftline_checks`, or None (and a warning) if `success` is no bool, Python's or NumPy's.

    Nothing is taken by its truth: "failed" is true.
    """
    found = typed(success)
    if found is None or found.type != "bool":
        diagnostics.warn_once(
            f"check:{name}",
            f"log_check({name!r}): not recorded, success must be True or False, not a {type(success).__name__}; pass "
            "the comparison itself, for example log_check('no nulls', nulls == 0), and details as actual=",
        )
        return None
    item: dict[str, Any] = {"name": name, "success": bool(success)}
    if severity is not None:
        item["severity"] = plain("severity", severity)
    if expected is not None:
        item["expected"] = plain("expected", expected)
    if actual is not None:
        item["actual"] = plain("actual", actual)
    if subject is not None:
        item["subject"] = dict(subject)
    return item


def deployment(model: Mapping[str, str], target: str, endpoint: str | None) -> dict[str, Any]:
    """An item of `weftline_deployments`."""
    item: dict[str, Any] = {"target": plain("target", target), "model": dict(model)}
    if endpoint is not None:
        item["endpoint"] = plain("endpoint", endpoint)
    return item


def plain(key: str, value: Any) -> str:
    """Any scalar as redacted text; what is no scalar is named by its type, never printed."""
    found = typed(value) or typed_json(value)
    return clean(key, found.text) if found is not None else f"<{type(value).__name__}>"


def members(values: Mapping[str, Any]) -> dict[str, str]:
    """Redacted texts by name; of a long name the first characters."""
    return {name: plain(name, value) for name, value in ((str(key)[:MAX_NAME], values[key]) for key in values)}


def clean(name: str, text: str) -> str:
    """`text` without secrets; of a long one the first 2,000 characters and how many there were."""
    if len(text) <= MAX_TEXT:
        return str(redact_value(name, text))
    # Looked at a little further than it is kept: a secret cut in two is no longer one that can be recognised.
    return f"{redact_value(name, text[: MAX_TEXT + _MARGIN])[:MAX_TEXT]}… ({len(text)} characters)"


def _timestamp(value: Any) -> str:
    if value is None:
        return now_text()
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, (int, float)):
        return time_text(datetime.fromtimestamp(value).astimezone())
    if not isinstance(value, str) or len(value) > _LONGEST_TIME:
        said = f"{value[:40]!r}…" if isinstance(value, str) else f"a {type(value).__name__}"
        raise UsageError(f"a timestamp is a datetime, seconds since the epoch or RFC 3339, not {said}")
    return time_text(datetime.fromisoformat(value))
