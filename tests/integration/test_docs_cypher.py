"""The Cypher of docs/graph-model.md, run on a real Neo4j over a graph that the projection made."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from neo4j import GraphDatabase

from fixtures.replica import records
from fixtures.run_shapes import dataset, digest, passed, run_event
from lineage_graph.neo4j import Neo4jGraphStore
from lineage_graph.projection.engine import Projection

PAGE = Path(__file__).resolve().parents[2] / "docs" / "graph-model.md"
MODEL = f"churn-{uuid.uuid4()}"  # the server is shared
METRIC = {"name": "auc", "type": "float", "value": "0.941", "timestamp": "2026-05-01T12:00:25Z"}
HISTORY: list[dict[str, Any]] = [
    run_event("COMPLETE", 10, "load", 1, outputs=[dataset("rows", "memory", **digest("a"))]),
    run_event("START", 20, "train", 2, inputs=[dataset("rows", "memory", **passed("load", 1)), dataset("labels")]),
    run_event("RUNNING", 21, "train", 2, weftline_metrics={"metrics": [METRIC]}),
    run_event("COMPLETE", 30, "train", 2, outputs=[dataset(MODEL, "models", **digest("b"))]),
    run_event("START", 40, "export", 3, inputs=[dataset(MODEL, "models", **digest("b"))]),
    run_event("COMPLETE", 50, "export", 3, outputs=[dataset(f"{MODEL}.onnx")]),
]


@pytest.fixture(scope="module")
def told(neo4j_uri: str, neo4j_store: Neo4jGraphStore) -> str:
    """Address of a Neo4j that holds the history."""
    projection = Projection("sqlite://")
    neo4j_store.apply(projection.project(records(HISTORY, project=str(uuid.uuid4()))))
    projection.close()
    return neo4j_uri


def ask(uri: str, query: str, **parameters: Any) -> list[dict[str, Any]]:
    with GraphDatabase.driver(uri) as driver, driver.session(default_access_mode="READ") as session:
        return session.run(query, parameters).data()


def blocks() -> list[str]:
    return re.findall(r"^```cypher\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.neo4j
def test_the_queries_of_the_docs_answer(told: str) -> None:
    by_metric, step_up = blocks()
    assert {"job": "train", "auc": 0.941}.items() <= ask(told, by_metric, least=0.9)[0].items()
    (model,) = ask(told, step_up, model=MODEL)
    assert sorted(model["sources"]) == ["labels", "rows"]  # explicit: one was passed, the other co-occurs
    (exported,) = ask(told, step_up, model=f"{MODEL}.onnx")
    assert exported["sources"] == [MODEL]  # nothing stated: everything the run used
