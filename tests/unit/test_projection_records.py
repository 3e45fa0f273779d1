"""Records that are not events: gaps, conflicts and the server's own numbers, and what of them queries can see."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from fixtures.replica import PROJECT, records, run_node
from fixtures.run_shapes import dataset, digest, run_event, run_id
from lineage_graph import identity
from lineage_graph.canonical import canonical_bytes
from lineage_graph.model import NodeKind
from lineage_graph.projection.catalog import Catalog
from lineage_graph.projection.engine import GAP, SERVER, JournalRecord, Projection

CLIENT = "0b8f3c52-3f8e-4a57-9d0c-3a8a3b6b2f10"


@pytest.fixture
def projection(tmp_path: Any) -> Iterator[Projection]:
    opened = Projection(f"sqlite:///{tmp_path}/projection.db")
    yield opened
    opened.close()


@pytest.fixture
def catalog(tmp_path: Any, projection: Projection) -> Catalog:
    return Catalog(f"sqlite:///{tmp_path}/projection.db")


def own(seq: int, media_type: str, body: dict[str, Any], client: str | None = None) -> JournalRecord:
    return JournalRecord(seq, PROJECT, seq, "tests", media_type, client, seq, canonical_bytes(body))


def test_gaps_and_conflicts_are_told_with_the_runs_of_their_client(projection: Projection, catalog: Catalog) -> None:
    [event] = records([run_event("COMPLETE", 1, "job", 1)])
    projection.project(
        [
            replace(event, client=CLIENT, sequence=1),
            own(2, GAP, {"first": 2, "last": 4, "count": 3, "reason": "disk_full"}, CLIENT),
            own(
                3,
                SERVER,
                {"type": "sequence_conflict", "client": CLIENT, "sequence": 1, "first": 1, "second": 2},
            ),
        ]
    )
    [gaps] = catalog.gaps_of(PROJECT, [run_node(1)]).values()
    assert [(gap.first, gap.last, gap.reason) for gap in gaps] == [(1, 1, "sequence_conflict"), (2, 4, "disk_full")]


def test_a_registered_version_has_its_number(projection: Projection, catalog: Catalog) -> None:
    model = dataset("churn", "models", **digest("a"), datasetType={"datasetType": "MODEL"})
    number = {
        "type": "model_version", "model": {"namespace": "models", "name": "churn"}, "number": 3,
        "version": {"scheme": "sha256", "value": "a" * 64}, "tags": {"stage": "test"}, "registered": 5,
        "registered_by": {"namespace": "tests", "runId": run_id(1)},
    }  # fmt: skip
    projection.project([*records([run_event("COMPLETE", 1, "train", 1, outputs=[model])]), own(2, SERVER, number)])
    node = identity.node_id(PROJECT, NodeKind.DATASET, identity.dataset("models", "churn"))
    found = catalog.model_version(PROJECT, node, 3)
    assert found is not None
    assert found.tags == {"stage": "test"}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("cut", [0, 1, 2])
def test_a_number_follows_its_run_to_the_version_it_states(
    projection: Projection, catalog: Catalog, order: tuple[int, ...], cut: int
) -> None:
    kind = {"datasetType": "MODEL"}
    registered = run_event("RUNNING", 1, "train", 1, outputs=[dataset("churn", "models", datasetType=kind)])
    model = dataset("churn", "models", **digest("a"), datasetType=kind)
    made = run_event("COMPLETE", 2, "train", 1, outputs=[model])
    number = {
        "type": "model_version", "model": {"namespace": "models", "name": "churn"}, "number": 1,
        "version": {"scheme": "run", "value": run_id(1)}, "tags": {}, "registered": 5,
        "registered_by": {"namespace": "tests", "runId": run_id(1)},
    }  # fmt: skip
    told = [records([registered])[0], records([made])[0], own(1, SERVER, number)]
    in_order = [replace(told[which], seq=seq) for seq, which in enumerate(order, 1)]
    for batch in (in_order[:cut], in_order[cut:]):
        projection.project(batch)
    node = identity.node_id(PROJECT, NodeKind.DATASET, identity.dataset("models", "churn"))
    version = identity.dataset_version("models", "churn", "sha256", "a" * 64)
    found = catalog.model_version(PROJECT, node, 1)
    assert found is not None
    assert found.version == identity.node_id(PROJECT, NodeKind.DATASET_VERSION, version)


def test_a_record_nobody_can_read_stops_nothing(projection: Projection, caplog: pytest.LogCaptureFixture) -> None:
    broken = own(1, "application/json", {"no": "event"})
    [fine] = records([run_event("COMPLETE", 1, "job", 1)], 2)
    [delta] = projection.project([broken, fine])
    assert run_node(1) in {node.id for node in delta.nodes}
    assert "record 1 cannot be projected" in caplog.text
