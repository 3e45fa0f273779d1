"""One model with its registered versions."""

from __future__ import annotations

from lineage_api.deps import Cancellation
from lineage_api.entities.lists import registrations
from lineage_api.entities.schemas import ModelDetail
from lineage_api.problem import Kind, Problem
from lineage_api.reading import Reading

SHOWN = 200


def model(_: Cancellation, reading: Reading, node_id: str) -> ModelDetail:
    """A model by node id, with its newest `SHOWN` registered versions."""
    entity = reading.catalog.entities(reading.project, [node_id]).get(node_id)
    if entity is None or not entity.is_model:
        raise Problem(Kind.NOT_FOUND, f"No model {node_id[:60]!a} in this project.", members={"see": "/models"})
    found = reading.catalog.model_versions(reading.project, node_id, 1 << 31, SHOWN)
    shown = list(registrations(reading, found).values())
    return ModelDetail(
        id=entity.id,
        namespace=entity.namespace,
        name=entity.name,
        latest=shown[0] if shown else None,
        versions=shown,
    )
