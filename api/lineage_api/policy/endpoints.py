"""`POST /policy/check`.

Owns the route; `service` judges.
"""

from __future__ import annotations

from fastapi import APIRouter, Request

from lineage_api.deps import read
from lineage_api.described import described
from lineage_api.policy import service
from lineage_api.policy.schemas import PolicyQuestion, Verdict
from lineage_api.reading import READ, FromStores

router = APIRouter(tags=["policy"], dependencies=READ)


@router.post("/policy/check", operation_id="check_policy", responses=described(Verdict, 404, 409, 422))
async def check_policy(request: Request, stores: FromStores, question: PolicyQuestion) -> Verdict:
    """Whether the ancestry of a version or run passes the rules, with the way to everything that does not."""
    return await read(request, service.check, stores, question)
