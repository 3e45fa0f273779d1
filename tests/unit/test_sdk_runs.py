"""Runs: parents, names, and who the current run is across threads, tasks of asyncio and processes."""

from __future__ import annotations

import asyncio
import contextvars
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lineage import current_run, log_metric, run, tracked_flow, tracked_task
from lineage.events import now_text
from lineage.testing import RecordedRun, RecordingSink, recording


@pytest.fixture
def events() -> Iterator[RecordingSink]:
    with recording() as sink:
        yield sink


@tracked_task
def leaf(x: int = 0) -> int:
    log_metric("x", x)
    return x


def children(sink: RecordingSink, parent: RecordedRun) -> list[str]:
    return [run.job for run in sink.runs if run.parent == parent.id]


def test_a_block_is_a_run(events: RecordingSink) -> None:
    with run("train") as r:
        assert current_run() is r
        r.log_metric("loss", 0.3)
        leaf()
    assert current_run() is None
    train = events.run("train")
    assert (train.state, train.metrics) == ("COMPLETE", {"loss": "0.3"})
    assert train.id == r.id
    assert children(events, train) == ["leaf"]


def test_a_block_that_raises_fails_and_lets_the_error_through(events: RecordingSink) -> None:
    with pytest.raises(ValueError, match="no"), run("train"):
        raise ValueError("no")
    assert events.run("train").state == "FAIL"
    assert current_run() is None


def test_every_event_names_parent_and_root(events: RecordingSink) -> None:
    with run("a") as a, run("b") as b, run("c"):
        log_metric("m", 1)
    for event in events.run("c").events:
        parent = event["run"]["facets"]["parent"]
        assert (parent["run"]["runId"], parent["root"]["run"]["runId"]) == (b.id, a.id)
        assert (parent["job"]["name"], parent["root"]["job"]["name"]) == ("b", "a")
    assert "parent" not in events.run("a").facets


def test_a_parent_can_be_named(events: RecordingSink) -> None:
    with run("a") as a, run("b"), run("c", parent=a):
        pass
    assert events.run("c").parent == a.id


def test_names_inside_flows(events: RecordingSink) -> None:
    @tracked_flow
    def inner() -> None:
        leaf()

    @tracked_flow(name="outer flow")
    def outer() -> None:
        leaf()
        inner()
        with run("block"):
            leaf()

    outer()
    assert [run.job for run in events.runs] == [
        "outer flow",
        "outer flow.leaf",
        "inner",
        "inner.leaf",
        "outer flow.block",
        "outer flow.leaf",
    ]


def test_the_actor_is_told_once_by_the_root(events: RecordingSink) -> None:
    with run("a"):
        leaf()
    actors = [event for event in events.events if "weftline_actor" in event["run"]["facets"]]
    assert [(event["job"]["name"], event["eventType"]) for event in actors] == [("a", "START")]


def test_the_namespace_is_openlineages(events: RecordingSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "team")
    leaf()
    assert {event["job"]["namespace"] for event in events.events} == {"team"}


