"""Whatever a producer sends is refused with its place named, or kept; it never stops the projection.

Real events and the specification's own samples are taken; mutations of them are thrown at the same doors."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from fixtures.replica import project, records
from fixtures.run_shapes import dataset, run_event
from lineage_graph.canonical import NotCanonical, canonical_bytes, loads_exact
from lineage_graph.errors import EventRefused
from lineage_graph.event import parse_event
from lineage_graph.facts import facts_of
from lineage_graph.projection.engine import Projection
from scale import count

FIXTURES = Path(__file__).parent.parent / "fixtures"
REAL = [
    loads_exact(line)
    for file in sorted((FIXTURES / "events").glob("*.jsonl"))
    for line in file.read_bytes().splitlines()
]
SAMPLES = sorted((FIXTURES / "openlineage-spec" / "tests").glob("*/*.json"))

ODD: list[Any] = [
    None, True, 0, -1, 1 << 70, 1.5, "", " ", "x" * 5000, "\u0000", "2026-01-01T00:00:00", [], {}, [[]], [None],
    {"a": None}, [{"namespace": "n", "name": "m"}], {"namespace": 1, "name": []},
    [{"key": "k", "value": {"deep": [1]}}], "NaN",
]  # fmt: skip


def with_facet(sample: Path) -> list[dict[str, Any]]:
    """The sample's facets in every place of a run event where OpenLineage has facets."""
    facets = json.loads(sample.read_bytes())
    events = []
    for place in ("run", "job", "inputs", "outputs", "inputFacets", "outputFacets"):
        event = run_event("COMPLETE", 5, "sampled", 1, inputs=[dataset("a")], outputs=[dataset("b")])
        if place in ("run", "job"):
            event[place]["facets"] = facets
        else:
            side = "inputs" if place in ("inputs", "inputFacets") else "outputs"
            event[side][0]["facets" if place in ("inputs", "outputs") else place] = facets
        events.append(event)
    return events


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything inside a document."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        keys = list(value) if isinstance(value, dict) else range(len(value))
        for key in keys:
            found.append((value, key))
            found += places(value[key])
    return found


def mutate(event: Any, rng: random.Random) -> Any:
    """The event with one to three of its members, anywhere in it, replaced or removed."""
    mutant = copy.deepcopy(event)
    for _ in range(rng.randint(1, 3)):
        parent, key = rng.choice(places(mutant))
        if rng.random() < 0.2:
            del parent[key]
        else:
            parent[key] = copy.deepcopy(rng.choice(ODD))
    return mutant


@pytest.mark.parametrize("number", range(len(REAL)))
def test_real_events_are_taken(number: int) -> None:
    assert parse_event(REAL[number]) == "run"
    assert facts_of(REAL[number])


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_sample_of_the_specification_is_taken(sample: Path) -> None:
    projection = Projection("sqlite://")
    for event in with_facet(sample):
        replica = project(projection, [event])
        assert replica.run(1)["state"] == "COMPLETE"
    projection.close()


def test_mutations_are_refused_by_name_or_projected(caplog: pytest.LogCaptureFixture) -> None:
    seeds = count("event mutations", ci=3_000, soak=100_000)
    pool = REAL + [event for sample in SAMPLES for event in with_facet(sample)]
    projection = Projection("sqlite://")
    taken = unnamed = 0
    for seed in range(seeds):
        mutant = mutate(random.Random(seed).choice(pool), random.Random(seed + 1))
        try:
            mutant = loads_exact(canonical_bytes(mutant))
            parse_event(mutant)
        except EventRefused as refused:
            unnamed += not (refused.path and refused.expected)
            continue
        except NotCanonical:
            continue
        taken += 1
        projection.project(records([mutant], projection.cursor() + 1))
        assert not caplog.records, f"seed {seed}: {caplog.records[0].getMessage()}"
    projection.close()
    assert unnamed == 0  # a refusal names the place and what belongs there
    assert taken > seeds // 3  # enough mutants get past the door to say something


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"eventTime": "yesterday"}, "eventTime"),
        ({"eventTime": None}, "eventTime"),
        ({"producer": 3}, "producer"),
        ({"schemaURL": ""}, "schemaURL"),
        ({"run": {}}, "run.runId"),
        ({"run": {"runId": 7}}, "run.runId"),
        ({"job": None}, "job"),
        ({"job": {"namespace": "n"}}, "job.name"),
        ({"inputs": {}}, "inputs"),
        ({"outputs": [{"namespace": "n", "name": "a"}, {"namespace": "n"}]}, "outputs[1].name"),
        ({"eventType": 3}, "eventType"),
    ],
)
def test_what_cannot_be_placed_is_refused_with_its_place(change: dict[str, Any], path: str) -> None:
    with pytest.raises(EventRefused) as refused:
        parse_event(run_event("COMPLETE", 1, "job", 1) | change)
    assert refused.value.path == path


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"eventTime": "2026-05-01T12:00:00"}, "naive_time"),
        ({"eventType": "FINISHED"}, "unknown_event_type"),
        ({"run": {"runId": "manual__2026-05-01"}}, "run_id_not_uuid"),
        ({"run": {"runId": "00000000-0000-7000-8000-000000000001", "facets": []}}, "no_start"),
        ({"run": {"runId": "00000000-0000-7000-8000-000000000001", "facets": {"parent": 3}}}, "bad_facet"),
    ],
)
def test_what_is_odd_is_kept_with_a_finding(change: dict[str, Any], code: str) -> None:
    projection = Projection("sqlite://")
    replica = project(projection, [run_event("COMPLETE", 1, "job", 1) | change])
    projection.close()
    findings = [finding["code"] for node in replica.nodes.values() for finding in node.props.get("findings", ())]
    assert code in findings
