"""Whatever goes wrong on our side, the user's call is what it would have been without us."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import lineage
from lineage import diagnostics, log_metric, log_param, register_model, run, tracked_task
from lineage.emit import emitter
from lineage.emit.spooldir import SpoolStatus
from lineage.guard import guarded
from lineage.testing import RecordingSink, recording


@pytest.fixture
def events() -> Iterator[RecordingSink]:
    with recording() as sink:
        yield sink


class Hostile:
    """A value that raises at every touch but identity."""

    def _raise(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("touched")

    __repr__ = __str__ = __eq__ = __hash__ = __bool__ = __len__ = __iter__ = __getattr__ = _raise
    __float__ = __int__ = __index__ = __fspath__ = __getitem__ = __contains__ = __reduce_ex__ = _raise


class Leaving:
    """A value that ends the process at every touch."""

    def _leave(self, *_: Any, **__: Any) -> Any:
        raise SystemExit(3)

    __repr__ = __str__ = __eq__ = __hash__ = __bool__ = __len__ = __iter__ = __getattr__ = _leave
    __float__ = __int__ = __index__ = __fspath__ = __getitem__ = __contains__ = __reduce_ex__ = _leave


class HostileDict(dict[str, Any]):
    def __iter__(self) -> Any:
        raise RuntimeError("touched")

    items = keys = values = __iter__


class Liar:
    """An object that claims to be of another class."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        raise RuntimeError("touched")


@tracked_task
def same(value: Any, *rest: Any) -> Any:
    return value


@pytest.mark.parametrize(
    "make",
    [
        lambda: Hostile(),
        lambda: [Hostile()],
        lambda: {"a": Hostile()},
        lambda: Leaving(),
        lambda: [Leaving()],
        lambda: {"a": Leaving()},
        lambda: (Hostile(), 1),
        lambda: HostileDict(a=1),
        lambda: Liar(),
        lambda: [Liar()],
        lambda: {Liar: Liar()},
    ],
)
def test_hostile_values_pass_through_untouched(events: RecordingSink, make: Callable[[], Any]) -> None:
    value = make()
    assert (same(value) is value) is True
    assert same(1, value) == 1
    with run("r") as r:
        r.log_param("p", value)
        r.log_metric("m", value)
        r.log_input(value)
        r.log_output(value)
        r.log_check("c", True, expected=value, actual=value)
        r.tag("t", value)
        r.register_model("churn", value)
        r.log_param(value, 1)
        r.log_metric("m", 1, timestamp=value)
        r.log_metric("m", 1, slice={"a": value})
        r.log_deployment(value, value)
        register_model(value)
    assert [recorded.state for recorded in events.runs] == ["COMPLETE"] * 3


class BrokenSink:
    """A sink that fails at everything."""

    def emit(self, event: Mapping[str, Any], *, terminal_of_root: bool = False) -> int:
        raise OSError("disk on fire")

    def sync(self, timeout: float) -> bool:
        raise OSError("disk on fire")

    def status(self) -> SpoolStatus:
        raise OSError("disk on fire")

    def close(self) -> None:
        raise OSError("disk on fire")


def test_a_broken_sink_is_told_once_and_hurts_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    diagnostics.forget()
    with emitter.use(BrokenSink()):
        for _ in range(3):
            assert same([1]) == [1]
            with run("r"):
                log_metric("a", 1)
            with pytest.raises(ZeroDivisionError):
                tracked_task(lambda: 1 / 0)()
    assert capsys.readouterr().err.count("disk on fire") <= 2


@pytest.mark.parametrize(
    "place",
    [
        "lineage.runs.run_event",
        "lineage.runs.redact_event",
        "lineage.runs.facets.run",
        "lineage.calls.Run",
        "lineage.runs.process.start",
        "lineage.runs.process.run_facets",
        "lineage.runs.active.opened",
        "lineage.runs.active.closed",
        "lineage.runs.summary.tell",
        "lineage.handover.passing.arrivals",
        "lineage.calls.handover.outputs",
        "lineage.arguments.increments.parameter",
        "lineage.calls.mentions.mentions",
        "lineage.passing.hold",
        "lineage.handover.describe_value",
        "lineage.increments.typed",
    ],
)
def test_any_part_of_ours_may_fail(events: RecordingSink, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"{place} is broken")

    monkeypatch.setattr(place, fail)

    @tracked_task(inputs=["a.csv"], outputs=["b.csv"])
    def work(x: int) -> list[int]:
        log_param("p", 1)
        register_model("churn", b"weights")
        return [x]

    @tracked_task
    def stream() -> Iterator[int]:
        yield 1000

    @tracked_task
    def wrong() -> None:
        raise KeyError("mine")

    assert work(3) == [3]
    assert list(stream()) == [1000]
    with pytest.raises(KeyError, match="mine"):
        wrong()
    with run("block"):
        pass
    assert lineage.current_run() is None


