"""Tracking across processes, and evidence that is captured once for each."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from fixtures import openlineage
from fixtures.emit_runs import environment, records, run, wait_until
from lineage import code_version, process, tracked_flow, tracked_task
from lineage.emit.record import RecordType
from lineage.testing import RecordedRun, RecordingSink, recording


@pytest.fixture
def events() -> Iterator[RecordingSink]:
    with recording() as sink:
        yield sink


def spooled(spool: Path) -> RecordingSink:
    """What a program left in its spool, as a sink that can be asked."""
    sink = RecordingSink()
    found = [orjson.loads(record.payload) for _, record in records(spool) if record.type == RecordType.EVENT]
    sink.events = sorted(found, key=lambda event: event["eventTime"])
    for event in sink.events:
        openlineage.check(event)
    return sink


def by_job(sink: RecordingSink, job: str) -> list[RecordedRun]:
    return [run for run in sink.runs if run.job == job]


PIPELINE = """
import lineage.process, os, multiprocessing, concurrent.futures
@lineage.tracked_task
def work(n):
    lineage.log_metric("n", n)
    return [n + 1000]
"""


def program(tmp_path: Path, body: str, **more: str) -> RecordingSink:
    file = tmp_path / "program.py"
    file.write_text(PIPELINE + body)
    spool = tmp_path / "spool"
    env = environment(spool, LINEAGE_QUIET="1", **more)
    source = f"import runpy; sys.path.insert(0, {str(tmp_path)!r}); runpy.run_path({str(file)!r}, run_name='__main__')"
    done = run(source, env, seconds=60)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return spooled(spool)


def test_a_forked_child_goes_on_in_its_parents_run(tmp_path: Path) -> None:
    sink = program(
        tmp_path,
        """
with lineage.run("parent"):
    pid = os.fork()
    if pid == 0:
        lineage.process.start()
        assert lineage.process.wait(20)
        work(1)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    work(2)
""",
    )
    (parent,) = by_job(sink, "parent")
    assert {r.parent for r in by_job(sink, "work")} == {parent.id}
    assert sorted(r.metrics["n"] for r in by_job(sink, "work")) == ["1", "2"]
    assert all(r.state == "COMPLETE" for r in sink.runs)
    assert all("weftline_codeVersion" in r.facets for r in sink.runs)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_decorated_functions_go_to_a_process_pool(tmp_path: Path, method: str) -> None:
    (tmp_path / "steps.py").write_text(PIPELINE)
    sink = program(
        tmp_path,
        f"""
from steps import work as step
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    with lineage.run("parent"), concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(step, range(4))) == [[1000], [1001], [1002], [1003]]
""",
        PYTHONPATH=str(tmp_path),
    )
    assert sorted(r.metrics["n"] for r in by_job(sink, "work")) == ["0", "1", "2", "3"]
    assert len({r.id for r in by_job(sink, "work")}) == 4
    assert all(r.state == "COMPLETE" for r in sink.runs)


def test_every_run_of_a_short_program_has_its_evidence(tmp_path: Path) -> None:
    sink = program(tmp_path, "work(1)\n@lineage.tracked_flow\ndef flow():\n    work(2)\n    work(3)\nflow()\n")
    full = 0
    for found in sink.runs:
        assert found.facets["weftline_codeVersion"]["source"] == "source", found.job
        assert len(found.facets["weftline_environment"]["digest"]) == 64
        full += sum("packages" in event["run"]["facets"].get("weftline_environment", {}) for event in found.events)
    assert full == 1
    assert len({found.facets["weftline_codeVersion"]["sourceDigest"] for found in sink.runs}) == 1


def test_runs_that_end_before_the_evidence_is_there_are_told_of_it_later(
    events: RecordingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def slow() -> dict[str, Any]:
        release.wait(30)
        return {"source": "environment", "commit": "4be1c07"}

    monkeypatch.setattr(process, "_evidence", process._Evidence())
    monkeypatch.setattr(code_version, "capture", slow)

    @tracked_task
    def child() -> None:
        pass

    @tracked_flow
    def flow() -> None:
        child()
        child()

    flow()
    assert [event["eventType"] for event in events.events] == [
        "START",
        "START",
        "COMPLETE",
        "START",
        "COMPLETE",
        "COMPLETE",
    ]
    assert "4be1c07" not in json.dumps(events.events)
    release.set()
    assert wait_until(lambda: len(events.events) == 9)
    assert [event["eventType"] for event in events.events[6:]] == ["OTHER"] * 3
    assert all(found.facets["weftline_codeVersion"]["commit"] == "4be1c07" for found in events.runs)
    for event in events.events:
        openlineage.check(event)


def test_evidence_that_cannot_be_captured_costs_nothing_else(
    events: RecordingSink, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> dict[str, Any]:
        raise OSError("no disk")

    monkeypatch.setattr(process, "_evidence", process._Evidence())
    monkeypatch.setattr(code_version, "capture", broken)
    tracked_task(lambda: None)()
    assert process.wait(30)
    assert events.runs[0].state == "COMPLETE"
    assert "code version and environment are not recorded" in capsys.readouterr().err


def test_secrets_in_captured_code_do_not_leave(events: RecordingSink, monkeypatch: pytest.MonkeyPatch) -> None:
    def capture() -> dict[str, Any]:
        return {"source": "git", "commit": "a" * 40, "diff": '+password = "hunter2hunter2"\n'}

    monkeypatch.setattr(process, "_evidence", process._Evidence())
    monkeypatch.setattr(code_version, "capture", capture)
    tracked_task(lambda: None)()
    assert events.runs[0].facets["weftline_codeVersion"]["diff"].startswith("+password")
    assert "hunter2" not in json.dumps(events.events)
