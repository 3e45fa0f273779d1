"""`/healthz`, `/readyz`, `/metrics` and the API description.

Owns what a load balancer, a scraper and a client generator ask; nothing here shows project data.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from lineage_api import metrics
from lineage_api.access import Action, requires
from lineage_api.deps import service_of

router = APIRouter()

_PROBE = [requires(Action.PROBE)]


def example(value: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that answers with a JSON object like this one."""
    return {200: {"content": {"application/json": {"schema": {"type": "object"}, "example": value}}}}


@router.get(
    "/healthz",
    operation_id="health",
    tags=["operations"],
    dependencies=_PROBE,
    responses=example({"status": "ok", "instance": "5f0c…", "pid": 4711}),
)
async def health(request: Request) -> JSONResponse:
    """The process answers. `instance` tells this start of the server from any other."""
    service = service_of(request)
    return JSONResponse({"status": "ok", "instance": service.claim.instance, "pid": service.claim.pid})


@router.get(
    "/readyz",
    operation_id="readiness",
    tags=["operations"],
    dependencies=_PROBE,
    responses={
        **example({"ready": True, "journalled": 42, "projected": 42, "projector": "running"}),
        503: {"content": {"application/json": {"schema": {"type": "object"}, "example": {"ready": False}}}},
    },
)
async def readiness(request: Request) -> JSONResponse:
    """Stores migrated and the projector running; `journalled - projected` is its lag in records."""
    service = service_of(request)
    projector, trouble = service.projector, service.trouble()
    ready = projector.running and trouble is None
    body = {
        "ready": ready,
        "journalled": service.journalled,
        "projected": projector.projected,
        "projector": "running" if projector.running else "starting",
    }
    if trouble is not None:
        body["trouble"] = trouble
    return JSONResponse(body, status_code=200 if ready else 503)


@router.get(
    "/metrics",
    operation_id="metrics",
    tags=["operations"],
    dependencies=_PROBE,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "lineage_projector_running 1.0"}}}
    },
    response_class=Response,
)
async def prometheus(request: Request) -> Response:
    """Prometheus metrics, the projector's lag among them."""
    return Response(metrics.render(service_of(request)), media_type=metrics.MEDIA_TYPE)