def test_a_guarded_function_answers_none_and_says_where(capsys: pytest.CaptureFixture[str]) -> None:
    diagnostics.forget()

    @guarded
    def broken() -> int:
        raise LookupError("here")

    assert broken() is None
    assert broken() is None
    told = capsys.readouterr().err
    assert told.count("broken failed, your code goes on") == 1
    assert "LookupError: here" in told


def test_interrupts_are_the_users(events: RecordingSink) -> None:
    @guarded
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()


def test_an_exit_is_the_users_where_a_signal_asks_for_it(events: RecordingSink) -> None:
    def leave(*_: object) -> None:
        raise SystemExit(7)

    class Terminated:
        def __float__(self) -> float:
            signal.raise_signal(signal.SIGTERM)
            return 1.0

    before = signal.signal(signal.SIGTERM, leave)
    try:
        with run("r"), pytest.raises(SystemExit, match="7"):
            log_metric("m", Terminated())
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_error_whose_text_ends_the_process_still_ends_its_run(events: RecordingSink) -> None:
    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise SystemExit(3)

    @tracked_task
    def fails() -> None:
        raise Unspeakable

    with pytest.raises(Unspeakable):
        fails()
    assert events.run("fails").state == "FAIL"
    assert events.run("fails").facets["errorMessage"]["message"] == "Unspeakable"


HUGE = "a" * 10_000_000
HUGE_BYTES = bytearray(100_000_000)


@pytest.mark.parametrize(
    "log",
    [
        lambda r: r.log_metric("a", 1, timestamp=HUGE_BYTES),
        lambda r: r.log_metric("a", 1, timestamp=HUGE),
        lambda r: r.log_metric("a", 1, slice={HUGE: HUGE}),
        lambda r: r.log_metric("a", HUGE),
        lambda r: r.log_param("x", HUGE),
        lambda r: r.log_param(HUGE, 1),
        lambda r: r.log_input(HUGE),
        lambda r: r.log_input(f"s3://bucket/{HUGE}"),
        lambda r: r.log_output(HUGE),
        lambda r: r.log_file(HUGE),
        lambda r: r.log_file("a.csv", HUGE),
        lambda r: r.log_check("c", True, actual=HUGE),
        lambda r: r.log_deployment("m", HUGE, endpoint=HUGE),
        lambda r: r.tag("t", HUGE),
        lambda r: r.register_model(HUGE, b"weights"),
        lambda r: r.register_model("m", b"weights", {HUGE: HUGE}),
        lambda r: run(HUGE, parent=r).__enter__().__exit__(None, None, None),
    ],
)
def test_huge_values_are_cut_before_anybody_reads_them(events: RecordingSink, log: Callable[[Any], Any]) -> None:
    with run("r") as r:
        r.log_metric("warm", 1)
        begin = time.thread_time()
        log(r)
        assert time.thread_time() - begin < 0.05
    assert all(len(str(event)) < 100_000 for event in events.events)


def test_deep_recursion_stays_the_users(events: RecordingSink) -> None:
    @tracked_task
    def down(n: int) -> int:
        return down(n + 1)

    with pytest.raises(RecursionError):
        down(0)
    assert lineage.current_run() is None


def test_many_threads_at_once_lose_nothing(events: RecordingSink) -> None:
    @tracked_task
    def work(n: int) -> list[int]:
        log_metric("n", n)
        return [n, n + 1000]

    def loop(start: int) -> None:
        for n in range(start, start + 50):
            assert work(n) == [n, n + 1000]

    threads = [threading.Thread(target=loop, args=(start,)) for start in range(0, 400, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runs = events.runs
    assert len(runs) == 400
    assert all(r.state == "COMPLETE" and r.metrics["n"] == r.parameters["n"] for r in runs)


def test_a_tracked_call_at_the_interpreters_end_does_no_harm(tmp_path: Path) -> None:
    script = (
        "import atexit, lineage\n"
        "@lineage.tracked_task\n"
        "def last(): print('last')\n"
        "atexit.register(last)\n"
        "class Late:\n"
        "    def __del__(self): last()\n"
        "late = Late()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"LINEAGE_HOME": str(tmp_path), "LINEAGE_QUIET": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "last\nlast\n")
    assert "Traceback" not in done.stderr
