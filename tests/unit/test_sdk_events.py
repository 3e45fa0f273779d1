"""Every event we send is what the OpenLineage specification and our published schemas say, and its client reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import attr
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openlineage.client import event_v2

from fixtures import openlineage
from lineage import (
    Dataset,
    facets,
    log_check,
    log_deployment,
    log_file,
    log_metric,
    log_metrics,
    log_param,
    log_predictions,
    process,
    register_model,
    run,
    tag,
    tracked_flow,
    tracked_task,
)
from lineage.testing import RecordingSink, recording


@tracked_task
def load(path: str) -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})


@tracked_task
def split(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, float]]:
    return table.head(1), {"share": 0.5}


@tracked_task
def train(table: pd.DataFrame, lr: float = 0.1, random_state: int | None = None, when: datetime | None = None) -> Any:
    log_param("depth", 3)
    log_metrics({"auc": 0.9, "nan": float("nan")})
    log_metric("auc", 0.8, slice={"country": "NZ"})
    log_check("drift", False, dataset=Dataset("s3://b/raw.csv"), severity="warn", expected=0.1, actual=0.2)
    tag("kind", "debug")
    return {"weights": [1.0, 2.0]}


@tracked_task(kind="side_effect")
def broken() -> None:
    raise ValueError("no")


@tracked_task
def stream() -> Iterator[int]:
    yield 1000
    yield 2000


@tracked_flow(inputs=["s3://b/raw.csv"], outputs=[Dataset("postgres://h:5432", "db.public.scores", version="7")])
def nightly(folder: Path) -> None:
    table, _ = split(load("raw.csv"))
    model = register_model("churn", train(table, when=datetime(2026, 1, 1, tzinfo=UTC)), tags={"a": "b"})
    log_predictions("s3://b/scores.csv", model)
    log_deployment(model, "production", endpoint="https://x")
    (folder / "plot.png").write_bytes(b"x")
    log_file(folder / "plot.png", "plot")
    with pytest.raises(ValueError, match="no"):
        broken()
    assert sum(stream()) == 3000


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RecordingSink:
    with recording() as sink:
        nightly(tmp_path_factory.mktemp("events"))
        load("again")
    return sink


def test_every_event_and_every_facet_validates(recorded: RecordingSink) -> None:
    assert len(recorded.events) > 20
    for event in recorded.events:
        openlineage.check(event)


def test_every_facet_of_ours_was_met_and_is_published(recorded: RecordingSink) -> None:
    met = {name for event in recorded.events for name, _ in openlineage.facets(event) if name.startswith("weftline_")}
    published = {
        name
        for file in (files("lineage") / "schemas" / "facets" / "1-0-0").iterdir()
        for name in json.loads(file.read_text())["properties"]
    }
    # The first is told by the service when somebody names an alias, the others on Prefect.
    assert met == published - {"weftline_alias", "weftline_cached", "weftline_prefect"}


def test_schemas_are_where_their_address_says() -> None:
    for file in (files("lineage") / "schemas" / "facets" / "1-0-0").iterdir():
        document = json.loads(file.read_text())
        openlineage.validator("https://json-schema.org/draft/2020-12/schema").validate(document)
        definition = file.name.removesuffix(".json")
        assert facets.own_schema(definition) == f"{document['$id']}#/$defs/{definition}"
        assert list(document["$defs"]) == [definition]
        assert document["$defs"][definition]["description"]


def test_times_are_utc_with_microseconds_and_in_order(recorded: RecordingSink) -> None:
    for recorded_run in recorded.runs:
        times = [event["eventTime"] for event in recorded_run.events if event["eventType"] != "OTHER"]
        assert times == sorted(times)
        assert all(len(time) == 27 and time.endswith("Z") for time in times)


def test_each_run_begins_and_ends_once(recorded: RecordingSink) -> None:
    for recorded_run in recorded.runs:
        types = [event["eventType"] for event in recorded_run.events if event["eventType"] != "OTHER"]
        assert types[0] == "START"
        assert types[-1] in ("COMPLETE", "FAIL")
        assert set(types[1:-1]) <= {"RUNNING"}


def test_openlineages_own_classes_hold_the_same(recorded: RecordingSink) -> None:
    """Our dictionaries, given to its classes field by field, come out of its serialiser as they went in."""
    for event in recorded.events:
        built = event_v2.RunEvent(
            eventTime=event["eventTime"],
            eventType=event_v2.RunState[event["eventType"]],
            producer=event["producer"],
            run=event_v2.Run(runId=event["run"]["runId"], facets=event["run"].get("facets", {})),
            job=event_v2.Job(event["job"]["namespace"], event["job"]["name"], event["job"].get("facets", {})),
            inputs=[event_v2.InputDataset(**{"facets": {}, **entry}) for entry in event.get("inputs", ())],
            outputs=[event_v2.OutputDataset(**{"facets": {}, **entry}) for entry in event.get("outputs", ())],
        )
        assert _without_empty(attr.asdict(built, value_serializer=_plain)) == _without_empty(event)


def _plain(_instance: object, _field: object, value: Any) -> Any:
    return value.value if isinstance(value, event_v2.RunState) else value


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _without_empty(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in ({}, [], None)}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


def test_evidence_is_told_for_each_run_and_in_full_at_most_once(recorded: RecordingSink) -> None:
    assert process.wait(30)
    full = 0
    for recorded_run in recorded.runs:
        assert "weftline_codeVersion" in recorded_run.facets, recorded_run.job
        assert "weftline_environment" in recorded_run.facets, recorded_run.job
        full += sum(
            "packages" in event["run"]["facets"].get("weftline_environment", {}) for event in recorded_run.events
        )
    assert full <= 1


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=50), st.datetimes(), st.binary(max_size=9)
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.text(max_size=20), scalars, max_size=5),
    st.dictionaries(st.text(max_size=20), scalars, max_size=5),
    st.text(max_size=20),
    st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
)
def test_whatever_a_user_logs_the_event_is_valid(
    parameters: dict[str, Any], metrics: dict[str, Any], name: str, value: Any
) -> None:
    @tracked_task
    def task(**options: Any) -> Any:
        for key, item in parameters.items():
            log_param(key, item)
            tag(key, item)
        log_metrics(metrics)
        log_check(name, True, expected=value, actual=name)
        return value

    with recording() as sink:
        task(**parameters)
        with run(name):
            pass
    assert [recorded_run.state for recorded_run in sink.runs] == ["COMPLETE", "COMPLETE"]
    for event in sink.events:
        openlineage.check(event)
        json.dumps(event, allow_nan=False)
