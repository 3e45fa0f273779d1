"""Prefect's events read as runs, without a Prefect: the events are of the shape that its server sends."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid5

import pytest

from lineage_prefect import deployment_of, states
from lineage_prefect.identity import attempt_id
from lineage_prefect.reading import Json, Reader

FLOW = UUID("771289cd-f310-455a-becc-99573d21d03b")
TASK = UUID("01a20b47-1fda-7303-b0f5-d7482e3d8761")
CALLED = UUID("b4c47643-bb47-455a-8353-83f11120b700")
CALL = UUID("7a4d9aa0-a349-4a1c-964a-e9c6e5622abe")


class Database:
    """What Prefect's server would answer."""

    async def flow_run(self, run_id: UUID) -> Json | None:
        parameters = {"day": "monday", "password": "hunter2-and-more"}
        return {"run_count": 1, "parameters": parameters, "flow_name": "nightly", "parent_task_run_id": None}

    async def task_run(self, run_id: UUID) -> Json | None:
        return {"run_count": 1, "flow_run_id": FLOW} if run_id == CALL else None


def related(role: str, name: str, run_id: UUID | str) -> Json:
    return {"prefect.resource.role": role, "prefect.resource.name": name, "prefect.resource.id": f"prefect.x.{run_id}"}


def event(kind: str, run_id: UUID, state: str, name: str, count: int, *more: Json, message: str = "") -> Json:
    return {
        "id": str(uuid5(run_id, f"{name}{count}")),
        "event": f"prefect.{kind}.{name}",
        "occurred": "2026-11-24T01:59:00.332188Z",
        "resource": {"prefect.resource.id": f"prefect.{kind}.{run_id}", "prefect.run-count": str(count)},
        "related": [related("flow", "nightly", FLOW), *more],
        "payload": {
            "validated_state": {"type": state, "name": name, "message": message},
            "task_run": {"name": "add up-e82", "dynamic_key": "e820b8b4", "flow_run_run_count": 1, "task_key": "x-1"},
        },
    }


def read(*events: Json) -> list[Json]:
    async def all_of_them() -> list[Json]:
        reader = Reader(Database())
        return [record for item in events for record in await reader.read(item)]

    return asyncio.run(all_of_them())


def test_a_retry_is_the_end_of_one_run_and_the_beginning_of_the_next() -> None:
    flow = related("flow-run", "calm-owl", FLOW)
    records = read(
        event("task-run", TASK, "RUNNING", "Running", 1, flow),
        event("task-run", TASK, "RUNNING", "Retrying", 2, flow),
        event("task-run", TASK, "COMPLETED", "Completed", 2, flow),
    )
    first, second = str(TASK), attempt_id(TASK, 2)
    told = [(record["eventType"], record["run"]["runId"]) for record in records]
    assert told == [("START", first), ("FAIL", first), ("START", second), ("COMPLETE", second)]
    assert {record["job"]["name"] for record in records} == {"nightly.add up"}
    assert {record["run"]["facets"]["parent"]["run"]["runId"] for record in records} == {str(FLOW)}


def test_a_subflow_has_the_flow_that_called_it_as_parent() -> None:
    started = event("flow-run", CALLED, "RUNNING", "Running", 1, related("task-run", "inner-0", CALL))
    (record,) = read(event("flow-run", FLOW, "RUNNING", "Running", 1), started)[1:]
    assert record["run"]["facets"]["parent"]["run"]["runId"] == str(FLOW)
    assert record["run"]["facets"]["parent"]["root"]["run"]["runId"] == str(FLOW)


def test_secrets_stay_out() -> None:
    failed = event("flow-run", FLOW, "FAILED", "Failed", 1, message="postgres://u:hunter2-and-more@h/db is down")
    told = str(read(event("flow-run", FLOW, "RUNNING", "Running", 1), failed))
    assert "monday" in told
    assert "is down" in told
    assert "hunter2-and-more" not in told


def test_the_same_event_is_the_same_record() -> None:
    told = event("flow-run", FLOW, "COMPLETED", "Completed", 1)
    assert read(told) == read(told)


def test_an_asset_is_a_dataset_of_the_task_that_made_it() -> None:
    made: Json = {
        "id": "1",
        "event": "prefect.asset.materialization.succeeded",
        "occurred": "2026-11-24T01:59:00.379287Z",
        "resource": {"prefect.resource.id": "s3://lake/clean.csv"},
        "related": [
            {"prefect.resource.id": "s3://lake/raw.csv", "prefect.resource.role": "asset"},
            related("task-run", "clean-5cf", TASK),
            related("flow", "nightly", FLOW),
        ],
        "payload": {},
    }
    running = event("task-run", TASK, "RUNNING", "Running", 2, related("flow-run", "calm-owl", FLOW))
    record = read(running, made)[-1]
    assert record["run"]["runId"] == attempt_id(TASK, 2)
    assert record["inputs"] == [{"namespace": "s3://lake", "name": "raw.csv"}]
    assert record["outputs"] == [{"namespace": "s3://lake", "name": "clean.csv"}]


@pytest.mark.parametrize(
    "strange",
    [
        {"event": "prefect.flow-run.heartbeat", "payload": {}},
        {"event": "prefect.work-pool.ready"},
        {},
        event("flow-run", FLOW, "SCHEDULED", "Late", 0),
        event("flow-run", FLOW, "PAUSED", "Paused", 1),
        event("flow-run", FLOW, "CANCELLING", "Cancelling", 1),
    ],
)
def test_what_ends_or_begins_nothing_is_no_record(strange: Json) -> None:
    assert read(strange) == []


@pytest.mark.parametrize(
    ("state", "name", "told"),
    [
        ("COMPLETED", "Cached", ("COMPLETE", "cached")),
        ("FAILED", "TimedOut", ("FAIL", "timed_out")),
        ("CRASHED", "Crashed", ("FAIL", "crashed")),
        ("CANCELLED", "Cancelled", ("ABORT", "cancelled")),
        ("PAUSED", "Suspended", ("ABORT", "paused")),
        ("SCHEDULED", "AwaitingRetry", ("FAIL", None)),
        ("PENDING", "Pending", None),
    ],
)
def test_what_each_state_means(state: str, name: str, told: Any) -> None:
    assert states.ending(state, name) == told


def test_the_code_of_a_deployment() -> None:
    step = {"repository": "https://git.example/team/flows", "branch": "main", "access_token": "x"}
    steps = [{"prefect.deployments.steps.git_clone": step}]
    info = {"type": "vcs:git", "version": "1", "commit_sha": "c" * 40}
    found = deployment_of.code({"pull_steps": steps, "version_info": info})
    assert found == {"repository": step["repository"], "commit": "c" * 40, "branch": "main"}
    assert deployment_of.code({"pull_steps": None, "version_info": None}) is None
