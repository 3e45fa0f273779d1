"""Random histories: whatever was reported, in whatever order, the projection ends where a derivation from nothing
ends. Small name spaces on purpose, so that runs, versions and aliases collide."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.reference_derivation import assert_same
from fixtures.replica import project
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
from scale import count

NAMES = st.sampled_from(["a", "b", "c"])
SECONDS = st.integers(0, 12)
RUNS = st.integers(1, 4)
JOBS = {1: "one", 2: "two", 3: "three", 4: "one"}


@st.composite
def mentions(draw: st.DrawFn, *, output: bool) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if draw(st.booleans()):
        facets |= draw(st.sampled_from([digest("a"), digest("b"), version("v1"), version("v2")]))
    if draw(st.integers(0, 5)) == 0:
        facets["schema"] = {"fields": [{"name": draw(NAMES), "type": "INT"}]}
    if output and draw(st.integers(0, 3)) == 0:
        inputs = [
            {"namespace": "warehouse", "name": name, "type": "DATASET"} for name in draw(st.lists(NAMES, max_size=2))
        ]
        facets["lineage"] = {"inputs": inputs}
    if output and draw(st.integers(0, 5)) == 0:
        source = {"namespace": "warehouse", "name": draw(NAMES), "field": "x"}
        facets["columnLineage"] = {"fields": {"y": {"inputFields": [source]}}}
    if not output and draw(st.integers(0, 3)) == 0:
        origin = draw(RUNS)
        facets |= passed(JOBS[origin], origin)
    return dataset(draw(NAMES), **facets)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    second = draw(SECONDS)
    which = draw(st.integers(0, 9))
    if which == 0:
        facets: dict[str, Any] = draw(
            st.sampled_from(
                [
                    version("v1"),
                    version("v2"),
                    digest("a"),
                    symlink("t"),
                    symlink("a", "warehouse"),
                    user_alias("b"),
                    user_alias("b", removed=True),
                    user_alias("t", "glue"),
                    {"lifecycleStateChange": {"lifecycleStateChange": "DROP"}},
                    {"ownership": {"owners": [{"name": "ana"}]}},
                ]
            )
        )
        return dataset_event(second, dataset(draw(NAMES), **facets))
    run = draw(RUNS)
    kind = draw(st.sampled_from(["START", "RUNNING", "COMPLETE", "COMPLETE", "FAIL", "ABORT", "OTHER"]))
    facets = {}
    if draw(st.integers(0, 3)) == 0:
        parent = draw(RUNS)
        facets["parent"] = {"run": {"runId": run_id(parent)}, "job": {"namespace": "tests", "name": JOBS[parent]}}
    if draw(st.integers(0, 4)) == 0:
        facets["weftline_codeVersion"] = {"source": "git", "commit": draw(NAMES), "repository": "r"}
    if draw(st.integers(0, 4)) == 0:
        metric = {"name": "auc", "type": "float", "value": str(draw(st.integers(0, 3))), "timestamp": f"t{second}"}
        facets["weftline_metrics"] = {"metrics": [metric]}
    return run_event(
        kind,
        second,
        JOBS[run],
        run,
        inputs=draw(st.lists(mentions(output=False), max_size=2)),
        outputs=draw(st.lists(mentions(output=True), max_size=2)),
        **facets,
    )


@pytest.mark.full
def test_random_histories() -> None:
    projection = Projection("sqlite://")

    @settings(
        max_examples=count("random histories", ci=1_500, soak=20_000),
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        print_blob=True,
    )
    @given(st.lists(events(), min_size=1, max_size=12), st.data())
    def check(history: list[dict[str, Any]], data: st.DataObject) -> None:
        order = data.draw(st.permutations(history))
        cuts = sorted(data.draw(st.sets(st.integers(1, len(order)), max_size=5)) - {len(order)})
        assert_same(project(projection, order, cuts), history, None)

    check()
    projection.close()
