"""C12: whatever a user puts into an event, bytes come out, in time, valid, and marked where something was replaced."""

from __future__ import annotations

import datetime
import enum
import json
import math
import time
import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.emit_runs import EVENT
from lineage.emit.payload import MARKER, encode

LIMIT = 1 << 20


def carrying(value: Any) -> dict[str, Any]:
    return {**EVENT, "run": {"runId": "r", "facets": {"test": {"value": value}}}}


def carried(value: Any, limit: int = LIMIT) -> Any:
    return json.loads(encode(carrying(value), limit))["run"]["facets"]["test"]["value"]


class Hostile:
    def __repr__(self) -> str:
        time.sleep(60)
        raise RuntimeError("never asked for")

    __str__ = __repr__


class Colour(enum.Enum):
    RED = "red"


def nested(depth: int) -> dict[str, Any]:
    top: dict[str, Any] = {}
    inner = top
    for _ in range(depth):
        inner["x"] = {}
        inner = inner["x"]
    return top


def cycle() -> dict[str, Any]:
    ring: dict[str, Any] = {"name": "ring"}
    ring["self"] = ring
    return ring


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, "NaN"),
        ([1.5, math.inf, -math.inf], [1.5, "Infinity", "-Infinity"]),
        ({"a": None, "b": math.nan}, {"a": None, "b": "NaN"}),
        ("a\0b", "a\0b"),
        ("\ud800x", "\\ud800x"),
        ({"\udfff": 1}, {"\\udfff": 1}),
        (2**53 + 1, 2**53 + 1),
        (10**300, 10**300),
        (Hostile(), "<test_emit_payload.Hostile>"),
        (cycle(), {"name": "ring", "self": "<cycle>"}),
        (b"abc", "<3 bytes>"),
        (Path("/data/x.csv"), "/data/x.csv"),
        (Colour.RED, "red"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "2026-01-02T00:00:00+00:00"),
        ({1: "one", None: 2}, {"1": "one", "None": 2}),
        ([datetime.date(2026, 1, 2), "\ud800"], ["2026-01-02", "\\ud800"]),
    ],
)
def test_values_json_cannot_carry_are_replaced_readably(value: Any, expected: Any) -> None:
    assert carried(value) == expected


def test_an_integer_of_5000_digits_is_named_not_written() -> None:
    assert carried(10**4999) == "<integer of 16607 bits>"


@pytest.mark.parametrize(
    "value",
    ["x" * 100_000_000, {str(n): n for n in range(1_000_000)}, nested(100_000), [["y" * 10] * 1000] * 300],
    ids=["100 MB", "a million keys", "depth 100000", "three million items"],
)
def test_enormous_values_are_cut_with_a_marker_within_a_second(value: Any) -> None:
    event = carrying(value)
    started = time.process_time()
    data = encode(event, LIMIT)
    assert time.process_time() - started <= 1.0
    assert len(data) <= LIMIT
    document = json.loads(data)
    assert document["run"]["runId"] == "r"
    assert document["job"] == EVENT["job"]


def test_a_cut_event_says_how_large_it_was() -> None:
    document = json.loads(encode(carrying("x" * 3_000_000), LIMIT))
    assert document["run"]["facets"][MARKER]["bytes"] > 3_000_000


def test_names_survive_any_cut() -> None:
    name = "s/" + "n" * 3000
    event = carrying(["z" * 500] * 5000) | {"inputs": [{"namespace": "s3://b", "name": name}] * 50}
    document = json.loads(encode(event, 200_000))
    assert {dataset["name"] for dataset in document["inputs"]} == {name}


def test_an_event_of_nothing_but_names_still_fits() -> None:
    event = {**EVENT, "inputs": [{"namespace": "n" * 500, "name": f"{i}" * 300} for i in range(5000)]}
    data = encode(event, LIMIT)
    assert len(data) <= LIMIT
    assert json.loads(data)["run"] | {"facets": None} == EVENT["run"] | {"facets": None}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
def test_whatever_goes_in_comes_out_as_strict_utf8_json_on_one_line(value: Any) -> None:
    data = encode(carrying(value), LIMIT)
    data.decode("utf-8")
    assert b"\n" not in data
    assert orjson.loads(data)["job"] == EVENT["job"]


@given(
    st.recursive(
        st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(exclude_categories=["Cs"])), st.lists
    )
)
def test_ordinary_values_are_exact(value: Any) -> None:
    assert carried(value) == value


def test_what_is_not_an_event_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="mapping"):
        encode(["not", "an", "event"], LIMIT)  # type: ignore[arg-type]
