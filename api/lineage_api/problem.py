"""Errors as RFC 9457 problem documents.

Owns the closed list of problems the service answers with, their shape on the wire and the mapping from errors of the
graph package and of the framework. Does not decide when something is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, TypedDict

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lineage_api.logs import logger
from lineage_graph.errors import BadReference, EventRefused, StoreUnavailable

MEDIA_TYPE = "application/problem+json"
_DOCS = "https://github.com/weftline/weftline/blob/main/docs/problems.md#"

log = logger("problem")


class Kind(Enum):
    """Every problem: (slug of its `type`, HTTP status, title)."""

    MALFORMED = ("malformed", 400, "The request does not parse")
    BAD_HOST = ("bad-host", 421, "This service does not answer for that host")
    UNAUTHENTICATED = ("unauthenticated", 401, "A credential is needed")
    FORBIDDEN = ("forbidden", 403, "Not allowed")
    NOT_FOUND = ("not-found", 404, "Nothing by that reference")
    METHOD = ("method-not-allowed", 405, "This address does not take that method")
    TIMEOUT = ("request-timeout", 408, "The request arrived too slowly")
    AMBIGUOUS = ("ambiguous", 409, "Several things fit that reference")
    CONFLICT = ("sequence-conflict", 409, "The sequence number is taken by another record")
    TOO_LARGE = ("too-large", 413, "The request is too large")
    MEDIA = ("unsupported-media-type", 415, "This media type or encoding is not understood")
    REFUSED = ("refused", 422, "The document cannot be placed")
    TOO_MANY = ("too-many-requests", 429, "Too many requests")
    HEADERS = ("headers-too-large", 431, "The request headers are too large")
    INTERNAL = ("internal", 500, "The service failed; the log has the details")
    UNAVAILABLE = ("unavailable", 503, "The service cannot answer now")

    @property
    def slug(self) -> str:
        return str(self.value[0])

    @property
    def status(self) -> int:
        return int(self.value[1])

    @property
    def title(self) -> str:
        return str(self.value[2])


class FieldError(TypedDict):
    """One offending member: its path, what belongs there, what was found."""

    path: str
    expected: str
    got: str


class Problem(HTTPException):
    """A refusal with a reason; raised anywhere below a route, answered as `application/problem+json`.

    It is the framework's own kind of error so that none of its layers takes it for a failure and answers otherwise.

    Args:
        kind: which problem; fixes type, status and title.
        detail: one sentence for a person, naming the place and the next action.
        errors: offending members.
        headers: extra response headers, for example `Retry-After`.
        members: further members of the document, for example `candidates`.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(kind.status, detail, dict(headers or {}))
        self.kind = kind
        self.errors = list(errors)
        self.members = dict(members or {})

    def document(self) -> dict[str, Any]:
        """The problem as JSON members."""
        body: dict[str, Any] = {
            "type": _DOCS + self.kind.slug,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = self.errors
        return {**self.members, **body}

    def response(self) -> Response:
        """The answer on the wire."""
        return Response(
            orjson.dumps(self.document()), status_code=self.kind.status, media_type=MEDIA_TYPE, headers=self.headers
        )


def from_refusal(error: EventRefused) -> Problem:
    """The 422 of an event that cannot be placed."""
    return Problem(Kind.REFUSED, str(error), [{"path": error.path, "expected": error.expected, "got": error.got}])


def install(app: FastAPI) -> None:
    """Answer every error that leaves a route as a problem document."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(EventRefused, _refused)
    app.add_exception_handler(BadReference, _bad_reference)
    app.add_exception_handler(StoreUnavailable, _unavailable)
    app.add_exception_handler(Exception, _internal)


_BY_STATUS = {kind.status: kind for kind in Kind}


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = _BY_STATUS.get(error.status_code, Kind.INTERNAL if error.status_code >= 500 else Kind.MALFORMED)
    return Problem(kind, str(error.detail), headers=error.headers).response()


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors: list[FieldError] = [
        {
            "path": ".".join(str(part) for part in item["loc"]),
            "expected": str(item["msg"]),
            "got": repr(item.get("input"))[:100],
        }
        for item in error.errors()
    ]
    places = ", ".join(item["path"] for item in errors[:5])
    return Problem(Kind.REFUSED, f"Check {places or 'the request'}.", errors).response()


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, EventRefused)
    return from_refusal(error).response()


async def _bad_reference(request: Request, error: Exception) -> Response:
    return Problem(Kind.MALFORMED, str(error)).response()


async def _unavailable(request: Request, error: Exception) -> Response:
    return Problem(Kind.UNAVAILABLE, str(error), headers={"Retry-After": "2"}).response()


async def _internal(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, method=request.method, exc_info=error)
    return Problem(Kind.INTERNAL, "An error inside the service; its log says more.").response()
