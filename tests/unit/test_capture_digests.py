"""Digests of values: the same content has the same one everywhere, anything that differs shows."""

from __future__ import annotations

import math
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage import columns, frames_arrow, frames_pandas, frames_polars
from lineage.digests import DatasetDescription, describe_value


def described(value: Any) -> DatasetDescription:
    found = describe_value(value)
    assert found is not None, f"a {type(value).__name__} has no description"
    return found


def digest(value: Any) -> str:
    found = described(value).digest
    assert found is not None
    return found


def rows_digest(value: Any) -> str | None:
    content = described(value).content
    assert content is not None
    return content.rows_digest


_CELLS: dict[str, st.SearchStrategy[list[Any]]] = {}


def _tables(minimum: int = 0) -> st.SearchStrategy[dict[str, list[Any]]]:
    """Columns of one length: integers, floats, text and booleans, with nulls."""

    def of_length(rows: int) -> st.SearchStrategy[dict[str, list[Any]]]:
        def column(cells: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
            return st.lists(st.none() | cells, min_size=rows, max_size=rows)

        return st.fixed_dictionaries(
            {
                "i": column(st.integers(-(2**63), 2**63 - 1)),
                "f": column(st.floats()),
                "s": column(st.text(st.characters(exclude_categories=["Cs"]), max_size=8)),
                "b": column(st.booleans()),
            }
        )

    return st.integers(minimum, 12).flatmap(of_length)


def _pandas(table: dict[str, list[Any]]) -> pd.DataFrame:
    kinds = {"i": "Int64", "f": "float64", "s": "str", "b": "boolean"}
    return pd.DataFrame({name: pd.array(values, dtype=kinds[name]) for name, values in table.items()})


def _polars(table: dict[str, list[Any]]) -> pl.DataFrame:
    kinds = {"i": pl.Int64, "f": pl.Float64, "s": pl.String, "b": pl.Boolean}
    return pl.DataFrame({name: pl.Series(name, values, dtype=kinds[name]) for name, values in table.items()})


def _arrow(table: dict[str, list[Any]]) -> pa.Table:
    kinds = {"i": pa.int64(), "f": pa.float64(), "s": pa.string(), "b": pa.bool_()}
    return pa.table({name: pa.array(values, kinds[name]) for name, values in table.items()})


MAKERS = {"pandas": _pandas, "polars": _polars, "arrow": _arrow}


@pytest.mark.parametrize("library", MAKERS)
@given(table=_tables(2), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_order_counts_for_the_exact_digest_and_not_for_the_rows(
    library: str, table: dict[str, list[Any]], seed: int
) -> None:
    make = MAKERS[library]
    order = list(range(len(table["i"])))
    random.Random(seed).shuffle(order)
    other = {name: [values[i] for i in order] for name, values in table.items()}
    one, two = make(table), make(other)
    assert digest(make(table)) == digest(one)
    assert rows_digest(one) == rows_digest(two) is not None
    assert (digest(one) == digest(two)) == (_as_written(table) == _as_written(other))


def _as_written(table: dict[str, list[Any]]) -> str:
    return repr({name: ["nan" if v != v else v for v in values] for name, values in table.items()})


@pytest.mark.parametrize("library", MAKERS)
@given(table=_tables(1), data=st.data())
@settings(max_examples=30, deadline=None)
def test_one_other_value_is_another_digest(library: str, table: dict[str, list[Any]], data: st.DataObject) -> None:
    make = MAKERS[library]
    row = data.draw(st.integers(0, len(table["i"]) - 1))
    name = data.draw(st.sampled_from(["i", "s", "b"]))
    other = {column: list(values) for column, values in table.items()}
    replacement: dict[str, Any] = {"i": 7, "s": "other", "b": True}
    other[name][row] = None if table[name][row] == replacement[name] else replacement[name]
    assert digest(make(table)) != digest(make(other))
    assert rows_digest(make(table)) != rows_digest(make(other))


def test_names_types_and_column_order_count() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [3.0, 4.0]})
    others = [
        frame.rename(columns={"a": "c"}),
        frame.astype({"a": "int32"}),
        frame.astype({"a": "float64"}),
        frame.astype({"a": "Int64"}),
        frame.astype({"a": "category"}),
        frame.astype({"a": "str"}),
        frame.astype({"a": object}),
        frame[["b", "a"]],
        frame.set_index("a"),
        frame.set_axis([5, 6], axis=0),
        frame.rename_axis("row"),
        frame.rename(columns={"a": 1}),
        frame.rename(columns={"a": "1"}),
        frame.iloc[:1],
        frame.iloc[:0],
        frame.T,
        pl.from_pandas(frame),
        pa.Table.from_pandas(frame),
        frame["a"],
        frame.to_numpy(),
    ]
    digests = [digest(each) for each in (frame, *others)]
    assert len(set(digests)) == len(digests)


