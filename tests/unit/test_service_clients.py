"""High-water marks: the ranges agree with a plain set of numbers, whatever the order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lineage_api.journal.clients import MAX_AHEAD, Settled

RANGES = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=40
)


def contiguous(numbers: set[int]) -> int:
    mark = 0
    while mark + 1 in numbers:
        mark += 1
    return mark


@given(RANGES)
def test_mark_and_membership_agree_with_a_set(ranges: list[tuple[int, int]]) -> None:
    settled, numbers = Settled(), set[int]()
    for first, last in ranges:
        settled.add(first, last)
        numbers.update(range(first, last + 1))
        assert settled.high_water == contiguous(numbers)
        assert all((number in settled) == (number in numbers) for number in range(1, 80))
    assert settled.ahead == sorted(settled.ahead)
    assert all(a[1] + 1 < b[0] for a, b in zip(settled.ahead, settled.ahead[1:], strict=False))


@given(RANGES, st.randoms())
def test_order_does_not_matter(ranges: list[tuple[int, int]], random: object) -> None:
    one, other = Settled(), Settled()
    shuffled = list(ranges)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for pair in ranges:
        one.add(*pair)
    for pair in shuffled:
        other.add(*pair)
    assert one == other


def test_in_order_numbers_keep_no_ranges() -> None:
    settled = Settled()
    for number in range(1, 1001):
        settled.add(number, number)
    assert (settled.high_water, settled.ahead) == (1000, [])


def test_scattered_numbers_are_bounded() -> None:
    settled = Settled()
    for number in range(2, 4 * MAX_AHEAD, 2):
        settled.add(number, number)
    assert len(settled.ahead) == MAX_AHEAD
    assert settled.high_water == 0


def test_a_copy_is_independent() -> None:
    settled = Settled()
    settled.add(3, 4)
    copy = settled.copy()
    settled.add(5, 6)
    assert (copy.ahead, settled.ahead) == ([[3, 4]], [[3, 6]])
