"""Edges nobody declared: values are followed by identity, and never further than identity proves."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage import passing, tracked_flow, tracked_task
from lineage.testing import RecordingSink, recording


@pytest.fixture
def events() -> Iterator[RecordingSink]:
    with recording() as sink:
        yield sink


@tracked_task
def give(make: Callable[[], Any]) -> Any:
    return make()


@tracked_task
def take(*values: Any, **named: Any) -> None:
    pass


def edges(sink: RecordingSink, job: str = "take") -> list[tuple[str, str]]:
    """(dataset, argument) of passed inputs of the last run of `job`."""
    run = [run for run in sink.runs if run.job == job][-1]
    return [
        (entry["name"], entry["inputFacets"]["weftline_passed"]["argument"])
        for entry in run.inputs
        if "weftline_passed" in entry.get("inputFacets", {})
    ]


class Plain:
    pass


@dataclass
class Split:
    train: Any
    test: Any
    share: float = 0.8


class Pair(NamedTuple):
    left: Any
    right: Any


class Slotted:
    __slots__ = ("value",)


class Colour(Enum):
    RED = 1


def frame() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})


FOLLOWED: list[Callable[[], Any]] = [
    frame,
    lambda: pl.DataFrame({"a": [1, 2]}),
    lambda: pa.table({"a": [1, 2]}),
    lambda: np.arange(10),
    lambda: Plain(),
    lambda: {"lr": 0.1},
    dict,
    list,
    lambda: [1, 2, 3],
    lambda: [{"id": i, "name": f"n{i}"} for i in range(3)],
    lambda: [{"id": i, "name": f"n{i}"} for i in range(5000)],
    lambda: [float(i) / 7 for i in range(300_000)],
    lambda: {f"key {i}": f"value {i}" for i in range(5000)},
    lambda: (i / 7 for i in range(3)),
    lambda: "".join(["data", "/", "raw.csv"]),
    lambda: Path("data") / "raw.csv",
    lambda: b"x".join([b"a", b"b"]),
    lambda: ("ab" * 2_000_000).upper(),
    lambda: 0.1 + float(np.random.default_rng(0).random()),
    lambda: int("123456"),
    lambda: np.float64(0.25),
    lambda: {1, 2, 3},
    lambda: bytearray(b"abc"),
    lambda: lambda x: x,
    lambda: Pair(frame(), frame()),
    lambda: (1000, "".join(["some text ", "here"])),
]


@pytest.mark.parametrize("make", FOLLOWED)
def test_a_value_is_followed(events: RecordingSink, make: Callable[[], Any]) -> None:
    value = give(make)
    take(value)
    assert edges(events)
    passed = events.run("take").inputs[0]["inputFacets"]["weftline_passed"]
    assert passed["run"]["runId"] == events.run("give").id
    assert passed["job"] == {"namespace": "default", "name": "give"}
    told = {entry["name"] for entry in events.run("give").outputs}
    assert {name for name, _ in edges(events)} <= told


NOT_FOLLOWED: list[Callable[[], Any]] = [
    lambda: None,
    lambda: True,
    lambda: 7,
    lambda: "",
    lambda: "a",
    lambda: "identifier",
    lambda: (),
    lambda: frozenset(),
    lambda: float("nan"),
    lambda: Colour.RED,
    lambda: Plain,
    lambda: json,
    lambda: frame,
    lambda: len,
    lambda: ...,
    lambda: NotImplemented,
    lambda: Slotted(),
    lambda: [True] * 300_000,
    lambda: [0] * 300_000,
    lambda: pd.NA,
    lambda: np.bool_(True),
]


@pytest.mark.parametrize("make", NOT_FOLLOWED)
def test_what_identity_does_not_prove_is_no_edge(events: RecordingSink, make: Callable[[], Any]) -> None:
    value = give(make)
    take(value)
    assert edges(events) == []
    assert events.run("give").outputs == []


def test_equal_is_not_the_same(events: RecordingSink) -> None:
    value = give(lambda: [1, 2, 3])
    take([1, 2, 3], list(value), value.copy())
    assert edges(events) == []


@tracked_task
def literal() -> str:
    return "data/raw file.csv"


@tracked_task
def computed() -> Any:
    return PATHS["x"]


PATHS: dict[str, Any] = {}
GLOBAL_PATH = "/data/" + str(len(PATHS)) + "/raw.csv"


def test_a_literal_is_the_callers_as_much_as_the_tasks(events: RecordingSink) -> None:
    take(literal())
    assert edges(events) == []
    PATHS["x"] = GLOBAL_PATH
    take(computed())
    assert edges(events) == []
    path = "a literal of this very function"
    PATHS["x"] = path
    take(computed())
    assert edges(events) == []


def test_containers_are_looked_into_one_level(events: RecordingSink) -> None:
    first, second, third, fourth = (give(frame) for _ in range(4))
    take([first], {"x": second}, named=Split(third, None))
    assert edges(events) == [("give", "values[0][0]"), ("give", "values[1][x]"), ("give", "named[train]")]
    runs = [entry["inputFacets"]["weftline_passed"]["run"]["runId"] for entry in events.run("take").inputs]
    assert runs == [run.id for run in events.runs if run.job == "give"][:3]
    with recording() as again:
        take([[fourth]])
    assert edges(again) == []


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: (frame(), frame()), ["give[0]", "give[1]"]),
        (lambda: (["some", "rows"], ["more", "rows"]), ["give[0]", "give[1]"]),
        (lambda: {"train": frame(), "test": frame()}, ["give[train]", "give[test]"]),
        (lambda: {"a b": frame()}, ["give[0]"]),
        (lambda: Split(frame(), frame()), ["give[train]", "give[test]", "give[share]"]),
        (lambda: Pair(frame(), None), ["give[0]"]),
        (lambda: {"auc": 0.1, "f1": 0.2}, ["give"]),
        (lambda: [frame(), frame()], ["give"]),
        (lambda: (0.5, 0.25 + float(np.e)), ["give"]),
    ],
)
def test_what_is_going_to_be_unpacked_has_a_dataset_for_each_part(
    events: RecordingSink, make: Callable[[], Any], names: list[str]
) -> None:
    give(make)
    assert [entry["name"] for entry in events.run("give").outputs] == names


def test_unpacked_parts_are_followed_one_by_one(events: RecordingSink) -> None:
    train, test = give(lambda: (frame(), frame()))
    take(test)
    assert edges(events) == [("give[1]", "values[0]")]
    take(train)
    assert edges(events) == [("give[0]", "values[0]")]


def test_a_tuple_handed_on_whole_brings_all_its_parts(events: RecordingSink) -> None:
    both = give(lambda: (frame(), frame()))
    take(both)
    assert edges(events) == [("give[0]", "values[0]"), ("give[1]", "values[0]")]


def test_members_of_a_list_are_parts_of_it(events: RecordingSink) -> None:
    frames = give(lambda: [frame(), frame()])
    take(frames[1])
    assert edges(events) == [("give", "values[0]")]


def test_a_list_that_grew_by_another_tasks_result_brings_both(events: RecordingSink) -> None:
    rows = give(lambda: [frame()])
    rows.append(give(frame))
    take(rows)
    runs = [run.id for run in events.runs if run.job == "give"]
    passed = [entry["inputFacets"]["weftline_passed"] for entry in events.run("take").inputs]
    assert [(item["run"]["runId"], item["argument"]) for item in passed] == [
        (runs[0], "values[0][0]"),
        (runs[1], "values[0][1]"),
    ]


def test_what_came_inside_a_value_is_no_edge_of_its_own(events: RecordingSink) -> None:
    @tracked_task
    def halve(rows: list[Any]) -> list[Any]:
        return rows[:2]

    take(halve(give(lambda: [{"id": i} for i in range(4)])))
    assert edges(events) == [("halve", "values[0]")]
    assert edges(events, "halve") == [("give", "rows")]


def test_the_edge_names_the_run_and_leaves_the_version_to_it(events: RecordingSink) -> None:
    take(give(frame))
    output = events.run("give").outputs[0]["facets"]["weftline_digest"]
    assert output["exact"] is True
    assert "facets" not in events.run("take").inputs[0]


def test_values_of_two_runs_of_one_job_are_two_inputs(events: RecordingSink) -> None:
    take([give(frame), give(lambda: pd.DataFrame({"c": [1]}))])
    runs = [entry["inputFacets"]["weftline_passed"]["run"]["runId"] for entry in events.run("take").inputs]
    assert runs == [run.id for run in events.runs if run.job == "give"]


def test_a_value_changed_on_its_way_keeps_its_edge_which_says_so(events: RecordingSink) -> None:
    changed, kept = give(frame), give(frame)
    changed["a"] = [9, 9]
    take(changed, kept)
    passed = [entry["inputFacets"]["weftline_passed"] for entry in events.run("take").inputs]
    assert [facet.get("changed") for facet in passed] == [True, None]


def test_the_last_run_that_returned_an_object_is_its_origin(events: RecordingSink) -> None:
    @tracked_task
    def mend(table: pd.DataFrame) -> pd.DataFrame:
        table["a"] = 0
        return table

    take(mend(give(frame)))
    assert edges(events) == [("mend", "values[0]")]
    assert edges(events, "mend") == [("give", "table")]


def test_a_run_that_returns_what_an_inner_run_returned_has_it_as_input(events: RecordingSink) -> None:
    @tracked_flow
    def flow() -> Any:
        return give(frame)

    take(flow())
    assert edges(events, "flow") == [("flow.give", "return")]
    assert edges(events) == [("flow", "values[0]")]


def test_a_run_has_no_edge_to_itself(events: RecordingSink) -> None:
    @tracked_task
    def same(value: Any) -> Any:
        return value

    same(frame())
    assert events.run("same").inputs == []


def test_a_value_a_generator_yields_is_followed(events: RecordingSink) -> None:
    @tracked_task
    def chunks() -> Iterator[pd.DataFrame]:
        for _ in range(2):
            yield frame()

    for chunk in chunks():
        take(chunk)
    takes = [run for run in events.runs if run.job == "take"]
    assert [entry["name"] for run in takes for entry in run.inputs] == ["chunks", "chunks"]
    assert [entry["name"] for entry in events.run("chunks").outputs] == ["chunks"]


def test_self_is_followed(events: RecordingSink) -> None:
    class Model:
        @tracked_task
        def fit(self) -> Model:
            return self

        @tracked_task
        def predict(self) -> None:
            pass

    Model().fit().predict()
    assert edges(events, "Model.predict") == [("Model.fit", "self")]


class Lazy(list[Any]):
    """A list that loads something whenever it is looked at."""

    def _load(self, *_: Any) -> Any:
        raise AssertionError("looked at")

    __iter__ = __getitem__ = __len__ = __contains__ = __eq__ = __repr__ = _load


@dataclass(slots=True)
class Slim:
    table: Any


def test_looking_into_a_value_runs_none_of_its_code(events: RecordingSink) -> None:
    lazy = give(lambda: Lazy([frame()]))
    take(lazy)
    assert edges(events) == [("give", "values[0]")]
    inner = give(frame)
    take(Lazy([inner]))
    assert edges(events) == [("give", "values[0][0]")]
    take(Slim(inner))
    assert edges(events) == [("give", "values[0][table]")]


@pytest.mark.parametrize("make", [frame, lambda: np.zeros(10), Plain, lambda: [frame()], lambda: {"x": frame()}])
def test_nothing_is_kept_alive(events: RecordingSink, make: Callable[[], Any]) -> None:
    value = give(make)
    inner = value[0] if type(value) is list else value["x"] if type(value) is dict else value
    alive = weakref.ref(inner)
    del value, inner
    gc.collect()
    assert alive() is None


def test_a_plain_list_that_grows_by_something_big_is_let_go(events: RecordingSink) -> None:
    rows = give(list)
    rows.append(frame())
    alive = weakref.ref(rows[0])
    del rows
    for _ in range(20):
        give(lambda: [1, 2])
    gc.collect()
    assert alive() is None


def test_the_register_is_bounded(events: RecordingSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passing, "MAX_ENTRIES", 100)
    monkeypatch.setattr(passing, "MAX_BYTES", 100_000)
    first = give(lambda: ["text" * 50])
    for _ in range(300):
        give(lambda: ["text" * 50])
    assert len(passing._register.entries) <= 100
    big = [give(lambda: ["text" * 2000]) for _ in range(30)]
    assert passing._register.bytes <= 100_000
    take(first)
    assert edges(events) == []
    take(big[-1])
    assert edges(events) == [("give", "values[0]")]


def test_an_address_used_again_is_another_object(events: RecordingSink) -> None:
    hits = 0
    for _ in range(100):
        address = id(give(frame))
        other = frame()
        hits += id(other) == address
        take(other)
        big = give(lambda: [float(i) for i in range(5000)])
        address = id(big)
        del big
        again = [float(i) for i in range(5000)]
        hits += id(again) == address
        take(again)
    assert all(run.inputs == [] for run in events.runs if run.job == "take")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=12))
def test_edges_are_exactly_what_was_handed_over(steps: list[tuple[int, bool]]) -> None:
    """A pool of values; each step hands one on, through a task that makes a new one or around it."""
    with recording() as sink:
        pool: list[Any] = [frame() for _ in range(5)]
        expected: list[list[str]] = []
        producer: list[str | None] = [None] * 5
        for index, tracked in steps:
            if tracked:
                take(pool[index])
                origin = producer[index]
                expected.append([] if origin is None else [origin])
                pool[index] = give(frame)
                producer[index] = [run for run in sink.runs if run.job == "give"][-1].id
            else:
                pool[index] = pool[index].copy()
                producer[index] = None
        takes = [run for run in sink.runs if run.job == "take"]
        found = [[e["inputFacets"]["weftline_passed"]["run"]["runId"] for e in run.inputs] for run in takes]
        assert found == expected
