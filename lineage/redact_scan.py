"""Finding credentials in running text: one pass for the places worth a look, then one pattern at each of them.

Owns the trigger (a trie of literals over the text in lower case, the only thing that every character pays for) and
what is tried where it fires. Whether a *name* announces a secret is the caller's judgement. Linear: every pattern
is bounded and tried at one place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from lineage import redact_patterns as data

Judge = Callable[[str, str], str | None]
"""(name, value) → kind of secret, or None."""

MARK = "[redacted:"
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

_USERINFO = re.compile(
    r"[^\s/?#:@\"'<>]{0,256}:(?!\d{1,5}(?:[/?#\s\"'<>,;)]|$))[^\s\"'<>]{0,256}@|[^\s/?#:@\"'<>]{1,512}@"
)
_CONTAINERS = ("abfss", "abfs", "wasbs", "wasb", "oci")
_SIGNED = re.compile(r"[^&\s\"'<>#]{1,4096}")
_HEADER = re.compile(
    r"(?i:authorization|cookie)\\{0,3}[\"']?\s{0,3}(?:=>|[:=])\s{0,3}\\{0,3}[\"']?(?P<value>[^\n\"'\\]{1,4096})"
)
_BEARER = re.compile(r"(?i:bearer) {1,3}(?P<value>[A-Za-z0-9._~+/=-]{12,8192})")
_BASIC = re.compile(r"(?i:basic) {1,3}(?P<value>(?=[A-Za-z]{0,64}[\d+/=])[A-Za-z0-9+/]{8,4096}={0,2})")
_VARIABLE = re.compile(r"(?:export )?(?P<name>[A-Z][A-Z0-9_]{1,80})=(?P<value>[^\n]{1,8192})")
_FLAG = re.compile(r"(?P<name>-[A-Za-z0-9-]{0,80})[\"']?(?:,\s?|\s)[\"']?(?P<value>[^\s\"'-][^\s\"']{0,4095})")
_NAMED = re.compile(
    r"(?P<rest>[A-Za-z0-9_-]{0,48})\\{0,3}[\"']?\]?\s{0,3}(?:=>|:=|==|[:=])\s{0,3}"
    r"(?:[rbfuRBFU]{0,2}\\{0,3}[\"'](?P<quoted>[^\n]{1,4096}?)(?=\\{0,3}[\"']|\n|\Z)|(?P<plain>[^\s\"'&,;)}\]\\]{1,4096}))"
)
_NAME_LIMIT = 100
_LINE_START = re.compile(r"(?:export )?[A-Z0-9_]*\Z")


def _trie(words: Iterable[str]) -> str:
    """A pattern that matches any of `words` and looks at each character of the text once or twice."""
    tree: dict[str, dict] = {}  # type: ignore[type-arg]
    for word in words:
        node = tree
        for letter in word:
            node = node.setdefault(letter, {})
        node[""] = {}

    def pattern(node: dict[str, dict]) -> str:  # type: ignore[type-arg]
        if "" in node:
            return ""
        branches = [re.escape(letter) + pattern(below) for letter, below in sorted(node.items())]
        return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"

    return pattern(tree)


_TOKEN_AT = {
    begin: (kind, re.compile(pattern)) for kind, begins, pattern in data.TOKENS for begin in begins.split(" ") if begin
}
_NAMING = frozenset(data.NAMING.split())
# `secret_` begins a token of one issuer and the name of many a variable; the trie stops at the shorter word.
_LONGER = {word: token for begin, token in _TOKEN_AT.items() for word in _NAMING if begin.startswith(word)}
_HEADERS = frozenset(data.HEADERS.split())
_SIGNED_AT = frozenset(f"{mark}{name}=" for name in data.SIGNED.split() for mark in "?&")
_MARKED = [(kind, re.compile(trigger), back, re.compile(pattern)) for kind, trigger, back, pattern in data.MARKED]
_WORDS = {"://", "bearer ", "basic ", *_TOKEN_AT, *_NAMING, *_HEADERS, *_SIGNED_AT}
_TRIGGER = re.compile("|".join((_trie(_WORDS), *(trigger for _, trigger, _, _ in data.MARKED))))


def redact(text: str, judge: Judge) -> str:
    """`text` with `[redacted:<kind>]` in the place of each credential; the same object if there is none."""
    lowered = text.lower() if text.isascii() else text.translate(_LOWER)
    pieces: list[str] = []
    done = 0
    for hit in _TRIGGER.finditer(lowered):
        at = hit.start()
        if at < done:
            continue
        found = _at(text, at, hit[0], judge, done)
        if found is not None:
            start, end, kind = found
            pieces.append(text[done:start])
            pieces.append(f"{MARK}{kind}]")
            done = end
    if not pieces:
        return text
    pieces.append(text[done:])
    return "".join(pieces)


Found = tuple[int, int, str] | None


def _at(text: str, at: int, word: str, judge: Judge, done: int) -> Found:
    """What is to be hidden where `word` was found at `at`: (start, end, kind)."""
    if word == "://":
        return _login(text, at)
    if word in _SIGNED_AT:
        return _found(_SIGNED.match(text, at + len(word)), 0, "signature")
    if word in _HEADERS:
        return _found(_HEADER.match(text, at), "value", "cookie" if word == "cookie" else "authorization")
    if word == "bearer ":
        return _found(_BEARER.match(text, at), "value", "token")
    if word == "basic ":
        return _found(_BASIC.match(text, at), "value", "login")
    token = _TOKEN_AT.get(word)
    if token is not None:
        return _found(token[1].match(text, at), 0, token[0])
    if word in _NAMING:
        longer = _LONGER.get(word)
        found = _found(longer[1].match(text, at), 0, longer[0]) if longer is not None else None
        return found or _named(text, at, word, judge, done)
    for kind, trigger, back, pattern in _MARKED:
        if trigger.fullmatch(word):
            for start in range(max(done, at - back), at + 1):
                found = _found(pattern.match(text, start), 0, kind)
                if found is not None:
                    return found
    return None


def _found(match: re.Match[str] | None, group: str | int, kind: str) -> Found:
    if match is None or match[group].startswith(MARK[:-1]):
        return None
    return match.start(group), match.end(group), kind


def _login(text: str, at: int) -> Found:
    match = _USERINFO.match(text, at + 3)
    if match is None or not at or not text[at - 1].isalnum():
        return None
    login = match[0][:-1]
    # Azure and Oracle write the container where others write the login; `git@` is everybody's login.
    if ":" not in login and (login == "git" or text[max(0, at - 5) : at].lower().endswith(_CONTAINERS)):
        return None
    return None if login.startswith(MARK) else (match.start(), match.end() - 1, "login")


def _named(text: str, at: int, word: str, judge: Judge, done: int) -> Found:
    """A value after a name that holds `word`: a line of an environment, an option, or `name = value` and its like."""
    line = text.rfind("\n", max(0, at - _NAME_LIMIT), at) + 1
    if (line or at <= _NAME_LIMIT) and line >= done and _LINE_START.fullmatch(text, line, at):
        found = _judged(_VARIABLE.match(text, line), judge)
        if found is not None:
            return found
    before = _name_before(text, at, done)
    if before.startswith("-"):
        found = _judged(_FLAG.match(text, at - len(before)), judge)
        if found is not None:
            return found
    match = _NAMED.match(text, at + len(word))
    if match is None:
        return None
    group = "quoted" if match["plain"] is None else "plain"
    kind = judge(before + text[at : match.end("rest")], match[group])
    return (match.start(group), match.end(group), kind) if kind else None


def _judged(match: re.Match[str] | None, judge: Judge) -> Found:
    if match is None:
        return None
    kind = judge(match["name"], match["value"])
    return (match.start("value"), match.end("value"), kind) if kind else None


def _name_before(text: str, at: int, done: int) -> str:
    start = at
    while start > done and at - start < _NAME_LIMIT and (text[start - 1].isalnum() or text[start - 1] in "_.-"):
        start -= 1
    return text[start:at]
