"""The asking routes give the same answers over Neo4j as over SQLite, node for node and edge for edge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.asking import Project, model_history
from fixtures.run_shapes import SHAPES, run_id
from fixtures.server import Server, serving

Json = dict[str, Any]


def drawn(answer: Json) -> list[tuple[Any, ...]]:
    """Edges by the names of their ends."""
    names = {node["id"]: node["name"] for node in answer["nodes"]}
    members = ("type", "explicit", "precision", "basis")
    return sorted(
        ((names[e["src"]], names[e["dst"]], *(e[member] for member in members)) for e in answer["edges"]), key=repr
    )


def story(project: Project) -> list[Any]:
    """What the routes say about the history, without ids and receive times."""
    project.send(*model_history())
    model = project.resolve(kind="model", name="churn")
    raw = project.resolve(kind="dataset", namespace="s3://lake", name="raw.csv")
    origins = project.get("/models/origins", name="churn")
    found: list[Any] = [
        drawn(origins),
        [(item["what"], item["text"]) for item in origins["missing"]],
        [(source["name"], source["precision"]) for source in origins["sources"]],
        sorted(run["job"]["name"] for run in origins["runs"]),
        origins["completeness"],
        project.post("/policy/check", {"model": "churn"})["allowed"],
        [hit["name"] for hit in project.get("/impact", root=raw)["models"]],
    ]
    for granularity in ("version", "run", "job", "dataset"):
        for direction in ("up", "down", "both"):
            answer = project.get("/lineage", root=model, direction=direction, granularity=granularity)
            names = {node["id"]: node["name"] for node in answer["nodes"]}
            found.append(drawn(answer))
            found.append(
                sorted((names[node], hidden["up"], hidden["down"]) for node, hidden in answer["hidden"].items())
            )
    detail = project.get(f"/runs/{run_id(2)}")
    found.append(sorted((edge["type"], edge["basis"]) for edge in detail["edges"]))
    return found


def shapes(project: Project) -> list[Any]:
    """Upstream of every run of the awkward histories, with completeness."""
    project.send(*(event for shape in SHAPES.values() for event in shape()))
    found = []
    for run in project.get("/runs", limit=1000)["items"]:
        answer = project.get("/lineage", root=run["id"], direction="up")
        known = {key: value for key, value in answer["completeness"].items() if key != "silent_tasks"}
        found.append([run["run_id"], run["state"], drawn(answer), known])
    return sorted(found, key=repr)


@pytest.mark.full
@pytest.mark.neo4j
@pytest.mark.timeout(300)
def test_both_stores_give_the_same_answers(asked_server: Server, neo4j_uri: str, tmp_path: Path) -> None:
    expected = [story(Project(asked_server, "same/story")), shapes(Project(asked_server, "same/shapes"))]
    with serving(tmp_path / "data", neo4j_uri) as server:
        assert [story(Project(server, "same/story")), shapes(Project(server, "same/shapes"))] == expected
