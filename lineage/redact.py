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

from lineage import redact_patterns as data

_MARK = "[redacted:"

# Alternatives, first come first served at each place. Lookbehinds are one character, repeats are bounded.
_USERINFO = (
    r"(?P<url>\b[A-Za-z][A-Za-z0-9+.-]{1,24}://)"
    r"(?P<userinfo>[^\s/?#:@\"'<>]{0,256}:(?!\d{1,5}(?:[/?#\s\"'<>,;)]|$))[^\s\"'<>]{0,256}@|[^\s/?#:@\"'<>]{1,512}@)"
)
_SIGNED = rf"(?P<parameter>[?&](?i:{data.SIGNED_PARAMETERS})=)(?P<signed>[^&\s\"'<>#]{{1,4096}})"
_HEADER = (
    rf"(?P<header>\b(?i:{data.HEADER_WORD})\\{{0,3}}[\"']?\s{{0,3}}(?:=>|[:=])\s{{0,3}}\\{{0,3}}[\"']?)"
    r"(?P<headervalue>[^\n\"'\\]{1,4096})"
)
_BEARER = r"(?P<scheme>\b(?i:bearer)[ ]{1,3})(?P<bearer>[A-Za-z0-9._~+/=-]{12,8192})"
_BASIC = r"(?P<basicscheme>\bBasic[ ]{1,3})(?P<basic>(?=[A-Za-z]{0,64}[\d+/=])[A-Za-z0-9+/]{8,4096}={0,2})"
_ENVIRONMENT = (
    rf"(?P<variable>^(?:export[ ])?(?=[A-Z0-9_]{{0,60}}(?:{data.NAMING_WORD.upper().replace(chr(92) + 'B', '')}))"
    r"[A-Z][A-Z0-9_]{1,80}=)(?P<line>[^\n]{1,8192})"
)
_FLAG = (
    rf"(?P<flag>--?[A-Za-z0-9-]{{0,30}}(?i:{data.NAMING_WORD})[A-Za-z-]{{0,20}}[\"']?(?:,\s?|\s)[\"']?)"
    r"(?P<flagvalue>[^\s\"'-][^\s\"']{0,4095})"
)
_NAMED = (
    rf"(?P<word>(?i:{data.NAMING_WORD}))(?P<rest>[A-Za-z0-9_-]{{0,32}})"
    r"(?P<sep>\\{0,3}[\"']?\]?\s{0,3}(?:=>|:=|==|[:=])\s{0,3})"
    r"(?:(?P<quote>[rbfu]{0,2}\\{0,3}[\"'])(?P<quoted>[^\n]{1,4096}?)(?=\\{0,3}[\"']|\n|\Z)|(?P<plain>[^\s\"'&,;)}\]\\]{1,4096}))"
)
_TOKENS = "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in data.TOKENS.items())
_ALL = re.compile(
    "|".join((_USERINFO, _SIGNED, _HEADER, _BEARER, _BASIC, _ENVIRONMENT, _TOKENS, _FLAG, _NAMED)), re.MULTILINE
)
_KINDS = {kind: f"{_MARK}{kind.replace('_', '-')}]" for kind in data.TOKENS}

_NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NAME_END = re.compile(r"[A-Za-z0-9_.-]{0,40}\Z")
_AZURE = ("abfss://", "abfs://", "wasbs://", "wasb://", "oci://")
_OPAQUE = re.compile(r"[A-Za-z0-9+/_=.~-]{16,}")
_HARMLESS = re.compile(r"[0-9a-fA-F-]{32,}|[0-9.:TZ+-]+")

# Strings seen before and found harmless: most of an event's text is the same in the next one.
_CLEAN_LIMIT = 8192
_clean: set[str] = set()
# Values under these keys are package versions and type names, whatever the keys inside are called.
_UNNAMED = frozenset({"packages", "types"})
_FIXED = frozenset({"_producer", "_schemaURL", "schemaURL", "producer"})


def redact_text(text: str) -> str:
    """`text` without credentials: logins in addresses, signatures, tokens, values after names like `password=`."""
    if text in _clean:
        return text
    size = len(text)
    if size < 5 or (size < 20 and "=" not in text and ":" not in text):
        return text
    cleaned = _ALL.sub(_replace, text)
    if cleaned == text:
        if size <= 512:
            if len(_clean) >= _CLEAN_LIMIT:
                _clean.clear()
            _clean.add(text)
        return text
    return cleaned


def redact_value(name: str, value: Any) -> Any:
    """`value` as it may leave under `name`; the same object where there is nothing to hide.

    Containers are looked through; None and booleans are never secrets, numbers only under a password's name.
    """
    return _value(name, value)


def redact_event(event: Any) -> Any:
    """An OpenLineage event, or any JSON-like value, without credentials; the same object where there are none."""
    return _walk(event)


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
    if found is None and last == "pass" and len(words) > 1 and words[-2] in data.PASS_OWNERS:
        found = "password"
    if found is None and last.endswith("token"):
        before = words[-2] if len(words) > 1 else last.removesuffix("token")
        found = None if before in data.VOCABULARY else "token"
    if found is None or (last in data.ABOUT and last != found):
        return None
    return _kind(found)


