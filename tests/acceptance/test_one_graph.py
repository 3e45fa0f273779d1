"""One graph whatever the arrival, end to end (S2, S3, S4): shuffled, repeated and re-cut deliveries to a real server
end in the digest of the plain delivery, and so does a rebuild from the journal."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from fixtures.run_shapes import SHAPES
from fixtures.server import Server, serving
from scale import count

HISTORY = [event for shape in SHAPES.values() for event in shape()]


def deliver(server: Server, project: str, events: list[dict[str, Any]], rng: random.Random) -> None:
    """Send events in this order, in batches of random size; every item must be taken."""
    position = 0
    while position < len(events):
        size = rng.choice([1, 1, 2, 5, 20])
        answer = server.client.post(
            "/api/v1/lineage/batch",
            content=json.dumps(events[position : position + size]),
            headers={"Content-Type": "application/json", "Lineage-Project": project},
        )
        assert answer.status_code == 207, answer.text
        assert {item["status"] for item in answer.json()["items"]} <= {200, 201}, answer.text
        position += size


def shuffled(rng: random.Random) -> list[dict[str, Any]]:
    events = HISTORY + rng.sample(HISTORY, rng.randrange(len(HISTORY)))
    rng.shuffle(events)
    return events


def check_shuffles(server: Server, shuffles: int) -> None:
    """Each shuffle goes to a project of its own, so that one server serves them all."""
    deliver(server, "tests/plain", HISTORY, random.Random(0))
    expected = server.digest("tests/plain")
    for seed in range(shuffles):
        rng = random.Random(seed)
        deliver(server, f"tests/seed-{seed}", shuffled(rng), rng)
    for seed in range(shuffles):
        assert server.digest(f"tests/seed-{seed}") == expected, f"seed {seed}"


@pytest.mark.full
def test_two_hundred_shuffles_embedded(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        check_shuffles(server, count("S3 embedded, end to end", ci=200, soak=1_000))


@pytest.mark.full
@pytest.mark.neo4j
def test_forty_shuffles_neo4j(tmp_path: Path, neo4j_uri: str) -> None:
    with serving(tmp_path / "data", neo4j_uri) as server:
        check_shuffles(server, count("S3 Neo4j, end to end", ci=40, soak=200))


def test_both_digests_see_a_difference(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        deliver(server, "tests/plain", HISTORY, random.Random(0))
        deliver(server, "tests/shuffled", shuffled(random.Random(1)), random.Random(1))
        deliver(server, "tests/short", HISTORY[:-1], random.Random(2))
        assert server.digest("tests/plain") == server.digest("tests/shuffled")
        assert server.digest("tests/plain") != server.digest("tests/short")


def test_the_graph_is_rebuilt_when_it_is_gone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        deliver(server, "default/default", shuffled(random.Random(3)), random.Random(3))
        before = server.digest()
        server.stop()
        for lost in [*data.glob("graph.db*"), *data.glob("projection.db*")]:
            lost.unlink()
        assert server.restart().digest() == before
        server.stop()
        for lost in data.glob("graph.db*"):
            lost.unlink()
        assert server.restart().digest() == before
