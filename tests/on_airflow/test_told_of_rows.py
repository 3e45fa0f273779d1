"""What `lineage airflow sync` tells of Airflow's rows: valid events, and the same bytes each time."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures import openlineage
from lineage import events
from lineage_airflow.sync import attempts

DUE = "2026-11-01T02:00:00+02:00"
DAG_RUN = {
    "dag_id": "d",
    "dag_run_id": "r",
    "state": "failed",
    "conf": None,
    "logical_date": None,
    "run_after": DUE,
    "start_date": DUE,
    "end_date": "2026-11-01T02:10:00+02:00",
}


def row(state: str, **other: Any) -> dict[str, Any]:
    place = {"dag_id": "d", "dag_run_id": "r", "task_id": "g.t", "map_index": -1, "try_number": 1}
    return {**place, "state": state, "start_date": DUE, "end_date": "2026-11-01T02:01:00+02:00", **other}


@pytest.mark.parametrize(
    ("state", "types", "outcome"),
    [
        ("success", ["START", "COMPLETE"], None),
        ("failed", ["START", "FAIL"], None),
        ("up_for_retry", ["START", "FAIL"], None),
        ("skipped", ["START", "ABORT"], "skipped"),
        ("upstream_failed", ["START", "ABORT"], "upstream_failed"),
        ("removed", ["START", "ABORT"], "removed"),
        ("running", [], None),
    ],
)
def test_a_state_becomes_events(state: str, types: list[str], outcome: str | None) -> None:
    made = (events.entry("file", "/srv/x"),)
    attempt = attempts.of_task(row(state), DAG_RUN, "ml", 0, made)
    found = attempt.events(None)
    assert [event["eventType"] for event in found] == types
    for event in found:
        openlineage.check(event)
    if found:
        assert found[-1]["run"]["facets"]["weftline_run"].get("outcome") == outcome
        assert [event["eventTime"] for event in found] == ["2026-11-01T00:00:00.000000Z", "2026-11-01T00:01:00.000000Z"]
        assert attempt.events("RUNNING") == found[1:]
    assert attempts.of_task(row(state), DAG_RUN, "ml", 0, made).events(None) == found


def test_a_task_that_never_began_ends_when_its_dag_run_was_due() -> None:
    never = row("upstream_failed", start_date=None, end_date=None, try_number=0)
    (event,) = attempts.of_task(never, DAG_RUN, "ml", 0).events(None)
    openlineage.check(event)
    assert (event["eventType"], event["eventTime"]) == ("ABORT", "2026-11-01T00:00:00.000000Z")
    assert "attempt" not in event["run"]["facets"]["weftline_run"]


def test_a_dag_run_names_who_triggered_it() -> None:
    cause = attempts.dag_named({**DAG_RUN, "dag_id": "upstream"}, "ml", 0)
    outside = {"parentRunId": "01941b01-8c2c-7aaa-8000-00000000c1c1", "parentJobNamespace": "ci", "parentJobName": "x"}
    attempt = attempts.of_dag_run({**DAG_RUN, "conf": {"openlineage": outside}}, "ml", triggered_by=(cause,))
    start, end = attempt.events(None)
    for event in (start, end):
        openlineage.check(event)
        assert event["run"]["facets"]["parent"]["root"]["run"]["runId"] == outside["parentRunId"]
    assert end["eventType"] == "FAIL"


def test_what_the_provider_tells_of_a_task_that_skips_itself_is_no_difference() -> None:
    assert attempts.of_task(row("skipped"), DAG_RUN, "ml", 0).agrees("COMPLETE")
    assert not attempts.of_task(row("failed"), DAG_RUN, "ml", 0).agrees("COMPLETE")
