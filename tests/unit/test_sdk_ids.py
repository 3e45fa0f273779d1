"""Run ids: UUIDv7, in order, and short names that stay unique."""

from __future__ import annotations

import random
import time
import uuid

from lineage import ids


def test_ids_are_version_7_of_this_moment() -> None:
    before = time.time_ns() // 1_000_000
    found = uuid.UUID(ids.run_id())
    assert found.version == 7
    assert found.variant == uuid.RFC_4122
    assert before - 1 <= found.int >> 80 <= time.time_ns() // 1_000_000 + 60


def test_no_id_repeats_whatever_a_user_seeds() -> None:
    random.seed(1)
    first = [ids.run_id() for _ in range(2000)]
    random.seed(1)
    assert len({*first, *(ids.run_id() for _ in range(2000))}) == 4000


def test_the_short_name_of_a_root_is_shared_with_no_other_run() -> None:
    made: list[str] = []
    short: list[str] = []
    for _ in range(30):
        run_id, length = ids.root_run_id()
        short.append(run_id[:length])
        made += [run_id, *(ids.run_id() for _ in range(5))]
    for name in short:
        assert sum(run_id.startswith(name) for run_id in made) == 1, name


def test_a_flood_of_roots_does_not_run_ahead_of_the_clock() -> None:
    made = [ids.root_run_id() for _ in range(5000)]
    assert {length for _, length in made} == {ids.SHORT, ids.SHORT_CROWDED}
    assert (uuid.UUID(made[-1][0]).int >> 80) - time.time_ns() // 1_000_000 <= 60