def test_an_index_that_only_numbers_rows_is_no_part_of_them() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3]})
    shuffled = frame.sample(frac=1, random_state=1)
    assert rows_digest(shuffled) == rows_digest(frame) == rows_digest(shuffled.reset_index(drop=True))
    dated = frame.set_axis(pd.date_range("2024-01-01", periods=3), axis=0)
    assert rows_digest(dated) == rows_digest(dated.iloc[::-1])
    assert rows_digest(dated) != rows_digest(frame)
    assert digest(dated) != digest(dated.iloc[::-1])


def test_how_a_library_keeps_its_values_does_not_count() -> None:
    arrow = pa.table({"s": ["a", None, "ccc", ""], "l": [[1], [], None, [2, 3]], "i": [1, None, 3, 4]})
    chunked = pa.concat_tables([arrow.slice(0, 1), arrow.slice(1, 2), arrow.slice(3)])
    padded = pa.concat_tables([arrow.slice(2), arrow, arrow]).slice(2, 4)
    rebuilt = arrow.take(pa.array([3, 2, 1, 0])).take(pa.array([3, 2, 1, 0]))
    assert len({digest(each) for each in (arrow, chunked, padded, rebuilt)}) == 1
    polars = pl.DataFrame(
        {"s": ["a", None, "ccc"], "i": [1, None, 3], "c": pl.Series(["x", "y", "x"], dtype=pl.Categorical)}
    )
    joined = pl.concat([polars.slice(0, 1), polars.slice(1)], rechunk=False)
    assert joined.n_chunks() == 2
    assert digest(joined) == digest(polars)
    python = pd.array(["a", None, "ü"], dtype=pd.StringDtype("python", na_value=np.nan))
    in_arrow = pd.array(["a", None, "ü"], dtype=pd.StringDtype("pyarrow", na_value=np.nan))
    assert digest(pd.Series(python)) == digest(pd.Series(in_arrow))
    wide = np.arange(12).reshape(3, 4)
    assert digest(wide) == digest(np.asfortranarray(wide)) == digest(wide[::-1][::-1])
    assert digest(wide) == digest(wide.astype(">i8")), "byte order is storage"
    assert digest(pd.DataFrame(wide)) == digest(pd.DataFrame(np.asfortranarray(wide)))


def test_nans_are_one_and_nulls_are_not_nans() -> None:
    payload = np.frombuffer(b"\x01\0\0\0\0\0\xf8\xff", dtype="<f8")
    assert math.isnan(payload[0])
    assert digest(payload) == digest(np.array([np.nan]))
    assert digest(float("nan")) == digest(-float("nan"))
    assert digest(pa.array([float("nan")])) != digest(pa.array([None], pa.float64()))
    assert digest(pl.Series([float("nan")])) != digest(pl.Series([None], dtype=pl.Float64))
    assert digest(0.0) != digest(-0.0)


