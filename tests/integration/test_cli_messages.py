"""What a refusal says on the command line: names to paste, no HTTP, each thing once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fixtures.asking import Project, model_history
from fixtures.command import Command
from fixtures.run_shapes import run_event


class Elsewhere(BaseHTTPRequestHandler):
    """Some web server that is not ours."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def elsewhere() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_name_that_is_nearly_right(asking: Project, asked: Command) -> None:
    asking.send(*model_history())
    for command in ("origins", "gate"):
        shown = asked(command, "chrun")
        assert shown.code == 1
        assert shown.err == (
            "error: No model 'chrun' in this project. Did you mean churn? (lineage models list shows those there are)\n"
        )
    for arguments in (["origins", "nothing"], ["show", "run_" + "a" * 26], ["origins", "raw.csv"]):
        shown = asked(*arguments)
        assert shown.code == 1
        assert "GET" not in shown.err
        assert "lineage " in shown.err


def test_a_wrong_project_is_said_once(asked: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = asked("runs", "--project", "no slash")
    assert (shown.code, shown.err) == (2, "error: --project: 'no slash' is not workspace/project\n")
    shown = asked("runs", "--project", "a" * 101 + "/b")
    assert (shown.code, shown.err.count("Lineage-Project")) == (2, 1)
    assert ".;" not in shown.err


def test_another_server_or_a_path_too_much(
    asking: Project, asked: Command, monkeypatch: pytest.MonkeyPatch, elsewhere: str
) -> None:
    for url in (elsewhere, f"{asking.server.url}/api/v1"):
        monkeypatch.setenv("LINEAGE_URL", url)
        shown = asked("runs")
        assert shown.code == 3
        assert "LINEAGE_URL answers, but it is no weftline service" in shown.err


def test_candidates_are_references_to_paste(asking: Project, asked: Command) -> None:
    asking.send(*model_history(), run_event("COMPLETE", 50, "churn", 5))
    refused = asked("show", "churn")
    assert refused.code == 2
    candidates = [line.split()[0] for line in refused.err.splitlines() if line.startswith("  ")]
    assert len(candidates) == 2
    assert "model:churn" in candidates
    for reference in candidates:
        assert asked("show", reference).code == 0


def test_broken_yaml_is_said_in_a_line(asked: Command, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("rules:\n  - [dirty_code\nx: 1\n")
    shown = asked("gate", "churn", "--policy", str(policy))
    assert shown.code == 2
    assert "line 3, column " in shown.err
    assert len(shown.err.splitlines()) == 1