def _kind(found: str) -> str:
    if found.startswith("pass") or found == "pwd":
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
    changed: dict[Any, Any] = {}
    paired = "value" in value and (value.get("key") or value.get("name"))
    for key, item in value.items():
        kind = type(item)
        if kind is str:
            if key in _FIXED:
                continue
            if key == "value" and paired and type(paired) is str:
                new = _value(paired, item)
            elif item in _clean and _sensitive(key) is None:
                continue
            else:
                new = _value(key, item) if type(key) is str else redact_text(item)
        elif kind is dict:
            new = _unnamed(item) if key in _UNNAMED else _value(key, item) if _secret_key(key) else _walk_dict(item)
        elif kind is list or kind is tuple:
            new = _value(key, item) if _secret_key(key) else _walk_list(item)
        elif kind is int or kind is float:
            name = paired if key == "value" and type(paired) is str else key
            new = _value(name, item) if _secret_key(name) else item
        else:
            continue
        if new is not item:
            changed[key] = new
    return {**value, **changed} if changed else value


def _secret_key(key: Any) -> bool:
    return type(key) is str and _sensitive(key) is not None


def _unnamed(value: dict[Any, Any]) -> dict[Any, Any]:
    changed = {key: new for key, item in value.items() if (new := _walk(item)) is not item}
    return {**value, **changed} if changed else value


def _walk_list(value: list[Any] | tuple[Any, ...]) -> list[Any] | tuple[Any, ...]:
    changed: list[Any] | None = None
    flag = None
    for place, item in enumerate(value):
        new = _walk(item)
        if type(item) is str:
            if flag is not None and not item.startswith("-"):
                new = _hidden(flag, item)
            flag = _sensitive(item) if item[:1] == "-" and len(item) < 80 and "=" not in item else None
        if new is not item:
            if changed is None:
                changed = list(value)
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
            return f"{_MARK}high-entropy]" if text is value and _suspect(name) and _random(value) else text
        return _walk(value)
    return _hidden(kind, value)


def _hidden(kind: str, value: Any) -> Any:
    """What stands for a value under a secret's name."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {key: _hidden(kind, item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return (
            type(value)([_hidden(kind, item) for item in value]) if type(value) in (list, tuple) else f"{_MARK}{kind}]"
        )
    if isinstance(value, str):
        return value if not value or value.startswith(_MARK) or _vocabulary(kind, value) else f"{_MARK}{kind}]"
    if isinstance(value, (int, float)) and kind not in ("password", "key"):
        return value
    return f"{_MARK}{kind}]"


def _mark(kind: str) -> str:
    return f"{_MARK}{kind}]"


def _vocabulary(kind: str, value: str) -> bool:
    """`<pad>`, `[MASK]`, 512: values under a `token` name that are a language model's, not a credential."""
    return kind == "token" and (value[:1] in "<[" or value.isdigit() or value.replace(".", "", 1).isdigit())


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


def _replace(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    if kind in _KINDS:
        return _KINDS[kind]
    if kind == "userinfo":
        url, userinfo = match["url"], match["userinfo"]
        # Azure writes the container where others write the login; `git@` is everybody's login.
        plain = ":" not in userinfo and (url.lower() in _AZURE or userinfo == "git@")
        return match[0] if plain or userinfo.startswith(_MARK) else f"{url}{_MARK}login]@"
    if kind == "signed":
        return _keep_or_mark(match, "parameter", "signed", "signature")
    if kind == "headervalue":
        return _keep_or_mark(match, "header", "headervalue", "authorization")
    if kind == "bearer":
        return f"{match['scheme']}{_MARK}token]"
    if kind == "basic":
        return f"{match['basicscheme']}{_MARK}login]"
    if kind == "line":
        return _named(match, match["variable"].removeprefix("export ")[:-1], match["variable"], match["line"], "")
    if kind == "flagvalue":
        name = match["flag"].strip("-\"', \n\t")
        return _named(match, name, match["flag"], match["flagvalue"], "")
    before = _NAME_END.search(match.string, max(0, match.start() - 40), match.start())
    name = (before[0] if before else "") + match["word"] + match["rest"]
    value = match["quoted"] if match["plain"] is None else match["plain"]
    return _named(match, name, match["word"] + match["rest"] + match["sep"] + (match["quote"] or ""), value, "")


def _keep_or_mark(match: re.Match[str], lead: str, value: str, kind: str) -> str:
    return match[0] if match[value].startswith(_MARK) else f"{match[lead]}{_MARK}{kind}]"


def _named(match: re.Match[str], name: str, lead: str, value: str, tail: str) -> str:
    kind = _sensitive(name)
    if kind is None or value.startswith(_MARK[:-1]) or _vocabulary(kind, value):
        return match[0]
    if name in ("PWD", "OLDPWD") and value.startswith("/"):
        return match[0]
    if value in ("None", "null", "true", "false", "True", "False", "str", "..."):
        return match[0]
    return f"{lead}{_MARK}{kind}]{tail}"
