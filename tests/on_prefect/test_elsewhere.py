"""A task in a process of its own, and a service whose address Prefect keeps."""

from __future__ import annotations

import pytest

from on_prefect.conftest import Prefect
from on_prefect.story import story

pytestmark = [pytest.mark.prefect, pytest.mark.full, pytest.mark.timeout(300)]


def test_a_task_in_another_process_is_part_of_its_flow(prefect: Prefect) -> None:
    prefect.run("elsewhere.py")
    prefect.wait_for_runs(2)
    assert story(prefect.project) == [
        "far-away#1 COMPLETE",
        "far-away.far#1 COMPLETE in far-away#1 makes far-away.far",
    ]
    run = prefect.project.get("/runs", job="far-away.far")["items"][0]
    assert run["attributes"]["metric.pid is another"]["text"] == "true"
