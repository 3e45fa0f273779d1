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
from fixtures.server import free_port


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


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["origins", "nothing", "--json"], 1),
        (["show", "nothing-like-it", "--json"], 1),
        (["trace", "a\udcff", "--json"], 2),
        (["models", "register", "", __file__, "--json"], 2),
        (["trace", "x", "--up", "--down", "--json"], 2),
    ],
)
def test_an_error_leaves_stdout_empty_for_scripts(asked: Command, arguments: list[str], code: int) -> None:
    ended = asked(*arguments)
    assert ended.code == code
    assert ended.out == ""
    assert ended.err.startswith("error: ")
    assert "Traceback" not in ended.err


def test_a_service_that_is_gone_is_exit_code_three_with_json_too(
    lineage: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAGE_URL", f"http://127.0.0.1:{free_port()}")
    ended = lineage("runs", "--json")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith("error: no service answers")


def test_trace_shows_what_held_at_a_time(asking: Project, asked: Command) -> None:
    asking.send(*model_history())
    node = asking.resolve(kind="model", name="churn")
    now = asked("trace", node, "--json", "--valid-at", "2030-01-01T00:00:00Z")
    before = asked("trace", node, "--json", "--valid-at", "2020-01-01T00:00:00Z")
    assert len(now.json["edges"]) > len(before.json["edges"])
    assert asked("trace", node, "--valid-at", "yesterday").code == 2


def test_a_server_that_may_not_listen_names_no_address_to_use(lineage: Command, tmp_path: Path) -> None:
    ended = lineage("server", "--host", "0.0.0.0", "--data", str(tmp_path))
    assert ended.code == 2
    assert "refusing to bind" in ended.err
    assert "serves" not in ended.err
