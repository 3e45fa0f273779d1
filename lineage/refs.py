"""REF, the one way a person names a thing on the command line, parsed into what it can mean.

Owns the grammar (node id or prefix of one, run id or prefix of one, `model:name@version`,
`dataset:<namespace>#<name>[@version]`, `subject:<key>`, a bare word) and its inverse. Does not look anything up:
whether the thing exists, and which of several is meant, is the service's answer (`client`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from lineage.errors import UsageError

NODE_PREFIXES = (
    "job", "jv", "run", "ds", "dv", "sch", "fld", "code", "env", "art", "chk", "dep", "decl", "appr", "act",
)  # fmt: skip
NODE_ID_LETTERS = 26

_NODE = re.compile(rf"(?:{'|'.join(NODE_PREFIXES)})_[a-z2-7]{{1,{NODE_ID_LETTERS}}}")
_RUN_PREFIX = re.compile(r"[0-9a-f]{4,8}(?:-[0-9a-f]{0,12}){0,4}", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NUMBER = re.compile(r"v?([0-9]{1,9})")
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{8,64})")


class BadRef(UsageError):
    """The text is not a REF; the message shows what was expected there."""


@dataclass(frozen=True, slots=True)
class NodeRef:
    """A node id, or the beginning of one (`chk_k3`)."""

    id: str

    @property
    def complete(self) -> bool:
        """Whether this is a whole id rather than a prefix."""
        return len(self.id.partition("_")[2]) == NODE_ID_LETTERS

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A registered model; `version` is `7`, `@production`, `sha256:9f3c…`, or None for the newest."""

    name: str
    version: str | None = None

    def __str__(self) -> str:
        shown = "" if self.version is None else "@" + _quote(self.version.removeprefix("@"))
        return f"model:{_quote(self.name)}{shown}"


@dataclass(frozen=True, slots=True)
class DatasetRef:
    """A dataset, or one version of it."""

    namespace: str
    name: str
    version: str | None = None

    def __str__(self) -> str:
        shown = "" if self.version is None else "@" + _quote(self.version)
        return f"dataset:{_quote(self.namespace)}#{_quote(self.name)}{shown}"


@dataclass(frozen=True, slots=True)
class SubjectRef:
    """A person or customer whose rows data may hold, by the key the project declared."""

    key: str

    def __str__(self) -> str:
        return f"subject:{self.key}"


@dataclass(frozen=True, slots=True)
class WordRef:
    """Anything else: a run id or its prefix, or a name that `/resolve` looks up among all kinds."""

    word: str

    @property
    def maybe_run(self) -> bool:
        """Whether the word has the shape of a run id or of the beginning of one."""
        return _RUN_PREFIX.fullmatch(self.word) is not None

    def __str__(self) -> str:
        return self.word


Ref = NodeRef | ModelRef | DatasetRef | SubjectRef | WordRef


def parse(text: str, *, bare_model: bool = False) -> Ref:
    """What `text` refers to.

    Args:
        text: a REF as typed.
        bare_model: a bare word is a model (`origins`, `gate`, `report`), with an optional `@version`.

    Raises:
        BadRef: empty, or a part that does not parse.
    """
    text = text.strip()
    if not text:
        raise BadRef("empty reference: give a run id, a node id, model:name@version or dataset:<namespace>#<name>")
    scheme, colon, rest = text.partition(":")
    if colon and scheme == "model":
        return _model(text, rest)
    if colon and scheme == "dataset":
        return _dataset(text, rest)
    if colon and scheme == "subject":
        if not rest:
            raise BadRef(f"{text!r}: expected subject:<key>")
        return SubjectRef(rest)
    if _NODE.fullmatch(text):
        return NodeRef(text)
    return _model(text, text) if bare_model else WordRef(text)


def _model(text: str, rest: str) -> ModelRef:
    name, at, version = rest.partition("@")
    if not name or (at and not version) or "@" in version:
        raise BadRef(f"{text!r}: expected model:name or model:name@version (write @ inside a name as %40)")
    return ModelRef(_unquote(text, name), model_version(_unquote(text, version)) if at else None)


def model_version(text: str) -> str:
    """A version as people write it (`7`, `v7`, `sha256:…`, `production`) in the service's spelling.

    A number stays a number, a digest (or 8 and more of its hexadecimal digits) gets its `sha256:`, and anything
    else is an alias and gets an `@`.
    """
    if text.startswith("@"):
        return text
    number = _NUMBER.fullmatch(text)
    if number:
        return str(int(number[1]))
    digest = _DIGEST.fullmatch(text)
    return f"sha256:{digest[1]}" if digest else f"@{text}"


def _dataset(text: str, rest: str) -> DatasetRef:
    namespace, hash_, tail = rest.partition("#")
    name, at, version = tail.partition("@")
    expected = f"{text!r}: expected dataset:<namespace>#<name>[@version] (inside a part # is %23, @ is %40, % is %25)"
    if not hash_ or not namespace or not name or (at and not version):
        raise BadRef(expected)
    if "#" in tail or "@" in version or "@" in namespace:
        raise BadRef(expected)
    return DatasetRef(_unquote(text, namespace), _unquote(text, name), _unquote(text, version) if at else None)


def _unquote(text: str, part: str) -> str:
    if _BAD_ESCAPE.search(part):
        raise BadRef(f"{text!r}: a % must be followed by two hexadecimal digits (write a plain % as %25)")
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise BadRef(f"{text!r}: the escapes in {part!r} are not UTF-8") from None


def _quote(part: str) -> str:
    return quote(part, safe="/:+=.,;!$&'()*~[]{}| \t", encoding="utf-8") if any(c in part for c in "#@%") else part
