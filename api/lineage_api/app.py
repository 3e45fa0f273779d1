"""The application: routers, error handlers, lifetime, and the check that every route declares its permission.

Owns how the parts are put together. Each feature's folder owns its routes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import JSONResponse

from lineage_api import digests, health, problem
from lineage_api.access import Action, permissions, requires
from lineage_api.entities import endpoints as entities
from lineage_api.folder import Claim
from lineage_api.ingest import endpoints as ingest
from lineage_api.limits import LOOPBACK_NAMES, App, BodyBound, HostGate
from lineage_api.models import endpoints as models
from lineage_api.policy import endpoints as policy
from lineage_api.provenance import endpoints as provenance
from lineage_api.service import Service
from lineage_api.settings import Settings

API = "/api/v1"
DESCRIPTION = "Takes in OpenLineage events and answers what produced what. Errors are RFC 9457 problem documents."


def create_app(settings: Settings, claim: Claim | None = None) -> FastAPI:
    """The application of one data folder.

    Args:
        claim: the hold on the folder; taken at start-up when not given.

    Raises:
        RuntimeError: a route without a declared permission.
        FolderInUse: at start-up, another server has the folder.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        hold = claim or Claim(settings.data)
        try:
            service = app.state.service = Service(settings, hold)
            await service.start()
            try:
                yield
            finally:
                await service.stop()
        finally:
            hold.release()

    app = FastAPI(
        title="weftline",
        version=_version(),
        description=DESCRIPTION,
        lifespan=lifespan,
        # It would look for exporters at every request, and the service sends nothing anywhere; figures: /metrics.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    problem.install(app)
    app.router.routes.extend(ingest.routes())
    app.include_router(health.router)
    for feature in (digests, provenance, entities, models, policy):
        app.include_router(feature.router, prefix=API)
    app.add_api_route(
        f"{API}/openapi.json",
        _description,
        methods=["GET"],
        operation_id="api_description",
        tags=["operations"],
        dependencies=[requires(Action.PROBE)],
        responses=health.example({"openapi": "3.1.0"}),
    )
    app.state.permissions = permissions(app)
    direct = {route.path: route.app for route in ingest.routes()}
    app.add_middleware(BodyBound, limit=settings.limits.query_bytes, direct=direct)
    app.add_middleware(_gate, settings=settings, state=app.state)
    return app


def openapi(app: FastAPI) -> dict[str, Any]:
    """The API description, with each operation's permission as `x-permission`."""
    document: dict[str, Any] | None = app.openapi_schema
    if document is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        for (method, path), action in app.state.permissions.items():
            operation = document["paths"].get(path, {}).get(method.lower())
            if operation is not None:
                operation["x-permission"] = action.value
        app.openapi_schema = document
    return document


async def _description(request: Request) -> JSONResponse:
    """The OpenAPI description of this service."""
    return JSONResponse(openapi(request.app))


def _gate(app: App, settings: Settings, state: Any) -> HostGate:
    def touch(step: int) -> None:
        state.service.touch(step)

    return HostGate(app, LOOPBACK_NAMES | {settings.host.lower()}, touch)


def _version() -> str:
    from importlib.metadata import version

    return version("weftline")
