"""The digest's building blocks: what was found out about content, and a hash over framed pieces.

Owns the answer type shared by files, frames, arrays, plain values and estimators, and the framing that keeps
`("ab", "c")` and `("a", "bc")` apart. What goes into a digest is decided by those modules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ALGORITHM = "sha256"


class Unreadable(Exception):
    """Something in a value can't be read without running somebody's code; the message says what."""


class TooBig(Unreadable):
    """A value is bigger than may be read now; the message says what the limit is."""


@dataclass(frozen=True, slots=True)
class Content:
    """What was found out about content.

    Args:
        value: SHA-256 in hexadecimal, or None if only the other figures are known.
        exact: False if parts were left out (`note` says which); such a digest identifies nothing.
        rows_digest: the same for the same rows in any order.
        rows, bytes: figures, where they were cheap.
        fields: OpenLineage schema fields.
        note: why it is not exact, or what is missing.
        type: OpenLineage's datasetType, where the content itself tells (an estimator is a MODEL).
    """

    value: str | None
    exact: bool = True
    rows_digest: str | None = None
    rows: int | None = None
    bytes: int | None = None
    fields: Sequence[Mapping[str, Any]] | None = None
    note: str | None = None
    type: str | None = None

    def facet(self) -> dict[str, Any]:
        """The body of `weftline_digest`."""
        body: dict[str, Any] = {"algorithm": ALGORITHM, "value": self.value, "exact": self.exact}
        optional = {"rowsDigest": self.rows_digest, "rows": self.rows, "bytes": self.bytes, "note": self.note}
        body.update({key: value for key, value in optional.items() if value is not None})
        return body


class Fingerprint:
    """A SHA-256 over pieces, each framed by a tag and its length."""

    __slots__ = ("_hash", "bytes")

    def __init__(self, kind: str) -> None:
        self._hash = hashlib.sha256()
        self.bytes = 0
        self.add("kind", kind.encode())

    def add(self, tag: str, piece: bytes | bytearray | memoryview) -> None:
        """Add one piece; views must be contiguous."""
        size = piece.nbytes if isinstance(piece, memoryview) else len(piece)
        self._hash.update(f"{tag}:{size}:".encode())
        self._hash.update(piece)
        self.bytes += size

    def pieces(self, tag: str, pieces: Sequence[bytes | bytearray | memoryview]) -> None:
        """Add one piece that lies in several buffers, as if it were one."""
        size = sum(piece.nbytes if isinstance(piece, memoryview) else len(piece) for piece in pieces)
        self._hash.update(f"{tag}:{size}:".encode())
        for piece in pieces:
            self._hash.update(piece)
        self.bytes += size

    def text(self, tag: str, text: str) -> None:
        """Add text; lone surrogates, which exist in file names, are kept apart from question marks."""
        self.add(tag, text.encode("utf-8", "surrogatepass"))

    def hex(self) -> str:
        """The digest so far, in hexadecimal."""
        return self._hash.hexdigest()

    def digest(self) -> bytes:
        """The digest so far, 32 bytes."""
        return self._hash.digest()
