"""`POST /api/v1/lineage` and `/api/v1/lineage/batch`.

Owns their wire format. The routes are declared like all others (operation id, examples, permission) but run without
the framework's per-request dependency solving: they are the hot path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from lineage_api.access import Action, actor_of, requires
from lineage_api.deps import project_header, project_name, service_of
from lineage_api.ingest import examples
from lineage_api.ingest.parsing import media_type
from lineage_api.ingest.service import Body
from lineage_api.limits import App, Receive, Scope, Send, read_body
from lineage_api.problem import Kind, Problem

Handler = Callable[[Request], Awaitable[Response]]


class LeanRoute(APIRoute):
    """A declared route whose handler takes the request and makes the response itself; it authorizes itself too."""

    def __init__(self, path: str, endpoint: Handler, **declaration: Any) -> None:
        super().__init__(path, endpoint, **declaration)
        self.app = _plain(endpoint)


def _plain(endpoint: Handler) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await endpoint(Request(scope, receive))
        except Problem as problem:
            response = problem.response()
        await response(scope, receive, send)

    return app


async def post_event(request: Request) -> Response:
    """Take in one OpenLineage event (run, job or dataset event, 1-x or 2-0-2).

    Answered when the event is durable: 201 journalled, 200 if it was known already. With `?wait=projected` the answer
    also waits (up to ten seconds) until queries see the event; `projected` tells whether they do.
    """
    service = service_of(request)
    wait = _wants_projection(request)
    body = await _body(request, service.settings.limits.body_bytes)
    outcome = await service.ingest.single(actor_of(request), body, project_name(project_header(request)))
    answer = b'{"status":"%s","seq":%d}' % (b"journalled" if outcome.status == 201 else b"known", outcome.seq)
    if wait:
        done = await service.projector.wait(outcome.seq, service.settings.limits.wait_seconds)
        answer = answer[:-1] + (b',"projected":true}' if done else b',"projected":false}')
    return Response(answer, status_code=outcome.status, media_type="application/json")


async def post_batch(request: Request) -> Response:
    """Take in many events: a JSON array, NDJSON, or records of the weftline sender; gzip or zstd.

    Every item is answered on its own and good items are kept whatever the others are. `high_water` says, per client
    of the sender's records, up to which sequence number everything is durable or refused.
    """
    service = service_of(request)
    wait = _wants_projection(request)
    body = await _body(request, service.settings.limits.body_bytes)
    answer = await service.ingest.batch(actor_of(request), body, project_name(project_header(request)))
    document: dict[str, Any] = {"items": [], "high_water": answer.high_water}
    for item in answer.items:
        entry: dict[str, Any] = {"index": item.index, "status": item.status}
        if item.problem is not None:
            entry["problem"] = item.problem.document()
        document["items"].append(entry)
    if wait:
        document["projected"] = await service.projector.wait(answer.seq, service.settings.limits.wait_seconds)
    return Response(orjson.dumps(document), status_code=207, media_type="application/json")


def routes() -> list[APIRoute]:
    """The two routes, to be put in front of all others."""
    return [
        LeanRoute(
            "/api/v1/lineage",
            post_event,
            methods=["POST"],
            operation_id="post_lineage_event",
            tags=["ingest"],
            status_code=201,
            dependencies=[requires(Action.INGEST)],
            openapi_extra=examples.EVENT,
            responses=examples.EVENT_RESPONSES,
        ),
        LeanRoute(
            "/api/v1/lineage/batch",
            post_batch,
            methods=["POST"],
            operation_id="post_lineage_batch",
            tags=["ingest"],
            status_code=207,
            dependencies=[requires(Action.INGEST)],
            openapi_extra=examples.BATCH,
            responses=examples.BATCH_RESPONSES,
        ),
    ]


async def _body(request: Request, limit: int) -> Body:
    kind, encoding = None, ""
    for name, value in request.scope["headers"]:
        if name == b"content-type":
            kind = value.decode("latin-1")
        elif name == b"content-encoding":
            encoding = value.decode("latin-1").strip().lower()
    data = await read_body(request.scope, request.receive, limit)
    return Body(data, media_type(kind), "" if encoding == "identity" else encoding)


def _wants_projection(request: Request) -> bool:
    query = request.scope["query_string"]
    if not query:
        return False
    wait = request.query_params.get("wait")
    if wait in (None, "projected"):
        return wait is not None
    raise Problem(
        Kind.MALFORMED,
        "`wait` may only be `projected`.",
        [{"path": "wait", "expected": "projected", "got": ascii(str(wait)[:60])}],
    )
