"""What asking routes depend on, gathered once: stores, project, how far the answer stands, and paging.

Owns the FastAPI dependencies of the reading side. Does not run queries (`deps.read` does, in a thread).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from lineage_api.access import Action, requires
from lineage_api.deps import ProjectContext, as_of_cursor, catalog, graph_store, project_of
from lineage_api.pagination import Cursors, CursorText, Limit, WithCount, cursors
from lineage_graph.projection.catalog import Catalog
from lineage_graph.store import GraphStore

READ = [requires(Action.READ)]


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer is read from, and how far both stores stand."""

    catalog: Catalog
    store: GraphStore
    project: str
    as_of: int


async def reading(
    names: Annotated[Catalog, Depends(catalog)],
    store: Annotated[GraphStore, Depends(graph_store)],
    project: Annotated[ProjectContext, Depends(project_of)],
    as_of: Annotated[int, Depends(as_of_cursor)],
) -> Reading:
    """The stores and the project of this request."""
    return Reading(names, store, project.uuid, as_of)


@dataclass(frozen=True, slots=True)
class PageQuestion:
    """The parameters every list shares."""

    cursors: Cursors
    cursor: str | None
    limit: int
    count: bool


async def page_question(
    made: Annotated[Cursors, Depends(cursors)], cursor: CursorText = None, limit: Limit = 50, count: WithCount = False
) -> PageQuestion:
    """The page this request asks for."""
    return PageQuestion(made, cursor, limit, count)


FromStores = Annotated[Reading, Depends(reading)]
OnePage = Annotated[PageQuestion, Depends(page_question)]
