"""When to try again: full jitter within its cap, and what the server asks for, within 10 % and an hour."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.emit.backoff import CAP_SECONDS, LONGEST_RETRY_AFTER, Backoff, retry_after

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1000000000", LONGEST_RETRY_AFTER),
        ("9" * 400, LONGEST_RETRY_AFTER),
        (format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True), 90.0),
        (format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True), 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_RETRY_AFTER),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e9", None),
        ("٣", None),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(text: str | None, expected: float | None) -> None:
    assert retry_after(text, NOW) == (None if expected is None else pytest.approx(expected))


@given(st.text(max_size=40))
def test_no_header_makes_us_wait_for_ever(text: str) -> None:
    found = retry_after(text, NOW)
    assert found is None or 0 <= found <= LONGEST_RETRY_AFTER


@given(st.floats(0, 1e9), st.integers(0, 2**32))
def test_what_the_server_asks_for_is_obeyed_within_ten_percent(wish: float, seed: int) -> None:
    backoff = Backoff(random.Random(seed))
    backoff.failed(100.0, wish)
    asked = min(wish, LONGEST_RETRY_AFTER)
    assert asked - 1e-9 <= backoff.remaining(100.0) <= asked * 1.1 + 1e-9


def test_waiting_times_are_spread_over_the_whole_range_and_capped() -> None:
    rng = random.Random(3)
    waits = []
    for _ in range(400):
        backoff = Backoff(rng)
        for _ in range(12):
            backoff.failed(0.0, None)
        waits.append(backoff.remaining(0.0))
    assert max(waits) <= CAP_SECONDS
    assert min(waits) < CAP_SECONDS * 0.05
    assert 0.4 < sum(waits) / len(waits) / CAP_SECONDS < 0.6


def test_success_forgets_failures() -> None:
    backoff = Backoff(random.Random(1))
    for _ in range(5):
        backoff.failed(0.0, 60.0)
    backoff.succeeded()
    assert (backoff.failures, backoff.remaining(0.0)) == (0, 0.0)
