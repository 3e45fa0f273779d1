"""The graph digest, over HTTP and for the command line.

Owns that facts and graph are read at one cursor; the digest itself is `lineage_graph.digest`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lineage_api.access import Action, requires
from lineage_api.deps import Cancellation, ProjectContext, project_of, read, service_of
from lineage_api.problem import Kind, Problem
from lineage_graph.digest import graph_digest
from lineage_graph.errors import StoreUnavailable
from lineage_graph.projection.database import Statements
from lineage_graph.store import GraphStore

router = APIRouter()

_ATTEMPTS = 5


class GraphDigest(BaseModel):
    """Two servers that took in the same records answer the same."""

    digest: str = Field(examples=["9f3c0e5b2a7d4c118e6f5a0b3c2d1e4f9f3c0e5b2a7d4c118e6f5a0b3c2d1e4f"])
    digest_version: int = Field(examples=[1])
    projection_version: int = Field(examples=[1])


class FactReader:
    """Fact hashes of projection.db, read without the right to write."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def cursor(self) -> int:
        """Number of the last projected record.

        Raises:
            StoreUnavailable: projection.db is missing or damaged.
        """
        row = self._one("queries/scopes.sql", "cursor", {"name": "facts"})
        return int(row[0]) if row is not None else 0

    def fact_hashes(self, project: str) -> Iterator[bytes]:
        """Hashes of the facts the digest covers."""
        number = self._one("queries/facts.sql", "project_of", {"uuid": project})
        if number is None:
            return
        with self._reading("queries/facts.sql") as statements:
            for (value,) in statements.stream("fact_hashes", {"project": number[0]}):
                yield value

    def _one(self, path: str, name: str, values: dict[str, Any]) -> Any:
        with self._reading(path) as statements:
            return statements.one(name, values)

    @contextmanager
    def _reading(self, path: str) -> Iterator[Statements]:
        try:
            connection = self._engine.raw_connection()
            try:
                yield Statements(connection, path)
            finally:
                connection.close()
        except (self._engine.dialect.loaded_dbapi.Error, SQLAlchemyError) as error:
            place = self._engine.url.render_as_string(hide_password=True)
            raise StoreUnavailable(
                f"{place} cannot be read ({error}); start the server again, or lineage server rebuild"
            ) from error


def stable_digest(
    facts: FactReader, store: GraphStore, project: str, stop: Cancellation | None = None
) -> dict[str, Any]:
    """The digest of one project at one cursor.

    Raises:
        Problem: 503, records kept arriving while it was computed.
    """
    for _ in range(_ATTEMPTS):
        before = facts.cursor()
        found = graph_digest(facts, store, project)
        if stop is not None:
            stop.check()
        if before == facts.cursor():
            return found
    raise Problem(
        Kind.UNAVAILABLE, "Records keep arriving; ask again when the server is quieter.", headers={"Retry-After": "5"}
    )


@router.get(
    "/graph/digest",
    operation_id="graph_digest",
    tags=["operations"],
    dependencies=[requires(Action.READ)],
    response_model=GraphDigest,
)
async def digest(request: Request, project: Annotated[ProjectContext, Depends(project_of)]) -> dict[str, Any]:
    """Digest of a project's facts and of everything derived from them; nothing that varies between servers."""
    service = service_of(request)
    facts = FactReader(service.catalog().engine)

    def compute(stop: Cancellation) -> dict[str, Any]:
        return stable_digest(facts, service.graph(), project.uuid, stop)

    return await read(request, compute)
