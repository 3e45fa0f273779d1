"""Flows on a real Prefect: attempts, mapped tasks, subflows, caches and failures, as the graph has them afterwards."""

from __future__ import annotations

import pytest

from fixtures.server import eventually
from on_prefect.conftest import Prefect
from on_prefect.story import story

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(300)]

SHAPES = """
above#1 COMPLETE
below#1 COMPLETE in above#1 makes below
below.double#1 COMPLETE in below#1 of above#1 makes below.double
shapes#1 COMPLETE
shapes.add up#1 COMPLETE in shapes#1 reads shapes.scale#1, shapes.scale#2 makes shapes.add up
shapes.fetch#1 FAIL in shapes#1 | ConnectionError: attempt 1
shapes.fetch#2 FAIL in shapes#1 | ConnectionError: attempt 2
shapes.fetch#3 COMPLETE in shapes#1 makes shapes.fetch
shapes.remembered#1 COMPLETE in shapes#1 makes shapes.remembered
shapes.remembered#2 COMPLETE cached in shapes#1
shapes.scale#1 COMPLETE in shapes#1 reads shapes.fetch#3 makes shapes.scale
shapes.scale#2 COMPLETE in shapes#1 reads shapes.fetch#3 makes shapes.scale
shapes.use#1 COMPLETE in shapes#1 reads shapes.remembered#1
shapes.use#2 COMPLETE in shapes#1 reads shapes.remembered#1
untouched#1 FAIL | ValueError: no such column: age
untouched#2 FAIL | ValueError: no such column: age
untouched.broken#1 FAIL in untouched#1 | ValueError: no such column: age
untouched.broken#2 FAIL in untouched#1 | ValueError: no such column: age
untouched.broken#3 FAIL in untouched#2 | ValueError: no such column: age
untouched.broken#4 FAIL in untouched#2 | ValueError: no such column: age
untouched.helper#1 COMPLETE in untouched#1 makes untouched.helper
untouched.helper#2 COMPLETE in untouched#2 makes untouched.helper
"""


def test_each_shape_of_a_flow_is_what_prefect_ran_and_watching_adds_nothing(prefect: Prefect) -> None:
    flows = ("above", "below", "shapes", "untouched")
    prefect.run("shapes.py")
    prefect.wait_for_runs(22)
    assert "\n".join(story(prefect.project)) == SHAPES.strip()

    # Ids, names, parents and states that the subscriber tells are those that were told already.
    eventually(lambda: prefect.watch()["records"] >= 2 * 22, 60, "every event in Prefect's database")
    assert "\n".join(story(prefect.project, *flows)) == SHAPES.strip()
    digest = prefect.project.get("/graph/digest")
    prefect.watch()
    assert prefect.project.get("/graph/digest") == digest
