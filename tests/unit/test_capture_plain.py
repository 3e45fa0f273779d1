"""Digests of plain values, and of any value in another process: no hash of Python's own, no import, no user's code."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.digests import describe_value


def digest(value: Any) -> str:
    found = describe_value(value)
    assert found is not None, f"a {type(value).__name__} has no description"
    assert found.digest is not None
    return found.digest


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass
class Options:
    lr: float
    layers: list[int]


Point = namedtuple("Point", "x y")

PLAIN: list[Any] = [
    0,
    1,
    -1,
    2**70,
    True,
    False,
    0.0,
    1.0,
    -0.5,
    float("inf"),
    float("nan"),
    1 + 2j,
    "",
    "1",
    "a",
    "\ud800",
    b"1",
    [],
    (),
    {},
    set(),
    frozenset(),
    [1],
    (1,),
    {1},
    frozenset({1}),
    {"a": 1},
    {"a": 1.0},
    {"a": True},
    {1: "a"},
    {"1": "a"},
    [[1], 2],
    [1, [2]],
    [None],
    date(2024, 1, 1),
    datetime(2024, 1, 1, tzinfo=UTC),
    timedelta(1),
    Decimal("1"),
    Decimal("1.0"),
    UUID(int=1),
    Path("a"),
    range(3),
    Colour.RED,
    Colour.BLUE,
    Options(0.1, [1]),
    Options(0.1, [2]),
    Point(1, 2),
    Point(2, 1),
    ...,
]


def test_plain_values_differ_by_content_and_type() -> None:
    # A set and a frozenset of the same values, and text of bytes, are the only ones that may agree.
    digests: dict[str, Any] = {}
    for value in PLAIN:
        found = digest(value)
        clash = digests.setdefault(found, value)
        assert clash is value or {type(clash), type(value)} == {set, frozenset}, f"{clash!r} and {value!r}"


def test_order_of_dictionaries_and_sets_does_not_count_that_of_lists_does() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest(OrderedDict(a=1)) == digest({"a": 1})
    assert digest({3, 1, 2}) == digest({2, 3, 1})
    assert digest([1, 2]) != digest([2, 1])


def test_an_aware_time_is_its_instant() -> None:
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    assert digest(noon) == digest(noon.astimezone(timezone(timedelta(hours=5))))
    assert digest(noon) != digest(noon.replace(tzinfo=None))


def test_bytes_have_the_digest_of_a_file_that_holds_them() -> None:
    assert digest(b"abc") == hashlib.sha256(b"abc").hexdigest()
    assert digest(bytearray(b"abc")) == digest(memoryview(b"abc")) == digest(b"abc")
    assert digest(memoryview(b"aXbXcX")[::2]) == digest(b"abc")


_SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.floats()


@given(st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=15))
@settings(deadline=None)
def test_json_like_values_have_the_digest_of_their_copy(value: Any) -> None:
    copied = json.loads(json.dumps(value))
    one, two = describe_value(value), describe_value(copied)
    assert (one is None) == (value is None)
    if one is not None and two is not None:
        assert one.digest == two.digest


class Sneaky(list[int]):
    def __iter__(self) -> Any:
        raise RuntimeError("our code must not iterate a subclass")


def test_what_cannot_be_read_safely_has_no_description() -> None:
    class Opaque:
        """Anything of a user's: reading it could run code."""

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("our code must not compare")

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("our code must not look for attributes")

        __hash__ = object.__hash__

    values: list[Any] = [None, Opaque(), [Opaque()], {"a": Opaque()}, Sneaky([1]), lambda: 1, iter([1]), open]
    values += [(i for i in [1]), pl.LazyFrame({"a": [1]})]
    for value in values:
        assert describe_value(value) is None


def test_values_that_refer_to_themselves_or_never_end_have_no_description() -> None:
    loop: list[Any] = []
    loop.append(loop)
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert describe_value(loop) is None
    assert describe_value(deep) is None


PROGRAM = """
import sys, random
import numpy as np, pandas as pd, polars as pl, pyarrow as pa
from lineage.digests import describe_value
frame = pd.DataFrame({"i": [3, 1, 2], "f": [0.1, float("nan"), -1.0], "s": ["x", None, "ü"],
                      "c": pd.Categorical(["a", "b", "a"]),
                      "d": pd.to_datetime(["2024-01-01", None, "2025-01-01"]), "o": [{"k": {1, 2, "z"}}, [1], None]})
from sklearn.tree import DecisionTreeClassifier
from sklearn.ensemble import RandomForestClassifier
X = np.random.default_rng(0).random((50, 3)); y = (X[:, 0] > 0.5).astype(int)
values = [frame, pl.from_pandas(frame.drop(columns="o")), pa.Table.from_pandas(frame.drop(columns="o")), np.arange(5),
          {"b": {"x", "y", "z"}, "a": [1, 2.5, None]}, RandomForestClassifier(5, random_state=0).fit(X, y)]
for value in values:
    content = describe_value(value).content
    print(content.value, content.rows_digest)
"""


@pytest.mark.full
def test_another_process_finds_the_same_digests() -> None:
    def answers(seed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )
        return done.stdout

    first = answers("1")
    assert len(first.splitlines()) == 6
    assert "None" not in first.splitlines()[0]
    assert answers("2") == first


def test_no_library_is_imported_that_the_user_has_not() -> None:
    source = (
        "import sys, lineage.digests as d\n"
        "from lineage.datasets import Dataset\n"
        "d.describe_value({'a': [1, 2.0, 'x']}); d.describe_value(b'x'); d.describe_dataset(Dataset('/etc/hostname'))\n"
        "roots = {n.partition('.')[0] for n in sys.modules}\n"
        "print(sorted(roots & {'numpy', 'pandas', 'polars', 'pyarrow', 'sklearn'}))"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_polars_alone_gives_the_digest_it_gives_with_numpy_and_pyarrow() -> None:
    source = (
        "import sys\n{}"
        "import polars as pl\n"
        "from lineage.digests import describe_value\n"
        "data = {{'i': [1, None, 3], 'f': [0.5, float('nan'), None], 's': ['a', None, 'ü'], 'l': [[1], [], None]}}\n"
        "frame = pl.DataFrame(data)\n"
        "print(describe_value(frame).digest, 'numpy' in sys.modules)"
    )

    def answer(first: str) -> list[str]:
        command = [sys.executable, "-c", source.format(first)]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split()

    alone, together = answer(""), answer("import numpy, pyarrow\n")
    assert together[1] == "True"
    assert alone[0] == together[0]
