"""One graph whatever the arrival (S2, S3): every order, duplicates and batch cuts end where a derivation from
nothing ends."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from fixtures.reference_derivation import assert_same, derive_whole
from fixtures.replica import PROJECT, project
from fixtures.run_shapes import SHAPES
from lineage_graph.projection.engine import Projection
from scale import count


@pytest.fixture
def projection() -> Any:
    opened = Projection("sqlite://")
    yield opened
    opened.close()


@pytest.mark.full
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_every_order_of_six_events(projection: Projection, shape: str) -> None:
    events = SHAPES[shape]()
    expected = derive_whole(events, PROJECT)
    orders = 0
    for order in itertools.permutations(events):
        replica = project(projection, order, cuts=range(1, 6))
        assert (replica.nodes, replica.edges) == expected, [events.index(event) for event in order]
        orders += 1
    assert orders == 720


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_some_orders_of_six_events(projection: Projection, shape: str) -> None:
    events = SHAPES[shape]()
    for order in itertools.islice(itertools.permutations(events), 0, None, 61):
        assert_same(project(projection, order, cuts=range(1, 6)), events, [events.index(event) for event in order])


@pytest.mark.full
def test_shuffles_with_duplicates_and_cuts(projection: Projection) -> None:
    shuffles = count("S3", ci=2_000, soak=10_000)
    for seed in range(shuffles):
        rng = random.Random(seed)
        pool = [event for shape in rng.sample(sorted(SHAPES), 2) for event in SHAPES[shape]()]
        events = pool + rng.sample(pool, rng.randrange(len(pool)))
        rng.shuffle(events)
        cuts = sorted(rng.sample(range(1, len(events)), rng.randrange(1, 6)))
        assert_same(project(projection, events, cuts), pool, f"seed {seed}")


def test_a_hundredfold_event_changes_nothing(projection: Projection) -> None:
    events = SHAPES["rebound"]()
    once = project(projection, events, cuts=[])
    again = project(projection, events * 100, cuts=range(1, 600, 7))
    assert (once.nodes, once.edges) == (again.nodes, again.edges)


@pytest.mark.full
def test_ten_thousand_shuffles_of_facts(projection: Projection) -> None:
    """The pure half: facts join in any order to one derivation."""
    shuffles = count("S3 pure", ci=10_000, soak=10_000)
    events = {shape: SHAPES[shape]() for shape in SHAPES}
    expected = {shape: derive_whole(events[shape], PROJECT) for shape in SHAPES}
    for seed in range(shuffles):
        rng = random.Random(seed)
        shape = rng.choice(sorted(SHAPES))
        shuffled = events[shape] + rng.sample(events[shape], rng.randrange(6))
        rng.shuffle(shuffled)
        assert derive_whole(shuffled, PROJECT) == expected[shape], f"seed {seed}"
