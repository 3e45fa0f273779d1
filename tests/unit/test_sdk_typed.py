"""Typed values: exact text there and back."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.typed import Typed, float_text, time_text, typed, typed_json


class Colour(Enum):
    RED = "red"
    BLUE = 2


@given(st.integers(min_value=-(10**800), max_value=10**800))
def test_integers_of_any_size_are_exact(value: int) -> None:
    found = typed(value)
    assert found is not None
    assert found.type == "int"
    assert int(found.text) == value


@given(st.floats())
def test_floats_read_back_as_the_same_float(value: float) -> None:
    text = float_text(value)
    back = float(text)
    assert (math.isnan(back) and math.isnan(value)) or (
        back == value and math.copysign(1, back) == math.copysign(1, value)
    )


def test_what_json_has_no_number_for_goes_by_name() -> None:
    assert [float_text(value) for value in (math.nan, math.inf, -math.inf)] == ["NaN", "Infinity", "-Infinity"]


@given(st.datetimes(timezones=st.timezones()))
def test_times_are_the_same_instant_in_utc_with_microseconds(value: datetime) -> None:
    try:
        expected = value.astimezone(UTC)
    except OverflowError:
        return
    text = time_text(value)
    assert len(text) == len("2026-01-01T00:00:00.000000Z")
    assert datetime.fromisoformat(text) == expected


def test_a_time_without_a_zone_is_local_time() -> None:
    naive = datetime(2026, 5, 1, 12, 0)  # noqa: DTZ001 - what users pass
    assert datetime.fromisoformat(time_text(naive)).timestamp() == naive.timestamp()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, Typed("bool", "true")),
        (False, Typed("bool", "false")),
        (2**53 + 1, Typed("int", "9007199254740993")),
        (0.1, Typed("float", "0.1")),
        ("tëxt", Typed("string", "tëxt")),
        (np.int64(2**62 + 1), Typed("int", str(2**62 + 1))),
        (np.float64(0.1), Typed("float", "0.1")),
        (np.bool_(True), Typed("bool", "true")),
        (np.array(3), Typed("int", "3")),
        (np.str_("a"), Typed("string", "a")),
        (Path("a/b"), Typed("string", "a/b")),
        (Colour.RED, Typed("string", "red")),
        (Colour.BLUE, Typed("string", "BLUE")),
        (Decimal("1.10"), Typed("string", "1.10")),
        (date(2026, 1, 2), Typed("string", "2026-01-02")),
        (
            datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))),
            Typed("datetime", "2026-01-02T02:00:00.000000Z"),
        ),
    ],
)
def test_scalars(value: Any, expected: Typed) -> None:
    assert typed(value) == expected


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, object(), b"x", 10**2000, np.array([1, 2]), 1j])
def test_what_is_no_scalar(value: Any) -> None:
    assert typed(value) is None


@pytest.mark.parametrize("value", [None, [1, 2.5, "a", None], {"b": [True], "a": {}}, (1, 2)])
def test_small_containers_become_json(value: Any) -> None:
    found = typed_json(value)
    assert found is not None
    assert found.type == "json"
    assert json.loads(found.text) == (list(value) if isinstance(value, tuple) else value)


def test_json_is_refused_where_it_would_be_big_or_inexact() -> None:
    loop: list[Any] = []
    loop.append(loop)
    for value in ([1] * 501, [math.nan], {1: 2}, [object()], loop, ["x" * 5000], {"a": {1, 2}}):
        assert typed_json(value) is None