def test_a_run_ends_when_the_code_does_whatever_we_do_then(
    events: RecordingSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe(_: object, **__: object) -> None:
        described.append(now_text())

    described: list[str] = []
    monkeypatch.setattr("lineage.handover.describe_value", describe)
    tracked_task(lambda: [1000])()
    assert events.events[-1]["eventTime"] < described[0]


async def test_tasks_of_asyncio_have_their_own_current_run(events: RecordingSink) -> None:
    gate = asyncio.Barrier(3)

    @tracked_task
    async def step(n: int) -> None:
        await gate.wait()
        log_metric("n", n)
        await gate.wait()
        leaf(n)

    @tracked_flow
    async def flow() -> None:
        await asyncio.gather(*(step(n) for n in range(3)))

    await flow()
    steps = [run for run in events.runs if run.job == "flow.step"]
    assert [run.parent for run in steps] == [events.run("flow").id] * 3
    assert sorted(run.metrics["n"] for run in steps) == ["0", "1", "2"]
    for run_ in steps:
        (inner,) = [run for run in events.runs if run.parent == run_.id]
        assert inner.metrics["x"] == run_.metrics["n"] == run_.parameters["n"]


async def test_to_thread_keeps_the_run(events: RecordingSink) -> None:
    @tracked_task
    async def step() -> None:
        await asyncio.to_thread(leaf)

    await step()
    assert children(events, events.run("step")) == ["leaf"]


def in_thread(target: Any, *args: Any) -> None:
    thread = threading.Thread(target=target, args=args)
    thread.start()
    thread.join()


def test_a_thread_started_in_a_task_belongs_to_it(events: RecordingSink) -> None:
    @tracked_task
    def work() -> None:
        in_thread(leaf, 1)
        in_thread(log_metric, "auc", 0.5)

    @tracked_flow
    def flow() -> None:
        work()

    flow()
    work_run = events.run("flow.work")
    assert children(events, work_run) == ["flow.leaf"]
    assert work_run.metrics == {"auc": "0.5"}


def test_a_pool_in_a_flow_makes_siblings(events: RecordingSink) -> None:
    gate = threading.Barrier(4)

    @tracked_task
    def work(n: int) -> int:
        gate.wait(20)  # all four are in progress at once
        log_metric("n", n)
        gate.wait(20)
        return n

    @tracked_flow
    def flow() -> None:
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(work, range(4))) == [0, 1, 2, 3]

    flow()
    assert children(events, events.run("flow")) == ["flow.work"] * 4
    assert all(run.metrics["n"] == run.parameters["n"] for run in events.runs if run.job == "flow.work")


def test_a_thread_that_is_older_than_the_run_is_none_of_its_business(events: RecordingSink) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()

        @tracked_flow
        def flow() -> None:
            pool.submit(leaf).result()

        flow()
    assert [(run.job, run.parent) for run in events.runs] == [("flow", None), ("leaf", None)]


def test_a_pool_older_than_a_task_but_not_than_its_flow_belongs_to_the_flow(events: RecordingSink) -> None:
    @tracked_flow
    def flow() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(int).result()

            @tracked_task
            def work() -> None:
                pool.submit(leaf).result()

            work()

    flow()
    assert children(events, events.run("flow")) == ["flow.work", "flow.leaf"]


def test_with_two_roots_in_progress_a_bare_thread_belongs_to_neither(
    events: RecordingSink, capsys: pytest.CaptureFixture[str]
) -> None:
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        with run("other"):
            inside.set()
            done.wait(20)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(20)
    with run("here"):
        in_thread(leaf)
    done.set()
    thread.join()
    assert events.run("leaf").parent is None


def test_a_copied_context_is_always_right(events: RecordingSink) -> None:
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        with run("other"):
            inside.set()
            done.wait(20)

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait(20)
    with run("here") as here:
        in_thread(contextvars.copy_context().run, leaf)
    done.set()
    thread.join()
    assert events.run("leaf").parent == here.id


def test_outside_any_run_logging_warns_and_goes_on(events: RecordingSink, capsys: pytest.CaptureFixture[str]) -> None:
    log_metric("auc", 0.9)
    assert events.events == []
    log_metric("auc", 0.9)
    told = capsys.readouterr().err
    assert told.count("log_metric: not recorded, no run is in progress") <= 1


def test_switched_off_it_does_nothing_at_all(tmp_path: Path) -> None:
    script = """
        import sys, threading
        from lineage import tracked_task, run, log_metric, register_model, Model
        @tracked_task
        def f(x): return x
        @tracked_task
        def g():
            yield 1
        value = object()
        assert f(value) is value
        assert list(g()) == [1]
        with run("x") as r:
            r.log_metric("a", 1)
            log_metric("a", 1)
            assert register_model("churn", value) == Model("churn")
        assert threading.active_count() == 1, threading.enumerate()
    """
    file = tmp_path / "script.py"
    file.write_text(textwrap.dedent(script))
    home = tmp_path / "home"
    env = {**os.environ, "LINEAGE_HOME": str(home), "LINEAGE_DISABLED": "1"}
    done = subprocess.run([sys.executable, str(file)], env=env, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not home.exists()
