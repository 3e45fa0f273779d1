"""Flows whose code nobody touched: what `lineage prefect watch` records from the events of a real Prefect server."""

from __future__ import annotations

import pytest

from fixtures.server import eventually
from on_prefect.conftest import Prefect
from on_prefect.story import story

pytestmark = [pytest.mark.prefect, pytest.mark.full, pytest.mark.timeout(300)]

WATCHED = """
assets-plain#1 COMPLETE
assets-plain.clean#1 COMPLETE in assets-plain#1 reads raw.csv of nobody makes clean.csv
assets-plain.load#1 COMPLETE in assets-plain#1
assets-plain.publish#1 COMPLETE in assets-plain#1 reads clean.csv of assets-plain.clean#1 makes shop.users
"""

TRACKED = """
assets-tracked#1 COMPLETE
assets-tracked.clean#1 COMPLETE in assets-tracked#1 reads assets-tracked.load#1, raw.csv of nobody makes \
assets-tracked.clean, clean.csv
assets-tracked.load#1 COMPLETE in assets-tracked#1 makes assets-tracked.load
assets-tracked.publish#1 COMPLETE in assets-tracked#1 reads assets-tracked.clean#1, clean.csv of \
assets-tracked.clean#1 makes shop.users
"""


def test_runs_states_and_assets_of_an_untracked_flow(prefect: Prefect) -> None:
    prefect.run("assets.py", "assets-plain")
    eventually(lambda: len(prefect.watched("assets-plain")) == 4, 60, "four runs")
    assert "\n".join(story(prefect.project, "assets-plain")) == WATCHED.strip()


def test_assets_of_tracked_tasks_are_the_same_datasets(prefect: Prefect) -> None:
    prefect.run("assets.py", "assets-tracked")
    prefect.wait_for_runs(4)
    told = "\n".join(story(prefect.project, "assets-tracked"))
    assert told == TRACKED.strip()
    assert "\n".join(prefect.watched("assets-tracked")) == told
