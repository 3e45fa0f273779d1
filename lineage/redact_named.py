"""Values in running text that stand after the name of a secret: `password=x`, `--token x`, `<password>x</password>`.

Owns the ways in which people write a name and its value, and which values are plainly no credential. Whether a name
announces a secret is the caller's judgement, and it is asked before a value is read: a refusal costs the same however
long the value is, and a value that is taken is not looked at again. That keeps the whole linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lineage.redact_patterns import MARK

Judge = Callable[[str], str | None]
"""name → kind of secret, or None."""

Found = tuple[int, int, str] | None
"""What is to be hidden: (start, end, kind)."""

_NAME_LIMIT = 100
_NAME_BACKWARDS = re.compile(r"[\w.-]*+")
_NAME_REST = re.compile(r"[A-Za-z0-9_-]{0,48}+")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{1,80}+\Z")
_OPERATOR = re.compile(r"\\{0,3}+[\"']?+\]?+\s{0,3}+(?:=>|:=|==|[:=])\s{0,3}+")
_FLAG = re.compile(r"[\"']?+(?:,\s?|\s)(?![\"']?-)")
_ENCODED = re.compile(r"(?i:%22)?+%3[AaDd](?i:%22|%20|\+)*+")
_PAIR = re.compile(r"[\"']\s{0,3}+,\s{0,3}+(?=[rbfuRBFU]{0,2}[\"'])")
_APART = re.compile(r"[ \t]{1,3}+(?=[\"'])")
_ELEMENT = re.compile(r"(?:\s[^<>\n]{0,200})?>\s{0,200}+(?:<!\[CDATA\[)?")
_BLOCK = re.compile(r"[|>][+-]?\d?[+-]?[ \t]{0,20}+\n{1,5}+(?P<indent>[ \t]{1,100}+)")

_OPEN = re.compile(r"[rbfuRBFU]{0,2}\\{0,3}(?:[\"']{3}|[\"'])")
_LINE = re.compile(r"[^\n]+")
_QUOTED = re.compile(r"[^\n]+?(?=\\{0,3}[\"']|\n|\Z)")
_PLAIN = re.compile(r"[^\s\"'&,;)}\]\\]+")
_WORD = re.compile(r"[^\s\"']+")
_ENCODED_VALUE = re.compile(r"(?:(?!%2[26])[^\s\"'&,;<>)}\]\\])+")
_MARKUP_VALUE = re.compile(r"[^<\]]+")
_ELEMENT_END = re.compile(r"(?:\]\]>)?</(?:[\w.-]{1,50}:)?")
_PAIR_END = re.compile(r"\\{0,3}[\"']\s{0,3}[)\]]")

# What stands after a name in code and signatures without being a value.
_NO_VALUES = frozenset({"None", "null", "true", "false", "True", "False", "str", "...", "{", "|", ">"})
# `pass` alone is a password's name and also a verdict's.
_VERDICT = re.compile(r"[\d.,/%]+|ok|yes|no|done|fail(?:ed)?|pass(?:ed)?|true|false", re.IGNORECASE)
_HAS_DIGIT = re.compile(r"[^\s\"'&,;)}\]\\\d]{0,64}+\d")


def ordinary(name: str, kind: str, value: str) -> bool:
    """Whether a value under a secret's name is plainly none: a language model's `<pad>` or 512, or a verdict."""
    if kind == "token":
        return value[:1] in "<[" or value.isdigit() or value.replace(".", "", 1).isdigit()
    return _is_pass(name) and _VERDICT.fullmatch(value) is not None


def named(text: str, at: int, word: str, judge: Judge, done: int) -> Found:
    """The value after a name that holds `word`, which was found at `at`.

    Args:
        text: the whole text.
        at: where `word` begins.
        word: the part of a name that was found.
        judge: says whether the name announces a secret.
        done: up to where `text` has been dealt with.
    """
    begin = max(done, at - _NAME_LIMIT)
    end = _end(_NAME_REST.match(text, at + len(word)))
    following = text[end : end + 1]
    if not following or following not in "=:\"'\\] \t\r\n,>%":
        return None
    start = at - _end(_NAME_BACKWARDS.match(text[begin:at][::-1]))
    name = text[start:end]
    if following == "=" and _begins_line(text, start) and _VARIABLE.match(name):
        return _secret(text, end + 1, name, judge, _LINE)
    if name[0] == "-" and (flag := _FLAG.match(text, end)):
        return _value(text, flag.end(), name, judge, _WORD)
    if operator := _OPERATOR.match(text, end):
        block = _BLOCK.match(text, operator.end()) if following in "\"':" else None
        if block:
            return _secret(text, block.end(), name, judge, _indented(block["indent"]))
        if _is_pass(name) and not _sets_pass(text, start, operator.end()):
            return None
        return _value(text, operator.end(), name, judge, _PLAIN)
    if following == "%" and (operator := _ENCODED.match(text, end)):
        return _secret(text, operator.end(), name, judge, _ENCODED_VALUE)
    if following in " \t>" and text[start - 1 : start] in ("<", ":") and (element := _ELEMENT.match(text, end)):
        found = _secret(text, element.end(), name, judge, _MARKUP_VALUE)
        closing = _ELEMENT_END.match(text, found[1]) if found else None
        return found if closing and text.startswith(name, closing.end()) else None
    if following in "\"'" and _opens_pair(text, start - 1) and (pair := _PAIR.match(text, end)):
        found = _value(text, pair.end(), name, judge, _QUOTED)
        return found if found and _PAIR_END.match(text, found[1]) else None
    if apart := _APART.match(text, end):
        return _value(text, apart.end(), name, lambda name: _password(judge, name), _QUOTED)
    return None


def _value(text: str, start: int, name: str, judge: Judge, plain: re.Pattern[str]) -> Found:
    """A value that may be quoted."""
    quote = _OPEN.match(text, start)
    return _secret(text, quote.end(), name, judge, _QUOTED) if quote else _secret(text, start, name, judge, plain)


def _secret(text: str, start: int, name: str, judge: Judge, pattern: re.Pattern[str]) -> Found:
    """What `pattern` takes from `start` on, if it is a secret under this name."""
    kind = judge(name)
    head = text[start : start + 1]
    if kind is None or text.startswith(MARK[:-1], start) or (kind == "token" and head and head in "<["):
        return None
    if head == "/" and name in ("PWD", "OLDPWD"):
        return None
    match = pattern.match(text, start)
    if match is None or match[0] in _NO_VALUES or ordinary(name, kind, match[0]):
        return None
    return start, match.end(), kind


def _password(judge: Judge, name: str) -> str | None:
    """Of what merely stands before a quotation only a password is believed: `unexpected token "<"`."""
    kind = judge(name)
    return kind if kind == "password" else None


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match is not None else 0


def _begins_line(text: str, start: int) -> bool:
    if text.endswith("export ", max(0, start - 7), start):
        start -= 7
    return start == 0 or text[start - 1] == "\n"


def _indented(indent: str) -> re.Pattern[str]:
    """The rest of a line and the lines after it that are indented as deeply."""
    return re.compile(rf"[^\n]+(?:\n{indent}[^\n]*|\n(?=[ \t]{{0,100}}\n))*")


def _opens_pair(text: str, quote: int) -> bool:
    """Whether the quotation mark at `quote` opens the first of two: `('a', 'b')`, or `['a', 'b']` within a list."""
    if quote < 1 or text[quote] not in "\"'":
        return False
    before = text[max(0, quote - 8) : quote].rstrip("rbfuRBFU\\")
    return before[-1:] == "(" or (before[-1:] == "[" and before[:-1].rstrip()[-1:] in ("[", "(", ","))


def _is_pass(name: str) -> bool:
    return len(name) < 8 and name.lstrip("-").lower() == "pass"


def _sets_pass(text: str, start: int, value: int) -> bool:
    """Whether `pass: x` may set a password: not after a word on the same line, as in `first pass: copy the rows`."""
    before = text[max(0, start - 20) : start].rstrip(" \"'")
    return text[value - 1] == "=" or not before or not before[-1].isalnum() or _HAS_DIGIT.match(text, value) is not None
