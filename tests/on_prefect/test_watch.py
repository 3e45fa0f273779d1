"""Flows whose code nobody touched: what `lineage prefect watch` records from the events of a real Prefect server."""

from __future__ import annotations

import signal
from functools import partial

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


def test_following_goes_on_where_it_was_interrupted(prefect: Prefect) -> None:
    def seen(runs: int) -> bool:
        prefect.project.server.settle()
        return len(story(prefect.project, "late")) == runs

    for flows in (1, 2):
        # The second flow has run before the watch that tells of it begins, from where the first one got to.
        if flows == 2:
            prefect.run("endings.py", "late", lineage=False)
        with prefect.start("lineage", "prefect", "watch", "--hours", "1") as watching:
            if flows == 1:
                prefect.run("endings.py", "late", lineage=False)
            eventually(partial(seen, 3 * flows), 90, "what the watch has to tell")
            watching.send_signal(signal.SIGINT)
            _, err = watching.communicate(timeout=30)
        assert watching.returncode == 0, err
