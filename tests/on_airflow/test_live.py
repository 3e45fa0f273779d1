"""DAGs on a real Airflow: the graph that each leaves, and how often it was told on the wire."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from fixtures import openlineage
from fixtures.server import Server, eventually
from on_airflow import wire
from on_airflow.graph import Graph
from on_airflow.standalone import Standalone

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(400)]
full = pytest.mark.full


def told(state: str, read: list[str], made: list[str], outcome: str | None = None) -> dict[str, Any]:
    """A run in the graph, without findings."""
    return {"state": state, "outcome": outcome, "read": read, "made": made, "findings": []}


def test_a_dag_tells_its_lineage(airflow: Standalone, graph: Graph) -> None:
    run, state = airflow.run("thin")
    assert state == "success"
    assert graph.shape("thin", run, attempts=2) == {
        "thin": told("COMPLETE", [], []),
        "thin.extract": told("COMPLETE", ["raw.csv"], ["thin.extract"]),
        "thin.load": told("COMPLETE", ["thin.extract"], ["total"]),
    }
    assert wire.told_once(graph.events("thin", run))


@full
def test_each_attempt_is_a_run_of_its_own(airflow: Standalone, graph: Graph) -> None:
    run, state = airflow.run("retried")
    assert state == "success"
    shape = graph.shape("retried", run, attempts=2)
    assert shape["retried.second_time"]["state"] == "FAIL"
    assert shape["retried.second_time #2"] == told("COMPLETE", [], ["retried", "retried.second_time"])
    assert wire.told_once(graph.events("retried", run))


@full
def test_a_failure_is_told_without_its_secrets(airflow: Standalone, graph: Graph) -> None:
    run, state = airflow.run("failed")
    assert state == "failed"
    shape = graph.shape("failed", run, attempts=1)
    assert {name: found["state"] for name, found in shape.items()} == {"failed": "FAIL", "failed.breaks": "FAIL"}
    events = graph.events("failed", run)
    assert wire.told_once(events)
    ours = [event["run"]["facets"] for event in events if "weftline" in event["producer"]]
    errors = json.dumps([found["errorMessage"] for found in ours if "errorMessage" in found])
    assert "does not work" in errors
    assert "hunter2" not in errors


@full
def test_mapped_attempts_share_a_job_and_their_values_are_told_apart(airflow: Standalone, graph: Graph) -> None:
    run, state = airflow.run("mapped")
    assert state == "success"
    shape = graph.shape("mapped", run, attempts=5)
    for index in range(3):
        assert shape[f"mapped.square[{index}]"] == told("COMPLETE", ["mapped.numbers"], ["mapped.square"])
    assert shape["mapped.add"] == told("COMPLETE", ["mapped.square"] * 3, ["mapped.add"])
    assert wire.told_once(graph.events("mapped", run))


@full
def test_what_is_skipped_says_so(airflow: Standalone, graph: Graph) -> None:
    run, state = airflow.run("branched")
    assert state == "success"
    shape = graph.shape("branched", run, attempts=2)  # an operator that does nothing runs nowhere and tells nothing
    assert shape["branched.skips_itself"]["outcome"] == "skipped"
    assert wire.told_once(graph.events("branched", run))


@full
def test_assets_connect_dags(airflow: Standalone, graph: Graph) -> None:
    before = {item["dag_run_id"] for item in airflow.get("/dags/triggered/dagRuns")["dag_runs"]}
    run, state = airflow.run("classic")
    assert state == "success"
    shape = graph.shape("classic", run, attempts=1)
    assert shape["classic.shell"] == told("COMPLETE", ["raw.csv"], ["/srv/features.parquet", "classic.shell", "shell"])

    def started() -> str | None:
        runs = airflow.get("/dags/triggered/dagRuns")["dag_runs"]
        return next((item["dag_run_id"] for item in runs if item["dag_run_id"] not in before), None)

    triggered = str(eventually(started, 30, "the DAG run that the asset starts"))
    assert airflow.ended("triggered", triggered) == "success"
    shape = graph.shape("triggered", triggered, attempts=1)
    assert shape["triggered.use"] == told("COMPLETE", ["/srv/features.parquet"], ["triggered.use"])
    top = graph.get(f"/runs/{graph.run_id('triggered', triggered)}")
    causes = [edge["dst"] for edge in graph.get(f"/nodes/{top['id']}")["edges"] if edge["type"] == "TRIGGERED_BY"]
    assert [graph.get(f"/nodes/{cause}")["node"]["props"]["job"] for cause in causes] == ["classic.shell"]


@full
def test_a_parent_outside_airflow_is_the_root_of_every_task(airflow: Standalone, graph: Graph) -> None:
    outside = "01941b01-8c2c-7aaa-8000-00000000c1c1"
    said = {"parentRunId": outside, "parentJobNamespace": "ci", "parentJobName": "deploy"}
    run, state = airflow.run("thin", {"openlineage": said})
    assert state == "success"
    shape = graph.shape("thin", run, attempts=2)
    assert shape["thin.load"] == told("COMPLETE", ["thin.extract"], ["total"])
    for event in graph.events("thin", run):
        facet = event["run"]["facets"]["parent"]
        assert facet["root"]["run"]["runId"] == outside
        assert (facet["run"]["runId"] == outside) == (event["job"]["name"] == "thin")


@full
def test_operators_wait_register_and_gate(airflow: Standalone, graph: Graph) -> None:
    run, state = airflow.run("gated")
    states = {task: item["state"] for (task, _), item in airflow.instances("gated", run).items()}
    assert state == "success", states
    assert states["refused"] == "skipped"
    shape = graph.shape("gated", run, attempts=7)
    assert shape["gated.registers"]["made"] == ["churn_gated"]
    events = graph.events("gated", run)
    deferred = [event for event in events if event["job"]["name"] == "gated.waits"]
    assert wire.told_once([event for event in events if event not in deferred])
    # The provider tells a deferred task's beginning again when it is resumed.
    assert [event["eventType"] for event in deferred] == ["START", "START", "RUNNING", "COMPLETE"]
    answer = graph.get("/models/origins", name="churn_gated")
    assert answer["version"]["number"] == 1
    assert [source["name"] for source in answer["sources"]] == ["raw.csv"]


@full
def test_the_example_leads_from_the_model_to_its_raw_file(airflow: Standalone, graph: Graph) -> None:
    run, state = airflow.run("churn")
    assert state == "success"
    shape = graph.shape("churn", run, attempts=9)
    assert shape["churn.train"]["read"] == ["churn.evaluate"] * 4
    assert airflow.instances("churn", run)["deploy", -1]["state"] == "success"
    answer = graph.get("/models/origins", name="churn")
    assert [source["name"] for source in answer["sources"]] == ["customers.csv"]
    jobs = {found["job"]["name"] for found in answer["runs"]}
    assert jobs == {f"churn.{name}" for name in ("extract", "prepare", "evaluate", "train")}


@full
def test_delivering_everything_twice_changes_nothing(service: Server, airflow: Standalone, graph: Graph) -> None:
    run, _ = airflow.run("thin")
    graph.shape("thin", run, attempts=2)
    before = service.digest()
    # Who started a run is kept apart from the event's body, so that it can be erased; the journal has the rest.
    told_again = [event for event in graph.events("thin", run) if "weftline_actor" not in event["run"]["facets"]]
    assert len(told_again) > 6
    assert {service.post(event).status_code for event in told_again} == {200}
    assert service.digest() == before


@full
def test_a_killed_task_is_told_as_failed(airflow: Standalone, graph: Graph) -> None:
    run = airflow.trigger("killed")
    pid = _pid(airflow, run)
    os.kill(pid, signal.SIGKILL)
    assert airflow.ended("killed", run) == "failed"
    assert _synced(airflow)["refused"] == []
    shape = graph.shape("killed", run, attempts=1)
    assert shape["killed.long"] == told("FAIL", ["raw.csv"], [])


@full
def test_a_task_whose_worker_is_killed_with_it_is_told_as_failed(airflow: Standalone, graph: Graph) -> None:
    run = airflow.trigger("killed")
    pid = _pid(airflow, run)
    status = Path(f"/proc/{pid}/status").read_text()
    worker = int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))
    os.kill(worker, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    assert airflow.ended("killed", run) == "failed"
    assert _synced(airflow)["refused"] == []
    shape = graph.shape("killed", run, attempts=1)
    assert shape["killed.long"] == told("FAIL", ["raw.csv"], [])


@full
def test_tasks_go_on_at_full_speed_while_the_service_is_away(
    service: Server, airflow: Standalone, graph: Graph
) -> None:
    service.kill()
    try:
        run, state = airflow.run("thin")
        assert state == "success"
        took = [item["duration"] for item in airflow.instances("thin", run).values()]
    finally:
        service.restart()
    assert graph.shape("thin", run, attempts=2)["thin.load"] == told("COMPLETE", ["thin.extract"], ["total"])
    assert wire.told_once(graph.events("thin", run))
    assert max(took) < 9, "the provider alone waits nine seconds for each event"


@full
def test_the_doctor_sends_an_event_and_finds_it(airflow: Standalone) -> None:
    ended = airflow.lineage("doctor", "airflow", "--json")
    found = {finding["subject"]: finding for finding in json.loads(ended.stdout)["findings"]}
    assert ended.returncode == 0, ended.stdout
    assert "namespace ml" in found["airflow"]["text"]
    assert "writes to the spool" in found["provider"]["text"]
    assert "found in the graph" in found["test event"]["text"]


@full
def test_sync_tells_what_no_event_told_and_nothing_twice(service: Server, airflow: Standalone, graph: Graph) -> None:
    branched, _ = airflow.run("branched")
    failed, _ = airflow.run("failed")
    graph.shape("branched", branched, attempts=2)
    graph.shape("failed", failed, attempts=1)
    assert _synced(airflow)["differences"] == []
    shape = graph.shape("branched", branched, attempts=4)
    assert shape["branched.left_out"] == told("ABORT", [], [], "skipped")
    assert shape["branched.taken"]["state"] == "COMPLETE"
    assert graph.shape("failed", failed, attempts=2)["failed.never"] == told("ABORT", [], [], "upstream_failed")
    before = service.digest()
    second = _synced(airflow)
    assert (second["created"], second["ended"]) == ({}, {})
    assert second["requests"] <= 5
    for kept in (airflow.folder / "lineage" / "airflow").iterdir():
        kept.unlink()
    third = _synced(airflow)
    assert third["task_instances"] > 5
    assert (third["created"], third["ended"]) == ({}, {})
    assert service.digest() == before


@full
def test_with_the_provider_off_our_listener_tells_everything_once(service: Server, bare_airflow: Standalone) -> None:
    graph = Graph(service, bare_airflow)
    runs = {
        dag: bare_airflow.trigger(dag)
        for dag in ("thin", "retried", "failed", "branched", "mapped", "classic", "gated")
    }
    states = {dag: bare_airflow.ended(dag, run) for dag, run in runs.items()}
    assert states == {dag: "failed" if dag == "failed" else "success" for dag in runs}
    assert graph.shape("thin", runs["thin"], attempts=2) == {
        "thin": told("COMPLETE", [], []),
        "thin.extract": told("COMPLETE", ["raw.csv"], ["thin.extract"]),
        "thin.load": told("COMPLETE", ["thin.extract"], ["total"]),
    }
    assert graph.shape("mapped", runs["mapped"], attempts=5)["mapped.add"]["read"] == ["mapped.square"] * 3
    made = ["/srv/features.parquet", "classic.shell", "shell"]
    assert graph.shape("classic", runs["classic"], attempts=1)["classic.shell"] == told("COMPLETE", ["raw.csv"], made)
    skipped = graph.shape("branched", runs["branched"], attempts=2)["branched.skips_itself"]
    assert skipped == told("ABORT", [], [], "skipped")
    assert graph.shape("failed", runs["failed"], attempts=1)["failed.breaks"]["state"] == "FAIL"
    graph.shape("retried", runs["retried"], attempts=2)
    graph.shape("gated", runs["gated"], attempts=7)
    for dag, run in runs.items():
        events = graph.events(dag, run)
        assert wire.told_once(events), dag
        assert not [event for event in events if "providers-openlineage" in event["producer"]]
        for event in events:
            event["run"]["facets"].pop("weftline_actor", None)  # the service keeps its values apart from the event
            openlineage.check(event)


def _pid(airflow: Standalone, run: str) -> int:
    """Pid of the task of DAG `killed`, once it runs and its beginning is in the spool."""
    mine = airflow.work / run
    return int(eventually(lambda: mine.exists() and mine.read_text(), 60, "the task to run"))


def _synced(airflow: Standalone) -> dict[str, Any]:
    airflow.environment.update(AIRFLOW_API_URL=airflow.url, AIRFLOW_API_USER="admin", AIRFLOW_API_PASSWORD="admin")
    ended = airflow.lineage("airflow", "sync", "--json")
    assert ended.returncode in (0, 1), ended.stderr
    report: dict[str, Any] = json.loads(ended.stdout)
    return report
