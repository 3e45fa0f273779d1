"""What we give users for their own tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lineage import log_metric, tracked_task
from lineage.testing import recording


@tracked_task
def train(lr: float) -> list[float]:
    log_metric("auc", 0.9)
    return [lr]


def test_runs_are_read_back() -> None:
    with recording() as sink:
        train(0.1)
        run = sink.run("train")
        assert (run.state, run.parameters, run.metrics, run.parent) == ("COMPLETE", {"lr": "0.1"}, {"auc": "0.9"}, None)
        assert [entry["name"] for entry in run.outputs] == ["train"]
        assert run.inputs == []
        train(0.2)
        with pytest.raises(LookupError, match="2 runs of job 'train'; runs recorded: train, train"):
            sink.run("train")
        with pytest.raises(LookupError, match="0 runs of job 'other'"):
            sink.run("other")


def test_two_recordings_do_not_know_each_other() -> None:
    with recording():
        rows = train(0.1)
    with recording() as sink:
        tracked_task(lambda rows: None)(rows)
    assert sink.runs[0].inputs == []


def test_the_environment_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LINEAGE_QUIET", raising=False)
    with recording():
        assert os.environ["LINEAGE_QUIET"] == "1"
    assert "LINEAGE_QUIET" not in os.environ


def test_the_fixture_works_as_documented(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        'pytest_plugins = ["lineage.testing"]\n'
        "from lineage import tracked_task\n"
        "@tracked_task\n"
        "def train(rows): return rows\n"
        "def test_training(lineage_events):\n"
        "    train([1])\n"
        '    assert lineage_events.run("train").state == "COMPLETE"\n'
    )
    home = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "LINEAGE_HOME": str(home), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tracked:" not in done.stderr
    assert not home.exists()
