"""Routes of lists and items: runs, jobs, datasets, models, namespaces, actors, and any node.

Owns parameters and their descriptions; `lists` and `items` answer.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from lineage_api.deps import read, service_of
from lineage_api.described import described
from lineage_api.entities import items, lists, schemas
from lineage_api.reading import READ, FromStores, OnePage
from lineage_graph.projection.catalog import Filters

router = APIRouter(tags=["entities"], dependencies=READ)

Namespace = Annotated[str | None, Query(max_length=2000, description="Only of this namespace.", examples=["default"])]
Name = Annotated[str | None, Query(max_length=2000, description="Only with this name.", examples=["raw/users.csv"])]
JobOf = Annotated[str | None, Query(max_length=2000, description="Only of this job.", examples=["diagnosis.train"])]
State = Annotated[str | None, Query(max_length=20, description="Only in this state.", examples=["FAIL"])]
NodeId = Annotated[str, Path(max_length=64, description="Node id.", examples=["ds_mfrggzdfmztwq2lkmnwg23tpob"])]
RunRef = Annotated[
    str,
    Path(max_length=2000, description="Node id, run id, or a unique beginning of one.", examples=["0196c0de-5a10"]),
]


@router.get("/runs", operation_id="list_runs", responses=described(schemas.RunPage, 400, 422))
async def list_runs(
    request: Request,
    stores: FromStores,
    page: OnePage,
    namespace: Namespace = None,
    job: JobOf = None,
    state: State = None,
) -> schemas.RunPage:
    """Runs, newest first."""
    return await read(request, lists.runs, stores, page, Filters(namespace=namespace, version=job, state=state))


@router.get("/runs/{run}", operation_id="get_run", responses=described(schemas.RunDetail, 404, 409))
async def get_run(request: Request, stores: FromStores, run: RunRef) -> schemas.RunDetail:
    """One run with its inputs, outputs, code, environment, parent and children."""
    return await read(request, items.run, stores, run)


@router.get("/runs/{run}/captured", operation_id="get_captured", responses=described(schemas.Captured, 404, 409))
async def get_captured(request: Request, stores: FromStores, run: RunRef) -> schemas.Captured:
    """What left the process: every journalled event of a run."""
    return await read(request, items.captured, stores, service_of(request).journal, run)


@router.get("/jobs", operation_id="list_jobs", responses=described(schemas.JobPage, 400, 422))
async def list_jobs(
    request: Request, stores: FromStores, page: OnePage, namespace: Namespace = None, name: Name = None
) -> schemas.JobPage:
    """Jobs, each with its newest run."""
    return await read(request, lists.jobs, stores, page, Filters(namespace=namespace, name=name))


@router.get("/jobs/{id}", operation_id="get_job", responses=described(schemas.JobItem, 404))
async def get_job(request: Request, stores: FromStores, id: NodeId) -> schemas.JobItem:
    """One job."""
    return await read(request, items.job, stores, id)


@router.get("/datasets", operation_id="list_datasets", responses=described(schemas.DatasetPage, 400, 422))
async def list_datasets(
    request: Request, stores: FromStores, page: OnePage, namespace: Namespace = None, name: Name = None
) -> schemas.DatasetPage:
    """Datasets, models among them."""
    return await read(request, lists.datasets, stores, page, Filters(namespace=namespace, name=name))


@router.get("/datasets/{id}", operation_id="get_dataset", responses=described(schemas.DatasetDetail, 404))
async def get_dataset(request: Request, stores: FromStores, id: NodeId) -> schemas.DatasetDetail:
    """One dataset with its newest versions."""
    return await read(request, items.dataset, stores, id)


@router.get("/models", operation_id="list_models", responses=described(schemas.ModelPage, 400, 422))
async def list_models(
    request: Request, stores: FromStores, page: OnePage, namespace: Namespace = None, name: Name = None
) -> schemas.ModelPage:
    """Models with their newest registered versions."""
    filters = Filters(namespace=namespace, name=name, is_model=True)
    return await read(request, lists.models, stores, page, filters)


@router.get("/namespaces", operation_id="list_namespaces", responses=described(schemas.NamespacePage, 400, 422))
async def list_namespaces(request: Request, stores: FromStores, page: OnePage) -> schemas.NamespacePage:
    """Namespaces of jobs and datasets, by name."""
    return await read(request, lists.namespaces, stores, page)


@router.get("/actors", operation_id="list_actors", responses=described(schemas.ActorPage, 400, 422))
async def list_actors(request: Request, stores: FromStores, page: OnePage) -> schemas.ActorPage:
    """Who started runs."""
    return await read(request, lists.actors, stores, page)


@router.get("/nodes/{id}", operation_id="get_node", responses=described(schemas.NodeDetail, 404))
async def get_node(request: Request, stores: FromStores, id: NodeId) -> schemas.NodeDetail:
    """Any node with its neighbours."""
    return await read(request, items.node, stores, id)
