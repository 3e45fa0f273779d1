"""Generators handed to another task: an edge, whether they have begun, will begin, or never do."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterable, Iterator

import pytest

from lineage import streams, tracked_flow, tracked_task
from lineage.testing import RecordingSink, recording


@pytest.fixture
def events() -> Iterator[RecordingSink]:
    with recording() as sink:
        yield sink


@tracked_task
def rows(n: int = 3) -> Iterator[int]:
    yield from range(1000, 1000 + n)


@tracked_task
def total(items: Iterable[int]) -> int:
    return sum(items)


@tracked_task
def ignore(items: Iterable[int], more: list[Iterable[int]] | None = None) -> None:
    pass


def passed(sink: RecordingSink, job: str) -> list[tuple[str, str, str]]:
    return [
        (
            entry["name"],
            entry["inputFacets"]["weftline_passed"]["run"]["runId"],
            entry["inputFacets"]["weftline_passed"]["argument"],
        )
        for entry in sink.run(job).inputs
    ]


def test_a_generator_begun_by_its_taker_is_the_takers_input(events: RecordingSink) -> None:
    assert total(rows()) == 3003
    stream = events.run("rows")
    assert passed(events, "total") == [("rows", stream.id, "items")]
    assert stream.parent is None
    assert [entry["name"] for entry in stream.outputs] == ["rows"]


def test_its_run_belongs_to_where_it_was_handed_over(events: RecordingSink) -> None:
    @tracked_flow
    def flow() -> int:
        return total(rows())

    flow()
    assert events.run("flow.rows").parent == events.run("flow").id
    assert passed(events, "flow.total") == [("flow.rows", events.run("flow.rows").id, "items")]


def test_a_generator_that_has_begun_is_an_input_at_once(events: RecordingSink) -> None:
    stream = rows()
    next(stream)
    ignore(stream)
    assert passed(events, "ignore") == [("rows", events.run("rows").id, "items")]


def test_a_generator_that_never_begins_is_no_input(events: RecordingSink) -> None:
    ignore(rows())
    gc.collect()
    assert [run.job for run in events.runs] == ["ignore"]
    assert events.run("ignore").inputs == []
    assert streams._claims == {}


def test_one_inside_a_list(events: RecordingSink) -> None:
    stream = rows()
    ignore([], [stream])
    assert list(stream) == [1000, 1001, 1002]
    assert passed(events, "ignore") == [("rows", events.run("rows").id, "more[0]")]


def test_two_takers_of_one_generator(events: RecordingSink) -> None:
    stream = rows()
    ignore(stream)
    total(stream)
    run = events.run("rows")
    assert passed(events, "ignore") == [("rows", run.id, "items")]
    assert passed(events, "total") == [("rows", run.id, "items")]


def test_two_generators_of_one_function_are_two_runs(events: RecordingSink) -> None:
    @tracked_task
    def both(left: Iterable[int], right: Iterable[int]) -> int:
        return sum(left) + sum(right)

    both(rows(1), rows(2))
    runs = [run.id for run in events.runs if run.job == "rows"]
    assert [(run, argument) for _, run, argument in passed(events, "both")] == [(runs[0], "left"), (runs[1], "right")]


def test_an_untracked_generator_is_nobodys(events: RecordingSink) -> None:
    total(number for number in range(3))
    assert events.run("total").inputs == []


async def test_an_asynchronous_generator(events: RecordingSink) -> None:
    @tracked_task
    async def ticks() -> AsyncIterator[int]:
        yield 1
        yield 2

    @tracked_task
    async def add(items: AsyncIterator[int]) -> int:
        return sum([item async for item in items])

    assert await add(ticks()) == 3
    (entry,) = events.run("add").inputs
    assert entry["inputFacets"]["weftline_passed"]["run"]["runId"] == events.runs[1].id
    assert events.runs[1].parent is None
