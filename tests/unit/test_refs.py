"""The REF grammar: what people type, what it means, and that writing and reading are inverses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.refs import (
    BadRef,
    DatasetRef,
    ModelRef,
    NodeRef,
    SubjectRef,
    WordRef,
    model_version,
    parse,
)

NODE = "run_abcdefghijklmnopqrstuvwxyz"
PARTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NODE, NodeRef(NODE)),
        ("chk_k3", NodeRef("chk_k3")),
        ("0196c0de", WordRef("0196c0de")),
        ("churn", WordRef("churn")),
        ("model:churn", ModelRef("churn")),
        ("model:churn@7", ModelRef("churn", "7")),
        ("model:churn@v7", ModelRef("churn", "7")),
        ("model:churn@production", ModelRef("churn", "@production")),
        ("model:churn@sha256:9f3c0000", ModelRef("churn", "sha256:9f3c0000")),
        ("model:a%40b@7", ModelRef("a@b", "7")),
        ("dataset:s3://lake#raw/users.csv", DatasetRef("s3://lake", "raw/users.csv")),
        ("dataset:file#/data/a%23b.csv@sha256:00", DatasetRef("file", "/data/a#b.csv", "sha256:00")),
        ("dataset:postgres://u%40h:5432#db.public.users", DatasetRef("postgres://u@h:5432", "db.public.users")),
        ("subject:customer-4711", SubjectRef("customer-4711")),
        ("s3://lake/raw/users.csv", WordRef("s3://lake/raw/users.csv")),
    ],
)
def test_each_form_means_one_thing(text: str, expected: object) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("churn", ModelRef("churn")),
        ("churn@production", ModelRef("churn", "@production")),
        ("0196c0de", ModelRef("0196c0de")),
        (NODE, NodeRef(NODE)),
    ],
)
def test_a_bare_word_is_a_model_where_a_model_is_asked_for(text: str, expected: object) -> None:
    assert parse(text, bare_model=True) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "model:",
        "model:a@",
        "model:a@b@c",
        "dataset:x",
        "dataset:#n",
        "dataset:n#",
        "dataset:a#b#c",
        "dataset:a@b#c",
        "dataset:a#b@",
        "dataset:a%zz#b",
        "dataset:a%ff#b",
        "subject:",
    ],
)
def test_what_does_not_parse_says_what_was_expected(text: str) -> None:
    with pytest.raises(BadRef, match=r"expected|empty|UTF-8|hexadecimal"):
        parse(text)


@pytest.mark.parametrize(
    ("word", "maybe"),
    [("0196c0de", True), ("0196c0de-aaaa-7bbb", True), ("0196", True), ("churn", False), ("abc", False)],
)
def test_words_of_the_shape_of_a_run_id_are_told_apart(word: str, maybe: bool) -> None:
    assert WordRef(word).maybe_run is maybe


@pytest.mark.parametrize(
    ("text", "expected"),
    [("007", "7"), ("v12", "12"), ("@7", "@7"), ("9f3c9f3c", "sha256:9f3c9f3c"), ("candidate", "@candidate")],
)
def test_model_versions_get_the_services_spelling(text: str, expected: str) -> None:
    assert model_version(text) == expected


@given(namespace=PARTS, name=PARTS, version=st.none() | PARTS)
def test_a_dataset_reference_survives_being_written_and_read(namespace: str, name: str, version: str | None) -> None:
    ref = DatasetRef(namespace, name, version)
    assert parse(str(ref)) == ref


@given(name=PARTS, version=st.none() | st.sampled_from(["7", "@production", "sha256:9f3c0000", "@a#b"]))
def test_a_model_reference_survives_being_written_and_read(name: str, version: str | None) -> None:
    ref = ModelRef(name, version)
    assert parse(str(ref)) == ref


@given(st.text(max_size=60))
def test_any_text_is_a_reference_or_a_refusal_with_words(text: str) -> None:
    try:
        answer = str(parse(text))
    except BadRef as refusal:
        answer = str(refusal)
    assert answer
