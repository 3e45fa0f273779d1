"""What hangs on the graph beside provenance: deployments, checks, changed hand-overs, the script of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.replica import Replica, project, run_node
from fixtures.run_shapes import dataset, digest, passed, run_event
from lineage_graph.projection.engine import Projection


@pytest.fixture
def projection() -> Iterator[Projection]:
    opened = Projection("sqlite://")
    yield opened
    opened.close()


def attached(graph: Replica, kind: str) -> list[tuple[str, str]]:
    """(name of the attached node, label of what it hangs on)."""
    found = []
    for key in graph.edges:
        source = graph.nodes[key.src]
        if key.type == "ATTACHED" and source.kind == kind:
            target = graph.nodes[key.dst]
            where = graph.label(key.dst) if target.kind == "DatasetVersion" else f"{target.kind} {target.props['name']}"
            found.append((source.props["name"], where))
    return sorted(found)


def deployed(target: str, **model: Any) -> dict[str, Any]:
    return {"deployments": [{"target": target, "model": {"namespace": "models", "name": "churn", **model}}]}


def test_a_deployment_hangs_on_the_version_the_run_touched(projection: Projection) -> None:
    model = dataset("churn", "models", **digest("a"))
    graph = project(
        projection, [run_event("COMPLETE", 1, "ship", 1, inputs=[model], weftline_deployments=deployed("prod"))]
    )
    assert attached(graph, "Deployment") == [("prod", "churn sha256:aaaaaaaa")]


def test_a_deployment_of_a_model_the_run_did_not_touch_hangs_on_the_model(projection: Projection) -> None:
    graph = project(projection, [run_event("COMPLETE", 1, "ship", 1, weftline_deployments=deployed("prod", version=3))])
    assert attached(graph, "Deployment") == [("prod", "Dataset churn")]
    [node] = [node for node in graph.nodes.values() if node.kind == "Deployment"]
    assert node.props["version"] == "3"


@pytest.mark.parametrize("odd", [3, [None], [{"model": {"name": 1}}], {"a": 1}, None])
def test_odd_deployments_are_passed_over(projection: Projection, odd: Any) -> None:
    graph = project(projection, [run_event("COMPLETE", 1, "ship", 1, weftline_deployments={"deployments": odd})])
    assert attached(graph, "Deployment") == []
    assert graph.run(1)["state"] == "COMPLETE"


def test_a_check_hangs_on_the_version_it_was_made_on(projection: Projection) -> None:
    check = {"checks": [{"name": "rows", "success": True, "subject": {"namespace": "warehouse", "name": "raw"}}]}
    events = [
        run_event("COMPLETE", 1, "make", 1, outputs=[dataset("raw")]),
        run_event("COMPLETE", 5, "test", 2, inputs=[dataset("raw")], weftline_checks=check),
    ]
    assert attached(project(projection, events), "Check") == [("rows", "raw run:1")]


def test_a_value_changed_on_its_way_is_marked_on_both_edges(projection: Projection) -> None:
    taken = passed("load", 1)
    taken["weftline_passed"]["changed"] = True
    events = [
        run_event("COMPLETE", 1, "load", 1, outputs=[dataset("load", "memory", **digest("a"))]),
        run_event(
            "COMPLETE", 5, "fit", 2, inputs=[dataset("load", "memory", **taken)], outputs=[dataset("fit", "memory")]
        ),
    ]
    graph = project(projection, events)
    changed = {key.type.value for key, edge in graph.edges.items() if edge.props.get("changed")}
    assert changed == {"USED", "DERIVED_FROM"}


def test_two_scripts_of_one_commit_keep_their_names(projection: Projection) -> None:
    def code(entry: str) -> dict[str, Any]:
        return {"source": "git", "repository": "r", "commit": "c0ffee", "entryPoint": entry}

    events = [
        run_event("COMPLETE", 1, "one", 1, weftline_codeVersion=code("a.py")),
        run_event("COMPLETE", 2, "two", 2, weftline_codeVersion=code("b.py")),
    ]
    graph = project(projection, events)
    assert [graph.nodes[run_node(number)].props["entry_point"] for number in (1, 2)] == ["a.py", "b.py"]
    assert len([node for node in graph.nodes.values() if node.kind == "CodeVersion"]) == 1
