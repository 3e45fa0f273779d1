"""Late statements change and retract what was derived before; each test tells the story in the order it happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fixtures.replica import Replica, project, records
from fixtures.run_shapes import (
    dataset,
    dataset_event,
    digest,
    passed,
    run_event,
    run_id,
    symlink,
    user_alias,
    version,
)
from lineage_graph.projection.engine import Projection

Tell = Callable[..., Replica]


@pytest.fixture
def tell() -> Iterator[Tell]:
    """Projects events on top of those told before, one at a time, and returns the graph."""
    projection = Projection("sqlite://")
    replica = project(projection, [])
    told = 0

    def more(*events: dict[str, Any]) -> Replica:
        nonlocal told
        for event in events:
            told += 1
            for delta in projection.project(records([event], told)):
                replica.apply(delta)
        return replica

    yield more
    projection.close()


def test_an_unversioned_input_binds_to_the_latest_version_before_its_start(tell: Tell) -> None:
    graph = tell(
        run_event("COMPLETE", 10, "make", 1, outputs=[dataset("raw")]),
        run_event("COMPLETE", 20, "make", 2, outputs=[dataset("raw")]),
        run_event("START", 25, "use", 3, inputs=[dataset("raw")]),
    )
    assert graph.used(3) == [("raw run:2", "2", "inferred")]


def test_a_late_older_version_rebinds_only_readers_after_it(tell: Tell) -> None:
    graph = tell(
        run_event("COMPLETE", 10, "make", 1, outputs=[dataset("raw")]),
        run_event("START", 12, "use", 3, inputs=[dataset("raw")]),
        run_event("START", 25, "use", 4, inputs=[dataset("raw")]),
    )
    assert graph.used(3) == graph.used(4) == [("raw run:1", "1", "inferred")]
    tell(run_event("COMPLETE", 20, "make", 2, outputs=[dataset("raw")]))
    assert graph.used(3) == [("raw run:1", "1", "inferred")]
    assert graph.used(4) == [("raw run:2", "2", "inferred")]


def test_a_late_fail_takes_the_version_back(tell: Tell) -> None:
    graph = tell(
        run_event("COMPLETE", 10, "make", 1, outputs=[dataset("raw")]),
        run_event("COMPLETE", 20, "make", 2, outputs=[dataset("raw")]),
        run_event("START", 25, "use", 3, inputs=[dataset("raw")]),
        run_event("FAIL", 21, "make", 2),
    )
    assert graph.run(2)["state"] == "FAIL"
    assert graph.run(2)["terminals"] == ["COMPLETE", "FAIL"]
    assert graph.generated(2) == []
    assert graph.versions() == ["raw run:1"]
    assert graph.used(3) == [("raw run:1", "1", "inferred")]


def test_a_late_version_facet_renames_the_version_everywhere(tell: Tell) -> None:
    graph = tell(
        run_event("COMPLETE", 10, "make", 1, outputs=[dataset("raw")]),
        run_event("COMPLETE", 25, "use", 3, inputs=[dataset("raw")], outputs=[dataset("clean")]),
        run_event("OTHER", 11, "make", 1, outputs=[dataset("raw", **version("v1"))]),
    )
    assert graph.generated(1) == ["raw version:v1"]
    assert graph.used(3) == [("raw version:v1", "1", "inferred")]
    assert "raw run:1" not in graph.versions()


def test_a_late_symlink_joins_two_names_and_its_removal_parts_them(tell: Tell) -> None:
    graph = tell(
        run_event("COMPLETE", 10, "make", 1, outputs=[dataset("path/raw")]),
        run_event("START", 20, "use", 2, inputs=[dataset("db.raw", "glue")]),
    )
    assert graph.used(2) == [("db.raw unversioned:", "", "inferred")]
    before = (dict(graph.edges), graph.versions())
    tell(dataset_event(30, dataset("path/raw", **symlink("db.raw"))))
    assert graph.used(2) == [("path/raw run:1", "1", "inferred")]
    assert graph.aliases() == [("path/raw", "db.raw")]
    tell(dataset_event(40, dataset("path/raw", **user_alias("db.raw", "glue", removed=True))))
    assert graph.aliases() == []
    assert (dict(graph.edges), graph.versions()) == before


def test_a_user_alias_decides_the_canonical_name_and_comes_and_goes(tell: Tell) -> None:
    graph = tell(dataset_event(1, dataset("a")), dataset_event(2, dataset("z")))
    tell(dataset_event(10, dataset("a", **user_alias("z"))))
    assert graph.aliases() == [("a", "z")]
    tell(dataset_event(20, dataset("a", **user_alias("z", removed=True))))
    assert graph.aliases() == []
    tell(dataset_event(30, dataset("a", **user_alias("z"))))
    assert graph.aliases() == [("a", "z")]


def test_two_datasets_that_claim_one_name_are_a_finding_and_not_a_merge(tell: Tell) -> None:
    graph = tell(
        dataset_event(10, dataset("old/raw", **symlink("db.raw"))),
        dataset_event(20, dataset("new/raw", **symlink("db.raw"))),
    )
    assert graph.aliases() == []
    findings = {
        node.props["name"]: node.props["findings"][0]["code"]
        for node in graph.nodes.values()
        if "findings" in node.props
    }
    assert findings == dict.fromkeys(("old/raw", "new/raw", "db.raw"), "contradicting_symlinks")


def test_a_late_lineage_facet_replaces_what_co_occurs(tell: Tell) -> None:
    graph = tell(
        run_event("START", 0, "mix", 1, inputs=[dataset("a"), dataset("b")]),
        run_event("COMPLETE", 9, "mix", 1, outputs=[dataset("out")]),
    )
    assert graph.derived(1) == []
    stated: dict[str, Any] = {"lineage": {"inputs": [{"namespace": "warehouse", "name": "a", "type": "DATASET"}]}}
    tell(run_event("OTHER", 10, "mix", 1, outputs=[dataset("out", **stated)]))
    assert graph.derived(1) == [("out run:1", "a unversioned:", "stated")]
    [made] = [edge for edge in graph.edges.values() if edge.key.type == "GENERATED_BY"]
    assert made.explicit


def test_a_passed_value_names_its_generation_and_keeps_the_other_inputs(tell: Tell) -> None:
    graph = tell(
        run_event("COMPLETE", 5, "load", 1, outputs=[dataset("load", "memory", **digest("a"))]),
        run_event("COMPLETE", 6, "load", 2, outputs=[dataset("load", "memory", **digest("a"))]),
        run_event(
            "COMPLETE",
            9,
            "train",
            3,
            inputs=[dataset("load", "memory", **digest("a"), **passed("load", 1)), dataset("labels")],
            outputs=[dataset("train", "memory")],
        ),
    )
    assert graph.used(3) == [("labels unversioned:", "", "inferred"), ("load sha256:aaaaaaaa", "1", "observed")]
    assert graph.derived(3) == [
        ("train run:3", "labels unversioned:", "co-occurring"),
        ("train run:3", "load sha256:aaaaaaaa", "passed"),
    ]


def test_the_same_bytes_written_twice_are_one_version_and_each_reader_gets_its_own_generation(tell: Tell) -> None:
    raw = dataset("raw", **digest("a"))
    graph = tell(
        run_event("COMPLETE", 10, "make", 1, outputs=[raw]),
        run_event("START", 15, "use", 3, inputs=[raw]),
        run_event("COMPLETE", 20, "make", 2, outputs=[raw]),
        run_event("START", 25, "use", 4, inputs=[raw]),
        run_event("START", 5, "use", 5, inputs=[raw]),
    )
    assert graph.used(3) == [("raw sha256:aaaaaaaa", "1", "observed")]
    assert graph.used(4) == [("raw sha256:aaaaaaaa", "2", "observed")]
    assert graph.used(5) == [("raw sha256:aaaaaaaa", "", "observed")]
    [unbound] = [e for e in graph.edges.values() if e.key.type == "USED" and not e.generation]
    assert unbound.props == {"ambiguous": True}


def test_a_run_never_reads_what_it_wrote_itself(tell: Tell) -> None:
    graph = tell(
        run_event("COMPLETE", 10, "make", 1, outputs=[dataset("raw")]),
        run_event("START", 20, "append", 2, inputs=[dataset("raw")], outputs=[dataset("raw")]),
        run_event("COMPLETE", 20, "append", 2),
    )
    assert graph.used(2) == [("raw run:1", "1", "inferred")]
    assert graph.generated(2) == ["raw run:2"]


def test_outputs_only_announced_at_start_are_no_versions_yet(tell: Tell) -> None:
    graph = tell(run_event("START", 0, "make", 1, outputs=[dataset("raw")]))
    assert graph.generated(1) == []
    tell(run_event("RUNNING", 1, "make", 1))
    assert graph.generated(1) == ["raw run:1"]
    tell(run_event("START", 5, "use", 2, inputs=[dataset("raw")]))
    assert graph.used(2) == [("raw unversioned:", "", "inferred")]
    tell(run_event("COMPLETE", 4, "make", 1))
    assert graph.used(2) == [("raw run:1", "1", "inferred")]


def test_a_parent_that_never_speaks_exists_and_siblings_stay_apart(tell: Tell) -> None:
    parent: dict[str, Any] = {"parent": {"run": {"runId": run_id(9)}, "job": {"namespace": "tests", "name": "flow"}}}
    graph = tell(
        run_event("COMPLETE", 10, "left", 1, inputs=[dataset("a")], outputs=[dataset("x")], **parent),
        run_event("COMPLETE", 10, "right", 2, inputs=[dataset("b")], outputs=[dataset("y")], **parent),
    )
    assert graph.run(9)["state"] == "UNKNOWN"
    causal = [(e.key.src, e.key.dst) for e in graph.edges.values() if e.key.type in ("USED", "GENERATED_BY")]
    reached, frontier = set(), [node for node in graph.nodes if graph.nodes[node].props.get("name") == "x"]
    while frontier:
        node = frontier.pop()
        reached.add(node)
        frontier += [dst for src, dst in causal if src == node and dst not in reached]
    assert {graph.nodes[node].props["name"] for node in reached} == {"x", "a", run_id(1)}


def test_a_version_is_valid_until_its_successor_or_the_drop(tell: Tell) -> None:
    graph = tell(
        run_event("COMPLETE", 10, "make", 1, outputs=[dataset("raw", **version("v1"))]),
        run_event("COMPLETE", 30, "make", 2, outputs=[dataset("raw", **version("v3"))]),
        run_event("COMPLETE", 20, "make", 3, outputs=[dataset("raw", **version("v2"))]),
        dataset_event(40, dataset("raw", lifecycleStateChange={"lifecycleStateChange": "DROP"})),
    )
    spans = {
        graph.label(e.key.src): (e.valid_from, e.valid_to) for e in graph.edges.values() if e.key.type == "VERSION_OF"
    }
    start = spans["raw version:v1"][0]
    assert start is not None
    ten = 10_000_000
    assert spans == {
        "raw version:v1": (start, start + ten),
        "raw version:v2": (start + ten, start + 2 * ten),
        "raw version:v3": (start + 2 * ten, start + 3 * ten),
    }


def test_a_finished_version_ends_every_unfinished_one_before_it(tell: Tell) -> None:
    graph = tell(
        run_event("COMPLETE", 10, "make", 1, outputs=[dataset("raw", **version("v1"))]),
        run_event("RUNNING", 20, "make", 2, outputs=[dataset("raw", **version("v2"))]),
        run_event("RUNNING", 30, "make", 3, outputs=[dataset("raw", **version("v3"))]),
        run_event("COMPLETE", 40, "make", 4, outputs=[dataset("raw", **version("v4"))]),
    )
    ends = {graph.label(e.key.src): e.valid_to for e in graph.edges.values() if e.key.type == "VERSION_OF"}
    last = ends["raw version:v1"]
    assert last is not None
    assert ends == {"raw version:v1": last, "raw version:v2": last, "raw version:v3": last, "raw version:v4": None}


def test_wrong_clocks_give_a_finding_and_no_negative_duration(tell: Tell) -> None:
    graph = tell(run_event("START", 30, "make", 1), run_event("COMPLETE", 10, "make", 1, outputs=[dataset("raw")]))
    run = graph.run(1)
    assert run["started_at"] == run["ended_at"]
    assert [finding["code"] for finding in run["findings"]] == ["negative_duration"]


def test_the_same_bytes_from_two_runs_keep_both_ways(tell: Tell) -> None:
    def load(run: int, source: str) -> dict[str, Any]:
        made = dataset("load", "memory", **digest("a"))
        return run_event("COMPLETE", run, "load", run, inputs=[dataset(source)], outputs=[made])

    taken = [dataset("load", "memory", **passed("load", run, argument)) for run, argument in ((1, "a"), (2, "b"))]
    graph = tell(load(1, "a"), load(2, "b"))
    tell(run_event("COMPLETE", 9, "combine", 3, inputs=taken, outputs=[dataset("combine", "memory")]))
    assert [generation for _, generation, _ in graph.used(3)] == ["1", "2"]
    [derived] = [edge for edge in graph.edges.values() if edge.key.type == "DERIVED_FROM"]
    assert (derived.generation, derived.props) == ("", {"ambiguous": True})


def test_a_version_made_again_under_another_name_reaches_its_readers(tell: Tell) -> None:
    def make(run: int, second: int, name: str, value: str) -> dict[str, Any]:
        return run_event("COMPLETE", second, "make", run, outputs=[dataset(name, **version(value))])

    graph = tell(
        dataset_event(1, dataset("a", **user_alias("b"))),
        make(1, 10, "b", "v1"),
        make(3, 30, "a", "v2"),
        run_event("START", 40, "use", 4, inputs=[dataset("a", **version("v1"))]),
    )
    assert graph.used(4) == [("b version:v1", "1", "observed")]
    tell(make(2, 20, "a", "v1"))
    assert graph.used(4) == [("a version:v1", "2", "observed")]
