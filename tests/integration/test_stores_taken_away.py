"""Databases deleted under a running server: it says so and what to do, and a restart brings everything back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from fixtures.run_shapes import dataset, run_event
from fixtures.server import serving

pytestmark = pytest.mark.full

EVENT = run_event("COMPLETE", 1, "job", 1, [dataset("in")], [dataset("out")])


@pytest.mark.parametrize("name", ["graph.db", "projection.db"])
def test_a_deleted_derived_database_makes_the_server_unready_until_it_is_started_again(
    tmp_path: Path, name: str
) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        assert server.post(EVENT, wait=True).json()["projected"]
        before = server.digest()
        for path in data.glob(f"{name}*"):
            path.unlink()
        assert server.process is not None
        state = server.client.get("/readyz")
        assert state.status_code == 503
        assert f"{data / name} was deleted or replaced: stop process {server.process.pid}" in state.json()["trouble"]
        for route in ("graph/digest", "runs", "datasets", "resolve?name=in"):
            answer = server.client.get(f"/api/v1/{route}")
            assert answer.status_code == 503, (route, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert name in answer.json()["detail"]
        assert server.stop() == 0
        with server.restart():
            assert server.digest() == before


def test_a_replaced_journal_is_told_before_more_is_lost(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        assert server.post(EVENT).status_code == 201
        server.settle()
        (data / "registry.db").rename(data / "moved.db")
        (data / "registry.db").touch()
        state = server.client.get("/readyz")
        assert state.status_code == 503
        assert "registry.db was deleted or replaced" in state.json()["trouble"]
        assert "send nothing more" in state.json()["trouble"]


def test_a_damaged_projection_is_unavailable_and_no_failure_of_the_service(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        assert server.post(EVENT, wait=True).json()["projected"]
        with sqlite3.connect(data / "projection.db") as connection:
            connection.execute("ALTER TABLE fact RENAME TO elsewhere")
        connection.close()
        answer = server.client.get("/api/v1/graph/digest")
        assert answer.status_code == 503, answer.text
        assert "projection.db" in answer.json()["detail"]
