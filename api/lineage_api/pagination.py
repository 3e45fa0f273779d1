"""Cursors and list envelopes: opaque, signed, and good only for the question they were made for.

Owns the cursor format (base64url of a MAC and a JSON place) and the parameters every list shares. A cursor is bound
to the project, the route and every parameter that shapes the list; used with another question it is refused, never
misread.
Does not know what a place means: each list keeps its own keyset in it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field

from lineage_api.deps import ProjectContext, project_of, service_of
from lineage_api.problem import Kind, Problem
from lineage_graph.projection.catalog import COUNT_CAP

_MAC_BYTES = 16
_MAX_CURSOR = 4096
_UNBOUND = frozenset({"cursor", "limit", "count"})

Limit = Annotated[int, Query(ge=1, le=1000, description="Items of a page, at most.", examples=[50])]
CursorText = Annotated[
    str | None, Query(max_length=_MAX_CURSOR, description="`next_cursor` of the page before, with the same question.")
]
WithCount = Annotated[bool, Query(description="Also count the items of all pages, up to a cap.")]


class Count(BaseModel):
    """How many items a list has over all pages; `exact` false: at least so many."""

    items: int = Field(examples=[128])
    exact: bool = Field(examples=[True])
    text: str = Field(examples=["128"])


def capped(counted: int) -> Count:
    """A count as answers show it: exact below the cap, "at least N" from there on."""
    exact = counted < COUNT_CAP
    return Count(items=counted, exact=exact, text=str(counted) if exact else f"at least {counted}")


@dataclass(frozen=True, slots=True)
class Cursors:
    """Makes and reads the cursors of one request."""

    key: bytes
    question: bytes

    def make(self, place: Any) -> str:
        """The cursor that goes on after `place` (a JSON value)."""
        body = orjson.dumps(place)
        return _text(self._mac(body) + body)

    def read(self, cursor: str | None) -> Any:
        """The place of a cursor, None without one.

        Raises:
            Problem: 400, changed or made for another question.
        """
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, UnicodeEncodeError):
            raise _refused(cursor) from None
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        # The text is compared too: base64 has several spellings of the same bytes.
        if not hmac.compare_digest(mac, self._mac(body)) or _text(raw) != cursor:
            raise _refused(cursor)
        return orjson.loads(body)

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self.key, self.question + b"\0" + body, "sha256")[:_MAC_BYTES]


async def cursors(request: Request, project: Annotated[ProjectContext, Depends(project_of)]) -> Cursors:
    """Cursors bound to this request's project, route and parameters."""
    question = _question(project.uuid, request.url.path, dict(request.query_params.multi_items()))
    return Cursors(service_of(request).cursor_key, question)


def _question(project: str, path: str, params: Mapping[str, str]) -> bytes:
    bound = {name: value for name, value in params.items() if name not in _UNBOUND}
    return orjson.dumps([project, path, bound], option=orjson.OPT_SORT_KEYS)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _refused(cursor: str) -> Problem:
    return Problem(
        Kind.MALFORMED,
        "The cursor is not one of this question: ask again without it.",
        [{"path": "cursor", "expected": "next_cursor of the page before", "got": ascii(cursor[:40])}],
    )
