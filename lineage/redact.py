"""The one redactor: nothing that was captured leaves the process without having passed here.

Owns deciding what is a credential, by the name it goes under or by its looks, and putting `[redacted:<kind>]` in
its place. Redacting twice changes nothing. It does not know where values come from, and it doesn't look for personal
data. Patterns and words are data, in `redact_patterns`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from typing import Any

import orjson

from lineage import redact_patterns as data
from lineage.redact_named import ordinary
from lineage.redact_patterns import MARK
from lineage.redact_scan import redact as scan

_NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_OPAQUE = re.compile(r"[A-Za-z0-9+/_=.~-]{16,}")
# Nothing that could set a name and a value apart, and too short to be a token.
_SHORT = re.compile(r"[\w./+-]*")
_HARMLESS = re.compile(r"[0-9a-fA-F-]{8,}|[0-9.:TZ+-]+")

# Strings and keys seen before and found harmless: most of an event's text is the same in the next one.
_CLEAN_LIMIT = 8192
_CLEAN_LENGTH = 8192
_CLEAN_TOTAL = 1 << 20
_CLEAN_DATASETS = 1024
_CLEAN_DATASET_LENGTH = 4096
_clean: set[str] = set()
_clean_size = 0
_harmless_keys: set[str] = set()
_clean_datasets: set[bytes] = set()
# Values under these keys are package versions and type names, whatever the keys inside are called.
_UNNAMED = frozenset({"packages", "types"})


def redact_text(text: str) -> str:
    """`text` without credentials: logins in addresses, signatures, tokens, values after names like `password=`."""
    if text in _clean:
        return text
    size = len(text)
    if size < 5 or (size < 20 and _SHORT.fullmatch(text)):
        return text
    if size <= 64 and _HARMLESS.fullmatch(text):
        return text
    cleaned = scan(text, _sensitive)
    if cleaned is text and size <= _CLEAN_LENGTH:
        _remember(text, size)
    return cleaned


def _remember(text: str, size: int) -> None:
    global _clean_size
    _clean_size += size
    if _clean_size > _CLEAN_TOTAL or len(_clean) >= _CLEAN_LIMIT:
        _clean.clear()
        _clean_size = size
    _clean.add(text)


def redact_value(name: str, value: Any) -> Any:
    """`value` as it may leave under `name`; the same object where there is nothing to hide.

    Containers are looked through; None and booleans are never secrets, numbers only under a password's name.
    """
    return _value(name, value)


def redact_event(event: Any) -> Any:
    """An OpenLineage event, or any JSON-like value, without credentials; the same object where there are none."""
    if type(event) is not dict:
        return _walk(event)
    sides = {side: event[side] for side in ("inputs", "outputs") if type(event.get(side)) is list}
    rest = {key: item for key, item in event.items() if key not in sides}
    changed = _walk_dict(rest)
    redacted = {} if changed is rest else changed
    for side, datasets in sides.items():
        cleaned = [_dataset(dataset) for dataset in datasets]
        if any(new is not old for new, old in zip(cleaned, datasets, strict=True)):
            redacted[side] = cleaned
    return {**event, **redacted} if redacted else event


def _dataset(dataset: Any) -> Any:
    """A dataset of an event: mostly one that other events named in the same words and with the same columns."""
    try:
        text = orjson.dumps(dataset)
    except TypeError:
        return _walk(dataset)
    if text in _clean_datasets:
        return dataset
    cleaned = _walk(dataset)
    if cleaned is dataset and len(text) <= _CLEAN_DATASET_LENGTH:
        if len(_clean_datasets) >= _CLEAN_DATASETS:
            _clean_datasets.clear()
        _clean_datasets.add(text)
    return cleaned


def sensitive(name: str) -> str | None:
    """The kind of secret that `name` announces (`password`, `token`, `secret`), or None."""
    return _sensitive(name[-200:])


@lru_cache(maxsize=4096)
def _sensitive(name: str) -> str | None:
    words = [word.lower() for word in _NAME_WORD.findall(name)]
    if not words:
        return None
    last = words[-1]
    if last.isdigit() and len(words) > 1:
        last = words[-2]
    joined = "".join(words)
    found = next((part for part in data.SECRET_PARTS if part in joined), None)
    if found is None:
        found = next((word for word in words if word in data.SECRET_NAMES), None)
    if found is None and (last in data.SECRET_LAST or words == ["pass"]):
        found = last
    if found is None and last == "pass" and len(words) > 1 and words[-2] in data.PASS_OWNERS:
        found = "password"
    if found is None and last.endswith("token"):
        before = words[-2] if len(words) > 1 else last.removesuffix("token")
        found = None if before in data.VOCABULARY else "token"
    if found is None or (last in data.ABOUT and last != found):
        return None
    return _kind(found)


def _kind(found: str) -> str:
    if found == "pass":
        return "secret"  # or a verdict: numbers stay
    if found.startswith("pass") or found == "pwd" or found in data.SECRET_LAST:
        return "password"
    if found.endswith("key"):
        return "key"
    if found.endswith("token"):
        return "token"
    return {"setcookie": "cookie", "cookies": "cookie", "connectionstring": "connection", "connstr": "connection"}.get(
        found, "secret"
    )


def _walk(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return value if value in _clean else redact_text(value)
    if kind is dict:
        return _walk_dict(value)
    if kind is list or kind is tuple:
        return _walk_list(value)
    return value


def _walk_dict(value: dict[Any, Any]) -> dict[Any, Any]:
    changed: dict[Any, Any] | None = None
    paired = (value.get("key") or value.get("name")) if "value" in value else None
    for key, item in value.items():
        kind = type(item)
        if paired is not None and key == "value":
            new = _value(str(paired), item)
        elif key in _harmless_keys or _harmless_key(key):
            if kind is str:
                if item in _clean:
                    continue
                new = redact_text(item)
            elif kind is dict:
                new = _unnamed(item) if key in _UNNAMED else _walk_dict(item)
            elif kind is list or kind is tuple:
                new = _walk_list(item)
            else:
                continue
        else:
            new = _value(key, item)
        if new is not item:
            changed = changed if changed is not None else {}
            changed[key] = new
    return {**value, **changed} if changed is not None else value


def _harmless_key(key: Any) -> bool:
    """Whether values under this key are judged by their looks alone."""
    if type(key) is not str:
        return True
    if _sensitive(key) is not None or _suspect(key):
        return False
    if len(_harmless_keys) >= _CLEAN_LIMIT:
        _harmless_keys.clear()
    if len(key) <= 100:
        _harmless_keys.add(key)
    return True


def _unnamed(value: dict[Any, Any]) -> dict[Any, Any]:
    changed = {key: new for key, item in value.items() if (new := _walk(item)) is not item}
    return {**value, **changed} if changed else value


def _walk_list(value: list[Any] | tuple[Any, ...]) -> list[Any] | tuple[Any, ...]:
    changed: list[Any] | None = None
    flag = None
    for place, item in enumerate(value):
        kind = type(item)
        new: Any
        if kind is dict:
            new = _walk_dict(item)
        elif kind is str:
            new = item if item in _clean else redact_text(item)
            if flag is not None and item[:1] != "-":
                new = _hidden(str(value[place - 1]), flag, item)
            # What follows an option in a list of arguments is its value.
            flag = _sensitive(item) if item[:1] == "-" and len(item) < 80 and "=" not in item else None
        else:
            new = _walk(item)
        if new is not item:
            changed = list(value) if changed is None else changed
            changed[place] = new
    if changed is None:
        return value
    return tuple(changed) if type(value) is tuple else changed


def _value(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    kind = _sensitive(name)
    if kind is None:
        if isinstance(value, str):
            text = redact_text(value)
            return f"{MARK}high-entropy]" if text is value and _suspect(name) and _random(value) else text
        return _walk(value)
    return _hidden(name, kind, value)


def _hidden(name: str, kind: str, value: Any) -> Any:
    """What stands for a value under a secret's name."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {key: _hidden(name, kind, item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)([_hidden(name, kind, item) for item in value])
    if isinstance(value, str):
        return value if not value or value.startswith(MARK) or ordinary(name, kind, value) else f"{MARK}{kind}]"
    if isinstance(value, (int, float)) and kind not in ("password", "key"):
        return value
    return f"{MARK}{kind}]"


@lru_cache(maxsize=4096)
def _suspect(name: str) -> bool:
    return any(word.lower() in data.SUSPECT_WORDS for word in _NAME_WORD.findall(name[-200:]))


def _random(value: str) -> bool:
    """Whether a text is one run of characters without any order, as keys are and words and digests aren't."""
    if not 20 <= len(value) <= 512 or not _OPAQUE.fullmatch(value) or _HARMLESS.fullmatch(value):
        return False
    if (
        not (any(c.isdigit() for c in value) and any(c.isalpha() for c in value))
        or "." in value
        or value.count("/") > 2
    ):
        return False
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values()) >= 3.5
