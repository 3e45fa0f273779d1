"""Ctrl-C may come at any moment, also in the middle of ours: no run that is gone stays the current one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import lineage
from lineage import active, run, tracked_task
from lineage.testing import RecordingSink, recording

OURS = frozenset(str(Path(lineage.__file__).parent / name) for name in ("decorators.py", "calls.py", "active.py"))
EXIT = (str(Path(lineage.__file__).parent / "runs.py"), frozenset({"__enter__", "_open", "_close"}))


@pytest.fixture
def events() -> Iterator[RecordingSink]:
    with recording() as sink:
        yield sink


@tracked_task
def returns() -> list[int]:
    return [1000]


@tracked_task
def raises() -> None:
    raise LookupError("mine")


@tracked_task
def streams() -> Iterator[int]:
    yield 1000
    yield 2000


def block() -> None:
    with run("block"):
        pass


class Interrupter:
    """Raises KeyboardInterrupt before the n-th line of ours that is about to run; counts them."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.seen = 0

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if code.co_filename not in OURS and (code.co_filename != EXIT[0] or code.co_name not in EXIT[1]):
            return None
        if event == "line":
            self.seen += 1
            if self.seen == self.at:
                raise KeyboardInterrupt
        return self.trace

    def __call__(self, work: Callable[[], object]) -> BaseException | None:
        before = sys.gettrace()
        sys.settrace(self.trace)
        try:
            work()
        except BaseException as error:
            return error
        finally:
            sys.settrace(before)
        return None


@pytest.mark.parametrize("work", [returns, raises, lambda: list(streams()), block], ids=lambda work: work.__name__)
def test_an_interrupt_at_any_line_leaves_no_run_behind(events: RecordingSink, work: Callable[[], object]) -> None:
    Interrupter(0)(work)  # what is worked out once is out of the way
    count = Interrupter(0)
    count(work)
    assert count.seen > 10
    left = []
    for at in range(1, count.seen + 1):
        error = Interrupter(at)(work)
        assert isinstance(error, KeyboardInterrupt), f"the interrupt before line {at} is the user's, not {error!r}"
        if lineage.current_run() is not None:
            left.append(at)
            active.enter(None)
    assert not left, f"of {count.seen} lines, an interrupt before these left a dead run: {left}"
    returns()
    assert events.runs[-1].parent is None


def test_a_call_that_is_interrupted_has_ended(events: RecordingSink) -> None:
    @tracked_task
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [recorded.state for recorded in events.runs] == ["ABORT"]
    assert lineage.current_run() is None
