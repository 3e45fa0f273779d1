"""What a task returns may be big: the task does not wait for its digest."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lineage import tracked_task
from lineage.testing import recording


@pytest.mark.parametrize(
    "value",
    [
        {str(number): number for number in range(200_000)},
        [[number] * 10 for number in range(100_000)],
        ["a" * 1_000_000] * 100,
        bytearray(100_000_000),
    ],
    ids=["dict", "lists", "texts", "bytes"],
)
def test_a_big_value_gets_no_digest_and_the_task_does_not_wait(value: Any) -> None:
    @tracked_task
    def make() -> Any:
        return value

    @tracked_task
    def take(rows: Any) -> None:
        pass

    with recording() as events:
        begin = time.thread_time()
        take(make())
        took = time.thread_time() - begin
    assert took < 0.2
    made, taken = events.run("make"), events.run("take")
    assert all("weftline_digest" not in output.get("facets", {}) for output in made.outputs)
    assert "too big for a digest" in str(made.facets["weftline_run"]["missing"])
    if made.outputs:  # what allows no weak reference and is too big to be kept is not followed
        assert taken.inputs[0]["inputFacets"]["weftline_passed"]["run"]["runId"] == made.id
