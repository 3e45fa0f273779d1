"""How flows end that are not left alone: cancelled, killed, out of time, or without a service to tell it to."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from typing import Any

import pytest

from fixtures.server import eventually, free_port
from on_prefect.conftest import Prefect
from on_prefect.story import story

pytestmark = [pytest.mark.prefect, pytest.mark.full, pytest.mark.timeout(300)]

CANCELLED = """
sleepy#1 ABORT cancelled
sleepy.first#1 COMPLETE in sleepy#1 makes sleepy.first
sleepy.sleep#1 FAIL crashed in sleepy#1 reads sleepy.first#1 | Execution was aborted by a termination signal.
"""
KILLED = """
sleepy#1 START
sleepy.first#1 COMPLETE in sleepy#1 makes sleepy.first
sleepy.sleep#1 START in sleepy#1 reads sleepy.first#1
"""
LATE = """
late#1 FAIL timed_out
late.slow#1 FAIL timed_out in late#1
late.slow_in_a_thread#1 FAIL timed_out in late#1
"""


def asked(prefect: Prefect, path: str, body: Any = None) -> Any:
    """An answer of Prefect's API."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{prefect.api}{path}", content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def test_a_deployed_flow_that_is_cancelled(prefect: Prefect) -> None:
    with prefect.start("endings.py", "serve") as runner:
        try:
            deployment = eventually(lambda: _deployment(prefect), 60, "the deployment")
            made = asked(prefect, f"/deployments/{deployment['id']}/create_flow_run", {"state": {"type": "SCHEDULED"}})
            prefect.wait_for_runs(3, over=False)
            cancelling = {"state": {"type": "CANCELLING"}, "force": True}
            asked(prefect, f"/flow_runs/{made['id']}/set_state", cancelling)
            prefect.wait_for_runs(3)
            # The process learns of a signal only; that somebody cancelled the run is what Prefect's server knows.
            assert story(prefect.project)[0] == "sleepy#1 ABORT terminated"
            eventually(lambda: "cancelled" in prefect.watched("sleepy")[0], 60, "the word for its end")
        finally:
            runner.send_signal(signal.SIGINT)
            runner.communicate(timeout=60)
    lines = [line for line in story(prefect.project, "sleepy") if "#1" in line]
    assert "\n".join(lines) == CANCELLED.strip()
    runs = prefect.project.get("/runs", job="sleepy")["items"]
    captured = json.dumps([prefect.project.get(f"/runs/{run['id']}/captured") for run in runs])
    assert deployment["id"] in captured
    assert "s3cr3t-token-value" not in captured
    assert made["id"] == runs[0]["run_id"]


def _deployment(prefect: Prefect) -> Any:
    found = asked(prefect, "/deployments/filter", {"deployments": {"name": {"any_": ["nightly"]}}})
    return found[0] if found else None


def test_a_process_group_killed_in_the_middle_of_a_task(prefect: Prefect) -> None:
    with prefect.start("endings.py", "sleepy") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asleep\n"
        os.killpg(process.pid, signal.SIGKILL)
    assert prefect.run("lineage", "spool", "sync").code == 0
    prefect.project.server.settle()
    assert "\n".join(story(prefect.project)) == KILLED.strip()


def test_tasks_that_run_out_of_time(prefect: Prefect) -> None:
    prefect.run("endings.py", "late")
    prefect.wait_for_runs(3)
    lines = [line.partition(" | ")[0] for line in story(prefect.project)]
    assert "\n".join(lines) == LATE.strip()


def test_a_service_that_is_away_costs_a_flow_nothing_and_learns_everything_later(prefect: Prefect) -> None:
    prefect.service = f"http://127.0.0.1:{free_port()}"
    prefect.run("shapes.py")
    assert prefect.project.get("/runs")["items"] == []
    prefect.run("lineage", "spool", "sync", "--to", prefect.project.server.url)
    prefect.wait_for_runs(22)
    assert len(story(prefect.project)) == 22
