"""`GET /models/origins` and `GET /models/{id}`.

Owns their parameters; `origins` and `detail` answer.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from lineage_api.deps import read
from lineage_api.described import described
from lineage_api.entities.schemas import ModelDetail
from lineage_api.models import detail, origins
from lineage_api.models.schemas import Origins
from lineage_api.reading import READ, FromStores

router = APIRouter(tags=["models"], dependencies=READ)


@router.get("/models/origins", operation_id="get_model_origins", responses=described(Origins, 404, 409, 422))
async def get_origins(
    request: Request,
    stores: FromStores,
    name: Annotated[str, Query(max_length=2000, description="Name of the model.", examples=["churn"])],
    version: Annotated[
        str | None,
        Query(
            max_length=200,
            description="A number, sha256: and eight or more digits, @alias; without it the newest registered one.",
            examples=["7"],
        ),
    ] = None,
    namespace: Annotated[str | None, Query(max_length=2000, examples=["models"])] = None,
) -> Origins:
    """Where a model version comes from: sources with the way to them, runs, code, environment, what is missing."""
    return await read(request, origins.origins, stores, name, version, namespace)


@router.get("/models/{id}", operation_id="get_model", responses=described(ModelDetail, 404))
async def get_model(
    request: Request,
    stores: FromStores,
    id: Annotated[str, Path(max_length=64, description="Node id.", examples=["ds_mfrggzdfmztwq2lkmnwg23tpob"])],
) -> ModelDetail:
    """One model with its registered versions, newest first."""
    return await read(request, detail.model, stores, id)
