"""Commands that need nobody else: the spool, the doctor, the embedded service on demand, a base install without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.command import Command
from fixtures.embedded import Home
from fixtures.ingest_stub import IngestStub
from fixtures.server import free_port

TRACKED = """
from lineage import log_metric, register_model, tracked_flow, tracked_task

@tracked_task
def load():
    return [1.0, 2.0, 3.0]

@tracked_task
def train(rows):
    log_metric("mean", sum(rows) / len(rows))
    register_model("mean", sum(rows))

@tracked_flow
def flow():
    train(load())

flow()
"""


@pytest.fixture
def alone(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The environment of that home, for commands in this process."""
    for name in os.environ.keys() - home.environment.keys():
        monkeypatch.delenv(name)
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    return home


def track(folder: Path) -> str:
    """Run a tracked script as a user would; its stderr."""
    script = folder / "train.py"
    script.write_text(TRACKED)
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=True)
    return ended.stderr


def test_a_spool_waits_and_goes_to_the_service_named(alone: Home, tmp_path: Path, lineage: Command) -> None:
    assert "lineage show" in track(tmp_path)
    waiting = lineage("spool", "status", "--json").json
    assert waiting["records"] >= 6
    assert waiting["destination"] == "local"
    assert f"{waiting['records']} records" in lineage("spool", "status").out
    unreachable = lineage("spool", "sync", "--to", f"http://127.0.0.1:{free_port()}", "--timeout", "0.5")
    assert unreachable.code == 3
    assert "are left" in unreachable.err
    with IngestStub(tmp_path / "stub.db") as stub:
        sent = lineage("spool", "sync", "--to", stub.url)
        assert (sent.code, sent.out) == (0, f"{waiting['records']} sent, 0 left\n")
    assert lineage("spool", "status", "--json").json["records"] == 0


def test_what_waits_is_told_by_destination_and_can_be_sent_elsewhere(
    alone: Home, tmp_path: Path, lineage: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("LINEAGE_URL", gone)
    monkeypatch.setenv("LINEAGE_EXIT_TIMEOUT", "0")
    track(tmp_path)
    monkeypatch.delenv("LINEAGE_URL")
    waiting = lineage("spool", "status", "--json").json["waiting"]
    assert [item["destination"] for item in waiting] == [gone]
    shown = lineage("spool", "status").out
    assert f"for {gone}: {waiting[0]['records']} records" in shown
    assert "lineage spool sync --to URL, or --to local" in shown
    assert f"for {gone}" in lineage("doctor").out
    for wrong in ("nowhere", "ftp://x", ""):
        refused = lineage("spool", "sync", "--to", wrong)
        assert (refused.code, refused.out) == (2, "")
        assert "--to" in refused.err


@pytest.mark.full
def test_records_of_a_service_that_is_gone_go_to_the_one_here(
    alone: Home, tmp_path: Path, lineage: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAGE_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("LINEAGE_EXIT_TIMEOUT", "0")
    track(tmp_path)
    monkeypatch.delenv("LINEAGE_URL")
    left = alone.lineage("spool", "sync")
    assert left.code == 1
    assert "--to local" in left.err
    sent = alone.lineage("spool", "sync", "--to", "local", "--json")
    assert (sent.code, sent.json["left"]) == (0, 0)
    assert "mean v1" in alone.lineage("origins", "mean").out


def test_refused_records_are_listed_with_reasons_and_sent_again(alone: Home, tmp_path: Path, lineage: Command) -> None:
    assert "nothing was refused" in lineage("spool", "dead").err
    nothing = lineage("spool", "dead", "--retry")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "nothing was refused\n")
    track(tmp_path)
    with IngestStub(tmp_path / "stub.db") as stub:
        stub.refuse = lambda line: 422
        assert lineage("spool", "sync", "--to", stub.url).code == 0
    dead = lineage("spool", "dead")
    assert dead.out.startswith("422 ")
    count = len(lineage("spool", "dead", "--json").json["items"])
    assert lineage("spool", "dead", "--retry", "--json").json == {"retried": count}
    assert lineage("spool", "status", "--json").json["records"] == count


def test_the_doctor_finds_nothing_wrong_here(alone: Home, lineage: Command) -> None:
    shown = lineage("doctor")
    assert shown.code == 0, shown.out
    assert "the embedded one starts when asked" in shown.out
    assert {finding["level"] for finding in lineage("doctor", "--json").json["findings"]} <= {"ok", "note"}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("LINEAGE_DISABLED", "1", "LINEAGE_DISABLED"),
        ("LINEAGE_URL", "http://127.0.0.1:9", "no service answers"),
        ("LINEAGE_SPOOL_DIR", "/dev/null/spool", "cannot be written"),
    ],
)
def test_the_doctor_names_what_is_wrong(
    alone: Home, lineage: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    shown = lineage("doctor")
    assert shown.code == 1
    assert any(line.startswith("✗") and says in line for line in shown.out.splitlines()), shown.out


def test_the_doctor_wonders_about_a_misspelt_setting(
    alone: Home, lineage: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAGE_PROJCT", "a/b")
    assert "LINEAGE_PROJCT: no such setting" in lineage("doctor").out


def without_service(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line of a base install: the service's libraries cannot be imported."""
    program = (
        "import sys\n"
        "for name in ('fastapi', 'uvicorn', 'sqlalchemy', 'starlette'): sys.modules[name] = None\n"
        "from lineage.cli.main import main\n"
        f"main({list(arguments)!r})\n"
    )
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.full
def test_a_base_install_says_how_to_get_answers_and_what_waits(alone: Home, tmp_path: Path) -> None:
    track(tmp_path)
    for arguments in (["runs"], ["origins", "mean"], ["spool", "sync"], ["server"]):
        ended = without_service(*arguments)
        assert ended.returncode == 3, (arguments, ended.stderr)
        assert 'pip install "weftline[server]"' in ended.stderr
    assert "records wait in the spool" in without_service("runs").stderr
    assert without_service("spool", "status").returncode == 0
    assert without_service("--help").returncode == 0


@pytest.mark.full
def test_decorate_then_ask_works_without_starting_anything(alone: Home, tmp_path: Path) -> None:
    summary = track(tmp_path)
    shown = alone.lineage("origins", "mean")
    assert shown.code == 0, shown.err
    assert "mean v1" in shown.out
    assert "run flow.load" in shown.out
    run = summary.rsplit("lineage show ", 1)[1].split()[0]
    assert alone.lineage("show", run, "--json").json["node"]["props"]["job"] == "flow"
    assert [item["job"]["name"] for item in alone.lineage("runs", "--json").json["items"]][-1] == "flow"
    track(tmp_path)
    assert alone.lineage("spool", "sync", "--json").json["left"] == 0
    assert len(alone.lineage("runs", "--json").json["items"]) == 6
