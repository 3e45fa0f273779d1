"""Finding credentials in running text: one pass for the places worth a look, then one pattern at each of them.

Owns the trigger (a trie of literals over the text in lower case, the only thing that every character pays for), what
is tried where it fires, and tokens, addresses and headers; values after names are `redact_named`'s. Whether a *name*
announces a secret is the caller's judgement. Linear: what is refused at one place has read a bounded number of
characters there, or none that is read again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from lineage import redact_patterns as data
from lineage.redact_named import Found, Judge, named
from lineage.redact_patterns import MARK

_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

_USER = re.compile(r"[^\s/?#:@\"'<>]{0,512}+")
_PORT = re.compile(r":\d{1,5}(?:[/?#\s\"'<>,;)]|$)")
_PASSWORD = re.compile(r"[^\s\"'<>]{0,257}+")
_CONTAINERS = ("abfss", "abfs", "wasbs", "wasb", "oci")
_ENCODED_LOGIN = re.compile(r"(?P<value>(?!\[redacted)(?:(?!%2[Ff]|%3[Ff]|%23)[^\s/?#&\"'<>])+)%40")
_SIGNED = re.compile(r"(?!\[redacted)[^&\s\"'<>#]+")
_HEADER = re.compile(
    r"(?i:authorization|cookie)\\{0,3}[\"']?\s{0,3}(?:=>|[:=])\s{0,3}\\{0,3}[\"']?(?P<value>(?!\[redacted)[^\s\n\"'\\][^\n\"'\\]*)"
)
_BEARER = re.compile(r"(?i:bearer) {1,3}(?P<value>[A-Za-z0-9._~+/=-]{12,})")
_BASIC = re.compile(r"(?i:basic) {1,3}(?P<value>(?=[A-Za-z]{0,64}+[\d+/=])[A-Za-z0-9+/]{8,}+={0,2})")


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
    begin: (kind, re.compile(pattern.replace("<begin>", f"(?i:{re.escape(begin)})")))
    for kind, begins, pattern in data.TOKENS
    for begin in begins.split(" ")
}
_NAMING = frozenset(data.NAMING.split())
# `secret_` begins a token of one issuer and the name of many a variable; the trie stops at the shorter word.
_LONGER = {word: token for begin, token in _TOKEN_AT.items() for word in _NAMING if begin.startswith(word)}
_SIGNED_AT = tuple(f"{mark}{name}=" for name in data.SIGNED.split() for mark in "?&")
_LOGINS = {
    begin: re.compile(pattern.replace("<words>", data.WORDS))
    for begins, pattern in data.LOGINS
    for begin in begins.split("|")
}
_MARKED = [(kind, re.compile(trigger), back, re.compile(pattern)) for kind, trigger, back, pattern in data.MARKED]
_JWT_KIND, _JWT_BEGIN, *_jwt_parts = data.JWT
_JWT_FIRST, _JWT_REST = map(re.compile, _jwt_parts)


class _Scan:
    """One text and how far it has been dealt with."""

    __slots__ = ("barren", "done", "judge", "text")

    def __init__(self, text: str, judge: Judge) -> None:
        self.text = text
        self.judge = judge
        self.done = 0
        self.barren = 0
        """Up to where no signed token begins, as what begins there goes on to the same end."""


def redact(text: str, judge: Judge) -> str:
    """`text` with `[redacted:<kind>]` in the place of each credential; the same object if there is none."""
    lowered = text.lower() if text.isascii() else text.translate(_LOWER)
    scan = _Scan(text, judge)
    pieces: list[str] = []
    for hit in _TRIGGER.finditer(lowered):
        at = hit.start()
        if at < scan.done:
            continue
        word = hit[0]
        found = _LOOKS.get(word, _marked)(scan, at, word)
        if found is not None:
            start, end, kind = found
            pieces.append(text[scan.done : start])
            pieces.append(f"{MARK}{kind}]")
            scan.done = end
    if not pieces:
        return text
    pieces.append(text[scan.done :])
    return "".join(pieces)


Look = Callable[[_Scan, int, str], Found]
"""(text, place, what was found there) → what is to be hidden."""


def _login(scan: _Scan, at: int, word: str) -> Found:
    text, start = scan.text, at + 3
    user = _USER.match(text, start)
    if user is None or not at or not text[at - 1].isalnum() or text.startswith(MARK, start):
        return None
    end = user.end()
    if text.startswith(":", end):
        if _PORT.match(text, end):
            return None
        password = _PASSWORD.match(text, end)
        end = text.rfind("@", end, password.end()) if password is not None else -1
        return (start, end, "login") if end > 0 else None
    # Azure and Oracle write the container where others write the login; `git@` is everybody's login.
    if (
        not text.startswith("@", end)
        or user[0] in ("", "git")
        or text[max(0, at - 5) : at].lower().endswith(_CONTAINERS)
    ):
        return None
    return start, end, "login"


def _encoded_login(scan: _Scan, at: int, word: str) -> Found:
    found = _found(_ENCODED_LOGIN.match(scan.text, at + len(word)), "value", "login")
    return None if found is not None and scan.text[found[0] : found[1]] == "git" else found


def _program(scan: _Scan, at: int, word: str) -> Found:
    match = _LOGINS[word].match(scan.text, at)
    return None if match is None or match.lastgroup is None else _found(match, match.lastgroup, "login")


def _signed(scan: _Scan, at: int, word: str) -> Found:
    return _found(_SIGNED.match(scan.text, at + len(word)), 0, "signature")


def _header(scan: _Scan, at: int, word: str) -> Found:
    return _found(_HEADER.match(scan.text, at), "value", "cookie" if word == "cookie" else "authorization")


def _bearer(scan: _Scan, at: int, word: str) -> Found:
    return _found(_BEARER.match(scan.text, at), "value", "token")


def _basic(scan: _Scan, at: int, word: str) -> Found:
    return _found(_BASIC.match(scan.text, at), "value", "login")


def _token(scan: _Scan, at: int, word: str) -> Found:
    kind, pattern = _TOKEN_AT[word]
    return _found(pattern.match(scan.text, at), 0, kind)


def _jwt(scan: _Scan, at: int, word: str) -> Found:
    first = _JWT_FIRST.match(scan.text, at) if at >= scan.barren else None
    if first is None:
        return None
    rest = _JWT_REST.match(scan.text, first.end())
    if rest is None:
        scan.barren = first.end()
        return None
    return at, rest.end(), _JWT_KIND


def _name(scan: _Scan, at: int, word: str) -> Found:
    longer = _LONGER.get(word)
    found = _found(longer[1].match(scan.text, at), 0, longer[0]) if longer is not None else None
    return found or named(scan.text, at, word, scan.judge, scan.done)


def _marked(scan: _Scan, at: int, word: str) -> Found:
    for kind, trigger, back, pattern in _MARKED:
        if trigger.fullmatch(word):
            for start in range(max(scan.done, at - back), at + 1):
                found = _found(pattern.match(scan.text, start), 0, kind)
                if found is not None:
                    return found
    return None


def _found(match: re.Match[str] | None, group: str | int, kind: str) -> Found:
    if match is None or match[group].startswith(MARK[:-1]):
        return None
    return match.start(group), match.end(group), kind


_LOOKS: dict[str, Look] = {
    **dict.fromkeys(_TOKEN_AT, _token),
    **dict.fromkeys(_NAMING, _name),
    **dict.fromkeys(_SIGNED_AT, _signed),
    **dict.fromkeys(_LOGINS, _program),
    **dict.fromkeys(data.HEADERS.split(), _header),
    _JWT_BEGIN: _jwt,
    "://": _login,
    "%3a%2f%2f": _encoded_login,
    "bearer ": _bearer,
    "basic ": _basic,
}
_TRIGGER = re.compile("|".join((_trie(_LOOKS), *(trigger for _, trigger, _, _ in data.MARKED))))
