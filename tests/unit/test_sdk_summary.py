"""The one line at the end of a root run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage import Dataset, log_input, log_output, register_model, run, tracked_flow, tracked_task
from lineage.emit import emitter
from lineage.emit.spooldir import SpoolStatus
from lineage.testing import RecordingSink, recording


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingSink]:
    with recording() as sink:
        monkeypatch.setenv("LINEAGE_QUIET", "0")
        yield sink


@tracked_task
def load() -> list[int]:
    log_input("s3://b/raw.csv")
    log_input("s3://b/raw.csv")
    return [1000, 2000]


@tracked_task
def train(rows: list[int], random_state: int | None = None) -> dict[str, list[int]]:
    log_output(Dataset("s3://b/report.html"))
    return {"weights": rows}


@tracked_flow
def nightly() -> None:
    register_model("churn", train(load()))


def test_a_root_run_ends_with_one_line(events: RecordingSink, capsys: pytest.CaptureFixture[str]) -> None:
    nightly()
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    digest = events.run("nightly").outputs[0]["facets"]["weftline_digest"]["value"]
    short = re.escape(events.run("nightly").id[:13])
    assert re.fullmatch(
        rf"tracked: 3 in, 4 out, model churn sha256:{digest[:4]}…; missing: seed \(random_state not set\)"
        rf" — lineage show {short}",
        line,
    )


def test_the_short_id_names_the_root_alone(events: RecordingSink, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(5):
        nightly()
    for line in capsys.readouterr().err.splitlines():
        short = line.rpartition("lineage show ")[2]
        assert [r.job for r in events.runs if r.id.startswith(short)] == ["nightly"]


def test_declared_files_that_are_not_there_are_told(
    events: RecordingSink, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with run("train"):
        log_input(tmp_path / "0.csv")
    line = capsys.readouterr().err.splitlines()[-1]
    assert f"; missing: {tmp_path}/0.csv (declared, but there is no such file) — lineage show" in line
    with run("train"):
        for number in range(8):
            log_input(tmp_path / f"{number}.csv")
    line = capsys.readouterr().err.splitlines()[-1]
    assert f"{tmp_path}/4.csv (declared, but there is no such file) and 3 more — lineage show" in line
    assert "5.csv" not in line


def test_a_failed_run_says_so(events: RecordingSink, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="no"), run("train"):
        raise ValueError("no")
    assert "; FAIL — lineage show" in capsys.readouterr().err


def test_it_can_be_silenced(
    events: RecordingSink, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LINEAGE_QUIET", "1")
    nightly()
    assert capsys.readouterr().err == ""


def test_what_waits_in_the_spool_is_told(
    events: RecordingSink, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status = SpoolStatus(14, 4000, 0.0, "refused", "http://x", 1_700_000_000.0, 0, 0)
    monkeypatch.setattr(RecordingSink, "status", lambda self: status)
    monkeypatch.setattr(emitter, "unreachable_since", lambda: status.unreachable_since)
    nightly()
    assert re.search(
        r"; 14 records wait in the spool \(service unreachable since \d\d:\d\d\), they go out by themselves"
        r" — lineage spool status$",
        capsys.readouterr().err.strip(),
    )


def test_names_cannot_reach_the_terminal_as_commands(events: RecordingSink, capsys: pytest.CaptureFixture[str]) -> None:
    register_model("\x1b[31mchurn\x07")
    assert "\x1b" not in capsys.readouterr().err
