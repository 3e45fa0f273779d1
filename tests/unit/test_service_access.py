"""Permissions: every route declares one, what is missing stops the start, and only loopback is bound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI

from lineage_api.access import (
    LOCAL,
    SERVER,
    Action,
    Actor,
    Resource,
    authorize,
    permissions,
    require_loopback,
    requires,
)
from lineage_api.app import create_app, openapi
from lineage_api.problem import Kind, Problem
from lineage_api.settings import Settings


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Settings(data=Path("/nonexistent")))


def test_every_route_declares_a_permission(app: FastAPI) -> None:
    declared = permissions(app)
    assert declared["POST", "/api/v1/lineage"] is Action.INGEST
    assert declared["GET", "/healthz"] is Action.PROBE
    assert len(declared) >= 7


def test_a_route_without_permission_stops_the_start() -> None:
    app, router = FastAPI(openapi_url=None), APIRouter()

    @router.get("/open")
    async def forgotten() -> None: ...

    @router.get("/fine", dependencies=[requires(Action.READ)])
    async def fine() -> None: ...

    app.include_router(router, prefix="/api/v1")
    with pytest.raises(RuntimeError, match="GET /api/v1/open"):
        permissions(app)


def test_the_frameworks_own_pages_are_caught_too() -> None:
    with pytest.raises(RuntimeError, match="/docs"):
        permissions(FastAPI())


def has_example(document: Any, part: Any, seen: frozenset[str] = frozenset()) -> bool:
    """Whether an answer carries an example itself or in the members of the schemas it refers to."""
    if isinstance(part, list):
        return any(has_example(document, item, seen) for item in part)
    if not isinstance(part, dict):
        return False
    if "example" in part or "examples" in part:
        return True
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return name not in seen and has_example(document, document["components"]["schemas"][name], seen | {name})
    return any(has_example(document, item, seen) for item in part.values())


def test_the_description_names_operations_examples_and_permissions(app: FastAPI) -> None:
    document = openapi(app)
    names = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            place = f"{method} {path}"
            names.append(operation["operationId"])
            assert operation["x-permission"] in set(Action), place
            assert operation.get("description"), place
            answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
            assert answers, place
            for answer in answers:
                assert has_example(document, answer), place
    assert len(names) == len(set(names))
    described = {(m.upper(), p) for p, operations in document["paths"].items() for m in operations}
    assert described == set(permissions(app))


def test_only_the_local_user_is_let_in() -> None:
    for action in Action:
        authorize(LOCAL, action, SERVER)
        with pytest.raises(Problem) as refused:
            authorize(Actor("somebody"), action, Resource("a/b"))
        assert refused.value.kind is Kind.FORBIDDEN


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost"])
def test_loopback_is_bound(host: str) -> None:
    require_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org", "", "127.0.0.1.example.org"])
def test_anything_else_is_refused_with_the_next_step(host: str) -> None:
    with pytest.raises(RuntimeError, match=r"127\.0\.0\.1"):
        require_loopback(host)
