"""The projector after trouble: an old graph is derived again, a locked database is waited for, no record is skipped."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from fixtures.run_shapes import dataset, run_event
from fixtures.server import Server, eventually, serving

pytestmark = pytest.mark.full


def send(server: Server, first: int, last: int) -> None:
    for number in range(first, last):
        event = run_event("COMPLETE", number, f"job{number}", number, [dataset("in")], [dataset(f"out{number}")])
        assert server.post(event).status_code == 201
    server.settle()


def log_events(server: Server) -> list[str]:
    return [str(line["event"]) for line in server.log_lines()]


def test_a_graph_older_than_what_was_forgotten_is_derived_again(tmp_path: Path) -> None:
    data, old = tmp_path / "data", tmp_path / "old.db"
    with serving(data) as server:
        send(server, 1, 5)
        source, copy = sqlite3.connect(data / "graph.db"), sqlite3.connect(old)
        with contextlib.closing(source), contextlib.closing(copy):
            source.backup(copy)
        send(server, 5, 10)
        before = server.digest()
        assert server.stop() == 0
        for path in data.glob("graph.db*"):
            path.unlink()
        shutil.copy(old, data / "graph.db")
        with server.restart():
            assert server.digest() == before
            assert any("deriving it again from the journal" in event for event in log_events(server))


@pytest.mark.timeout(180)
def test_a_locked_projection_is_waited_for_and_costs_no_record(tmp_path: Path) -> None:
    with serving(tmp_path / "undisturbed") as other:
        send(other, 1, 4)
        expected = other.digest()
    with serving(tmp_path / "data") as server:
        send(server, 1, 2)
        with contextlib.closing(sqlite3.connect(server.data / "projection.db", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            for number in (2, 3):
                event = run_event(
                    "COMPLETE", number, f"job{number}", number, [dataset("in")], [dataset(f"out{number}")]
                )
                assert server.post(event).status_code == 201
            state: dict[str, Any] = eventually(lambda: troubled(server), 120, "readiness to tell the trouble")
            assert "projection.db" in state["trouble"]
            assert state["ready"] is False
            holder.execute("ROLLBACK")
        assert server.digest() == expected
        assert server.client.get("/readyz").status_code == 200
        assert not [event for event in log_events(server) if "cannot be projected" in event]


def troubled(server: Server) -> dict[str, Any] | None:
    state = server.ready_state()
    return state if "trouble" in state else None
