"""Spellings that real producers use for one thing become one name, the same in SDK and service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_graph.names import normalise

PARTS = st.one_of(
    st.text(min_size=1),
    st.sampled_from(
        ["file", "file://", "s3a://b", "hf://", "hf://datasets", "postgres://u:p@H/db", "abfss://c@a", "://"]
    ),
)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (("s3a://lake", "/raw/users.csv"), ("s3://lake", "raw/users.csv")),
        (("s3n://lake", "raw/users.csv"), ("s3://lake", "raw/users.csv")),
        (("file", "//data//raw.csv"), ("file", "/data/raw.csv")),
        (("file://", "/data/raw.csv"), ("file", "/data/raw.csv")),
        (("postgresql://ana:secret@DB/shop", "public.users"), ("postgres://db:5432", "shop.public.users")),
        (("postgres://db:5432", "shop.public.users"), ("postgres://db:5432", "shop.public.users")),
        (("https://host:443", "/a.csv"), ("https://host", "/a.csv")),
        (("duckdb://sample.duckdb", "sample.main.features"), ("duckdb://sample.duckdb", "sample.main.features")),
        (("food_delivery", "orders"), ("food_delivery", "orders")),
    ],
)
def test_one_spelling(sent: tuple[str, str], kept: tuple[str, str]) -> None:
    assert normalise(*sent) == kept


@given(PARTS, PARTS)
def test_any_name_has_a_spelling_that_stays(namespace: str, name: str) -> None:
    kept = normalise(namespace, name)
    assert all(kept)
    assert normalise(*kept) == kept


@pytest.mark.parametrize("namespace", ["sqlite:///shop.db", "duckdb:///data/shop.duckdb", "sqlite:////etc/passwd"])
def test_the_service_never_looks_at_a_clients_path(namespace: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    before = normalise(namespace, "main.users")
    (tmp_path / "shop.db").touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "shop.duckdb").touch()
    normalise.cache_clear()
    assert normalise(namespace, "main.users") == before
    assert str(tmp_path) not in before[0]