PANDAS_ARRAYS: dict[str, Any] = {
    "category": lambda: pd.Categorical(["u", None, "v"], categories=["v", "u", "w"], ordered=True),
    "timezone": lambda: pd.array(pd.to_datetime(["2024-01-01", None, "2024-03-01"]).tz_localize("Europe/Berlin")),
    "naive": lambda: pd.array(pd.to_datetime(["2024-01-01", None, "2024-03-01"])),
    "timedelta": lambda: pd.array(pd.to_timedelta(["1D", None, "2h"])),
    "period": lambda: pd.array(pd.PeriodIndex(["2024-01", "NaT", "2024-03"], freq="M")),
    "interval": lambda: pd.array(pd.interval_range(0, 3)),
    "sparse": lambda: pd.arrays.SparseArray([0.0, 0.0, 1.0]),
    "bool": lambda: pd.array([True, None, False], dtype="boolean"),
    "float": lambda: pd.array([1.5, None, 2.5], dtype="Float32"),
    "arrow": lambda: pd.array([1, None, 3], dtype=pd.ArrowDtype(pa.int32())),
    "arrow list": lambda: pd.array([[1], None, [2, 3]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    "objects": lambda: pd.array([{"a": [1, None]}, "x", 3], dtype=object),
    "decimal": lambda: pd.array([Decimal("1.10"), None, pd.NaT], dtype=object),
    "complex": lambda: np.array([1 + 2j, complex("nan"), 0]),
}


@pytest.mark.parametrize("kind", PANDAS_ARRAYS)
def test_every_kind_of_pandas_array_is_read(kind: str) -> None:
    values = PANDAS_ARRAYS[kind]()
    series = pd.Series(values)
    assert digest(series) == digest(pd.Series(PANDAS_ARRAYS[kind]()))
    assert digest(series) != digest(series.iloc[::-1].reset_index(drop=True))
    assert described(series).rows == 3


def test_categories_count_exactly_but_rows_compare_across_them() -> None:
    one = pd.Series(pd.Categorical(["u", "v"], categories=["u", "v"]))
    two = pd.Series(pd.Categorical(["u", "v"], categories=["v", "u", "w"]))
    assert digest(one) != digest(two)
    assert rows_digest(one) == rows_digest(two)


ARROW_TYPES = {
    "bool": pa.array([True, None, False]),
    "half": pa.array([np.float16(1.5), None], pa.float16()),
    "decimal": pa.array([Decimal("1.10"), None], pa.decimal128(5, 2)),
    "date": pa.array([date(2024, 1, 1), None]),
    "time": pa.array([datetime(2024, 1, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
    "binary": pa.array([b"a\0b", None, b""]),
    "fixed binary": pa.array([b"ab", None], pa.binary(2)),
    "view": pa.array(["a", None, "a longer piece of text"], pa.string_view()),
    "list": pa.array([[1, None], None, []], pa.list_(pa.int64())),
    "fixed list": pa.array([[1, 2], None], pa.list_(pa.int64(), 2)),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]),
    "map": pa.array([[("k", 1)], None, []], pa.map_(pa.string(), pa.int64())),
    "dictionary": pa.array(["a", None, "a"]).dictionary_encode(),
    "null": pa.nulls(3),
    "nested": pa.array([[{"a": [1]}], None, []], pa.list_(pa.struct([("a", pa.list_(pa.int32()))]))),
}


@pytest.mark.parametrize("kind", ARROW_TYPES)
def test_every_kind_of_arrow_array_is_read(kind: str) -> None:
    value = ARROW_TYPES[kind]
    again = pa.concat_arrays([value, value]).slice(len(value))
    assert digest(value) == digest(again) == digest(pa.chunked_array([value.slice(0, 1), value.slice(1)]))
    if kind != "null":
        assert digest(value) != digest(value.slice(1))


POLARS_TYPES = {
    "bool": pl.Series([True, None, False]),
    "u8": pl.Series([1, None], dtype=pl.UInt8),
    "i128": pl.Series([2**100, None], dtype=pl.Int128),
    "float32": pl.Series([1.5, None], dtype=pl.Float32),
    "decimal": pl.Series([Decimal("1.10"), None], dtype=pl.Decimal(5, 2)),
    "date": pl.Series([date(2024, 1, 1), None]),
    "datetime": pl.Series([datetime(2024, 1, 1), None], dtype=pl.Datetime("ns")),  # noqa: DTZ001
    "duration": pl.Series([timedelta(seconds=1), None]),
    "text": pl.Series(["a", None, "", "ü"]),
    "binary": pl.Series([b"a", None, b""]),
    "categorical": pl.Series(["a", None, "b"], dtype=pl.Categorical),
    "enum": pl.Series(["a", None, "b"], dtype=pl.Enum(["b", "a"])),
    "list": pl.Series([[1, None], None, []], dtype=pl.List(pl.Int64)),
    "array": pl.Series([[1, 2], None], dtype=pl.Array(pl.Int64, 2)),
    "struct": pl.Series([{"a": 1, "b": "x"}, {"a": None, "b": "y"}]),
    "null": pl.Series([None, None]),
}


@pytest.mark.parametrize("kind", POLARS_TYPES)
def test_every_kind_of_polars_series_is_read(kind: str) -> None:
    value = POLARS_TYPES[kind]
    again = pl.concat([value.head(1), value.tail(len(value) - 1)], rechunk=False)
    assert digest(value) == digest(again)
    if kind != "null":
        assert digest(value) != digest(value.tail(1))


def test_lists_and_their_borders_count() -> None:
    assert digest(pl.Series([[1], [2, 3]])) != digest(pl.Series([[1, 2], [3]]))
    assert digest(pl.Series([[], [None]], dtype=pl.List(pl.Int64))) != digest(
        pl.Series([[None], []], dtype=pl.List(pl.Int64))
    )
    assert digest(pa.array(["ab", "c"])) != digest(pa.array(["a", "bc"]))
    assert rows_digest(pa.array(["ab", "c"])) != rows_digest(pa.array(["a", "bc"]))
    assert digest(["ab", "c"]) != digest(["a", "bc"])


def test_containers_of_frames_are_read_through() -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    split = {"train": frame, "test": np.arange(3), "names": ["a"]}
    assert digest(split) == digest({**split, "train": frame.copy()})
    assert digest(split) != digest({**split, "train": frame * 2})
    assert digest((frame, 1)) != digest((frame, 2))
    assert described((frame, frame)).rows == 2


def test_rows_bytes_and_fields_are_told() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    found = described(frame)
    assert (found.rows, found.bytes is not None) == (3, True)
    assert found.facets["schema"]["fields"] == [{"name": "a", "type": "int64"}, {"name": "b", "type": "str"}]
    facet = found.facets["weftline_digest"]
    assert facet["algorithm"] == "sha256"
    assert facet["exact"] is True
    assert facet["value"] == found.digest
    assert facet["rows"] == 3
    assert len(facet["rowsDigest"]) == 64
    arrow = described(pa.table({"a": pa.array([1], pa.int8())}))
    assert arrow.facets["schema"]["fields"] == [{"name": "a", "type": "int8"}]


@pytest.mark.parametrize(
    ("module", "value"),
    [
        (frames_pandas, pd.DataFrame({"a": range(1000)})),
        (frames_polars, pl.DataFrame({"a": range(1000)})),
        (frames_arrow, pa.table({"a": list(range(300_000))})),
    ],
)
def test_above_the_cap_a_sample_is_told_as_a_sample(module: Any, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    found = described(value)
    assert found.content is not None
    assert found.content.exact is False
    assert found.digest is None
    assert "sampled" in str(found.facets["weftline_digest"]["note"])
    assert found.rows == len(value)
    assert digest_of_sample(value) == digest_of_sample(value)


def digest_of_sample(value: Any) -> str | None:
    content = described(value).content
    assert content is not None
    return content.value


def test_above_the_cap_rows_are_not_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame({"a": range(100)})
    monkeypatch.setattr(columns, "MAX_HASHED_VALUES", 99)
    assert rows_digest(frame) is None
    assert described(frame).digest is not None


def test_row_hashes_do_not_depend_on_how_text_is_cut_into_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(7)
    texts = ["".join(rng.choices("abcü", k=rng.choice([0, 1, 3, 50, 70_000]))) for _ in range(60)]
    whole = rows_digest(pa.array(texts))
    assert whole is not None
    monkeypatch.setattr(columns, "_SLICE", 64)
    assert rows_digest(pa.array(texts)) == whole
    rng.shuffle(texts)
    assert rows_digest(pa.array(texts)) == whole
