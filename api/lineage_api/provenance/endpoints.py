"""`GET /resolve`, `/lineage` and `/impact`.

Owns their parameters; `resolve` and `service` answer.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from lineage_api.deps import read, service_of
from lineage_api.described import described
from lineage_api.pagination import Cursors, CursorText, cursors
from lineage_api.provenance import resolve, service
from lineage_api.provenance.roots import Moment
from lineage_api.provenance.schemas import Candidates, Impact, Lineage
from lineage_api.reading import READ, FromStores
from lineage_graph.traversal import Direction, Granularity

router = APIRouter(tags=["provenance"], dependencies=READ)

MAX_DEPTH = 100_000

Text = Annotated[str | None, Query(max_length=4000)]
Root = Annotated[
    str, Query(max_length=64, description="Node id to start from.", examples=["dv_mfrggzdfmztwq2lkmnwg23tpob"])
]
Depth = Annotated[int, Query(ge=0, le=MAX_DEPTH, description="Relationship hops from the root.", examples=[10])]
PageSize = Annotated[int, Query(ge=1, le=1000, description="Nodes of a page, at most.", examples=[1000])]
ValidAt = Annotated[
    str | None, Query(max_length=64, description="What held at this time.", examples=["2026-05-11T08:30:00Z"])
]
KnownAt = Annotated[
    str | None,
    Query(max_length=64, description="What was known at this sequence number or time.", examples=["4711"]),
]


@router.get("/resolve", operation_id="resolve", responses=described(Candidates, 422))
async def get_resolve(
    request: Request,
    stores: FromStores,
    kind: resolve.ResolveKind | None = None,
    namespace: Text = None,
    name: Text = None,
    version: Text = None,
    id: Annotated[str | None, Query(max_length=64, description="Beginning of a node id.")] = None,
) -> Candidates:
    """From a name, an address or the beginning of an id to node ids; an empty list where nothing fits."""
    question = resolve.Question(id=id, kind=kind, namespace=namespace, name=name, version=version)
    found = await read(request, resolve.resolve, stores.catalog, stores.store, stores.project, question)
    return Candidates.model_validate({"candidates": found, "as_of": stores.as_of})


async def walk_question(
    made: Annotated[Cursors, Depends(cursors)],
    root: Root,
    depth: Depth = 100,
    limit: PageSize = 1000,
    valid_at: ValidAt = None,
    known_at: KnownAt = None,
    cursor: CursorText = None,
) -> dict[str, Any]:
    """The parameters that walks share."""
    return {
        "root": root,
        "depth": depth,
        "limit": limit,
        "moment": Moment(valid_at, known_at),
        "cursors": made,
        "cursor": cursor,
    }


WalkParameters = Annotated[dict[str, Any], Depends(walk_question)]


@router.get("/lineage", operation_id="get_lineage", responses=described(Lineage, 400, 404, 422))
async def get_lineage(
    request: Request,
    stores: FromStores,
    parameters: WalkParameters,
    direction: Direction = Direction.UP,
    granularity: Granularity = Granularity.VERSION,
) -> Lineage:
    """What a run or version comes from, what comes of it, or both.

    Bounded in depth, nodes and time: `completeness.truncated` says that there is more, `next_cursor` continues.
    """
    question = service.Question(**parameters, direction=direction, granularity=granularity)
    return await read(request, service.lineage, stores, service_of(request).journal, question)


@router.get("/impact", operation_id="get_impact", responses=described(Impact, 400, 404, 422))
async def get_impact(request: Request, stores: FromStores, parameters: WalkParameters) -> Impact:
    """Versions, models and deployments made from a root, each with a shortest way to it."""
    question = service.Question(**parameters, direction=Direction.DOWN, granularity=Granularity.VERSION)
    return await read(request, service.impact, stores, service_of(request).journal, question)
