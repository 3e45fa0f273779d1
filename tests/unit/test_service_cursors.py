"""Cursors of lists and walks: what was made is read back, anything else is refused, whatever was changed in it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lineage_api.pagination import Cursors, capped
from lineage_api.problem import Kind, Problem
from lineage_graph.projection.catalog import COUNT_CAP

KEY = b"k" * 32
OURS = Cursors(KEY, b"one question")
PLACES = st.one_of(
    st.text(max_size=40),
    st.tuples(st.integers(-(2**53), 2**53), st.text(max_size=40)).map(list),
    st.lists(st.integers(0, 9)),
)


@given(PLACES)
def test_a_place_survives(place: Any) -> None:
    assert OURS.read(OURS.make(place)) == place


@given(PLACES, st.integers(min_value=0), st.characters(codec="utf-8"))
def test_a_changed_cursor_is_refused(place: Any, position: int, character: str) -> None:
    cursor = OURS.make(place)
    position %= len(cursor)
    changed = cursor[:position] + character + cursor[position + 1 :]
    assume(changed != cursor)
    with pytest.raises(Problem) as refused:
        OURS.read(changed)
    assert refused.value.kind is Kind.MALFORMED
    assert refused.value.errors[0]["path"] == "cursor"


@pytest.mark.parametrize("other", [Cursors(b"x" * 32, b"one question"), Cursors(KEY, b"another question")])
def test_another_key_or_question_refuses(other: Cursors) -> None:
    with pytest.raises(Problem, match="cursor"):
        other.read(OURS.make([1, "x"]))


@pytest.mark.parametrize("text", ["", "A", "!!!", "é", "A" * 4000, "AAAA" * 6])
def test_what_never_was_a_cursor_is_refused(text: str) -> None:
    with pytest.raises(Problem):
        OURS.read(text)


def test_no_cursor_is_the_beginning() -> None:
    assert OURS.read(None) is None


@pytest.mark.parametrize(
    ("counted", "text", "exact"),
    [(0, "0", True), (COUNT_CAP - 1, str(COUNT_CAP - 1), True), (COUNT_CAP, f"at least {COUNT_CAP}", False)],
)
def test_totals_are_exact_below_the_cap(counted: int, text: str, exact: bool) -> None:
    found = capped(counted)
    assert (found.text, found.exact) == (text, exact)
