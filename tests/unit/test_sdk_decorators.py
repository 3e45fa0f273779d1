"""Decorated functions stay what they are, and each call is a run."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import pickle
import traceback
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import pytest

from lineage import current_run, tracked_flow, tracked_task
from lineage.testing import RecordingSink, recording


@pytest.fixture
def events() -> Iterator[RecordingSink]:
    with recording() as sink:
        yield sink


@tracked_task
def double(x: int, /, y: int = 2, *rest: int, z: int = 3, **more: int) -> list[int]:
    """Doubles."""
    return [x * 2, y, *rest, z, *more.values()]


@tracked_task(name="renamed", kind="side_effect")
def notify(text: str) -> None:
    """Tells."""


class Trainer:
    factor = 3

    @tracked_task
    def fit(self, x: int) -> list[int]:
        return [x * self.factor]

    @classmethod
    @tracked_task
    def inner_class(cls, x: int) -> list[int]:
        return [x * cls.factor]

    @tracked_task
    @classmethod
    def outer_class(cls, x: int) -> list[int]:
        return [x * cls.factor]

    @staticmethod
    @tracked_task
    def inner_static(x: int) -> list[int]:
        return [x]

    @tracked_task
    @staticmethod
    def outer_static(x: int) -> list[int]:
        return [x]


def states(sink: RecordingSink) -> list[tuple[str, str]]:
    return [(run.job, run.state) for run in sink.runs]


def test_a_call_is_a_run_with_its_parameters(events: RecordingSink) -> None:
    assert double(1, 5, 6, 7, z=8, w=9) == [2, 5, 6, 7, 8, 9]
    run = events.run("double")
    assert [event["eventType"] for event in run.events] == ["START", "COMPLETE"]
    assert run.parameters == {"x": "1", "y": "5", "rest[0]": "6", "rest[1]": "7", "z": "8", "w": "9"}
    assert run.facets["weftline_run"]["function"] == f"{__name__}:double"
    assert run.facets["weftline_run"]["kind"] == "task"


def test_the_function_keeps_name_doc_signature_and_module() -> None:
    assert (double.__name__, double.__doc__, double.__module__) == ("double", "Doubles.", __name__)
    assert (
        str(inspect.signature(double))
        == "(x: 'int', /, y: 'int' = 2, *rest: 'int', z: 'int' = 3, **more: 'int') -> 'list[int]'"
    )


def test_functions_and_methods_pickle_by_name(events: RecordingSink) -> None:
    assert pickle.loads(pickle.dumps(double)) is double
    assert pickle.loads(pickle.dumps(Trainer().fit))(2) == [6]
    assert states(events) == [("Trainer.fit", "COMPLETE")]


def test_functions_pickle_by_value_too(events: RecordingSink) -> None:
    @tracked_task
    def local(x: int) -> list[int]:
        return [x]

    assert cloudpickle.loads(cloudpickle.dumps(local))(3) == [3]
    assert [run.state for run in events.runs] == ["COMPLETE"]


@pytest.mark.parametrize(
    ("call", "job"),
    [
        (lambda: Trainer().fit(1), "Trainer.fit"),
        (lambda: Trainer.fit(Trainer(), 1), "Trainer.fit"),
        (lambda: Trainer.inner_class(1), "Trainer.inner_class"),
        (lambda: Trainer().outer_class(1), "Trainer.outer_class"),
        (lambda: Trainer.inner_static(1), "Trainer.inner_static"),
        (lambda: Trainer().outer_static(1), "Trainer.outer_static"),
    ],
)
def test_methods_of_all_kinds(events: RecordingSink, call: Callable[[], Any], job: str) -> None:
    assert call() in ([3], [1])
    assert states(events) == [(job, "COMPLETE")]
    assert events.run(job).parameters == {"x": "1"}


def test_name_and_kind_are_what_the_decorator_says(events: RecordingSink) -> None:
    notify("x")
    assert events.run("renamed").facets["weftline_run"]["kind"] == "side_effect"


def test_values_are_the_same_objects(events: RecordingSink) -> None:
    given, answer = object(), object()
    seen = []

    @tracked_task
    def handle(value: object) -> object:
        seen.append(value)
        return answer

    assert handle(given) is answer
    assert seen == [given]


class Odd(Exception):
    pass


@tracked_task
def fail(error: BaseException) -> None:
    raise error


def test_an_exception_is_the_users_with_one_frame_of_ours(events: RecordingSink) -> None:
    error = Odd("wrong")
    with pytest.raises(Odd) as caught:
        fail(error)
    assert caught.value is error
    assert error.__context__ is None
    assert error.__cause__ is None
    assert not getattr(error, "__notes__", [])
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/lineage/" in frame.filename.replace("\\", "/")]
    assert [(frame.name, frame.filename.rpartition("/")[2]) for frame in ours] == [("wrapper", "decorators.py")]
    run = events.run("fail")
    assert run.state == "FAIL"
    message = run.facets["errorMessage"]
    assert message["message"] == "Odd: wrong"
    assert "raise error" in message["stackTrace"]
    assert "lineage/decorators.py" not in message["stackTrace"]
    assert str(Path(__file__).parent) not in message["stackTrace"]


@pytest.mark.parametrize(
    ("error", "state", "outcome"),
    [
        (ValueError("x"), "FAIL", None),
        (KeyboardInterrupt(), "ABORT", "interrupted"),
        (SystemExit(3), "ABORT", "exit"),
        (SystemExit("bye"), "ABORT", "exit"),
        (SystemExit(0), "COMPLETE", None),
        (SystemExit(), "COMPLETE", None),
        (GeneratorExit(), "ABORT", "closed"),
        (asyncio.CancelledError(), "ABORT", "cancelled"),
        (BaseException("x"), "FAIL", None),
    ],
)
def test_how_a_run_ends(events: RecordingSink, error: BaseException, state: str, outcome: str | None) -> None:
    with pytest.raises(type(error)):
        fail(error)
    run = events.run("fail")
    assert run.state == state
    assert run.facets["weftline_run"].get("outcome") == outcome
    assert ("errorMessage" in run.facets) == (state == "FAIL")


def test_secrets_in_a_message_are_redacted_and_long_ones_cut(events: RecordingSink) -> None:
    with pytest.raises(ValueError, match="postgres"):
        fail(ValueError("cannot reach postgres://ana:hunter2hunter2@db/x " + "y" * 10_000))
    message = events.run("fail").facets["errorMessage"]["message"]
    assert "hunter2" not in str(events.events)
    assert len(message) < 2100
    assert message.endswith("characters)")


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_an_exception_without_text_is_still_told(events: RecordingSink) -> None:
    with pytest.raises(Unprintable):
        fail(Unprintable())
    assert events.run("fail").facets["errorMessage"]["message"] == "Unprintable"


def test_wrong_arguments_are_the_users_mistake(events: RecordingSink) -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        double()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert states(events) == [("double", "FAIL")]


async def test_a_coroutine_function(events: RecordingSink) -> None:
    @tracked_task
    async def wait(x: int) -> list[int]:
        await asyncio.sleep(0)
        run = current_run()
        assert run is not None
        assert run.job.endswith("wait")
        return [x]

    assert inspect.iscoroutinefunction(wait)
    assert await wait(1) == [1]
    assert current_run() is None
    assert states(events) == [("wait", "COMPLETE")]


async def test_a_cancelled_coroutine_is_aborted(events: RecordingSink) -> None:
    started = asyncio.Event()

    @tracked_task
    async def wait() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert states(events) == [("wait", "ABORT")]


@tracked_task
def numbers(n: int) -> Generator[int, int, str]:
    total = 0
    for number in range(n):
        assert current_run() is not None
        total += (yield number) or 0
    return f"sum {total}"


def test_a_generators_run_lasts_until_it_is_exhausted(events: RecordingSink) -> None:
    assert inspect.isgeneratorfunction(numbers)
    generator = numbers(3)
    assert events.events == []
    assert next(generator) == 0
    assert current_run() is None
    assert events.run("numbers").state == "START"
    assert generator.send(10) == 1
    assert generator.send(5) == 2
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "sum 15"
    assert states(events) == [("numbers", "COMPLETE")]
    assert [entry["name"] for entry in events.run("numbers").outputs] == ["numbers"]


def test_a_closed_generator_has_done_what_was_wanted(events: RecordingSink) -> None:
    generator = numbers(3)
    next(generator)
    generator.close()
    run = events.run("numbers")
    assert (run.state, run.facets["weftline_run"]["outcome"]) == ("COMPLETE", "closed")
    assert [entry["name"] for entry in run.outputs] == ["numbers"]


def test_a_dropped_generator_is_closed_by_python(events: RecordingSink) -> None:
    generator = numbers(3)
    next(generator)
    del generator
    gc.collect()
    assert states(events) == [("numbers", "COMPLETE")]


def test_exceptions_are_thrown_into_a_generator(events: RecordingSink) -> None:
    @tracked_task
    def patient() -> Generator[str, None, None]:
        try:
            yield "first"
        except Odd:
            yield "caught"

    generator = patient()
    next(generator)
    assert generator.throw(Odd("x")) == "caught"
    assert list(generator) == []
    assert states(events) == [("patient", "COMPLETE")]


def test_a_generator_that_raises_fails(events: RecordingSink) -> None:
    @tracked_task
    def broken() -> Iterator[int]:
        yield 1
        raise Odd("broken")

    with pytest.raises(Odd) as caught:
        list(broken())
    assert [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)][1:] == ["wrapper", "broken"]
    assert states(events) == [("broken", "FAIL")]


def test_two_generators_interleaved_do_not_nest(events: RecordingSink) -> None:
    @tracked_task
    def left() -> Iterator[int]:
        yield from numbers(2)

    pairs = list(zip(left(), numbers(3), strict=False))
    assert pairs == [(0, 0), (1, 1)]
    parents = {(run.job, run.parent is not None) for run in events.runs}
    assert parents == {("left", False), ("numbers", True), ("numbers", False)}
    assert current_run() is None


@tracked_task
async def ticks(n: int) -> AsyncIterator[int]:
    for number in range(n):
        await asyncio.sleep(0)
        assert current_run() is not None
        yield number


async def test_an_asynchronous_generator(events: RecordingSink) -> None:
    assert inspect.isasyncgenfunction(ticks)
    seen = []
    async for number in ticks(3):
        assert current_run() is None
        seen.append(number)
    assert seen == [0, 1, 2]
    assert states(events) == [("ticks", "COMPLETE")]


async def test_a_closed_asynchronous_generator(events: RecordingSink) -> None:
    generator = ticks(3)
    await anext(generator)
    await generator.aclose()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    assert states(events) == [("ticks", "COMPLETE")]
    assert events.run("ticks").facets["weftline_run"]["outcome"] == "closed"


def test_a_class_is_left_alone_with_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    class Thing:
        pass

    assert tracked_task(Thing) is Thing
    assert "decorate functions and methods" in capsys.readouterr().err


def test_partials_and_callable_objects(events: RecordingSink) -> None:
    class Adder:
        def __call__(self, x: int) -> list[int]:
            return [x + 1]

    def plain(x: int, y: int) -> list[int]:
        return [x, y]

    assert tracked_task(functools.partial(plain, y=2))(1) == [1, 2]
    assert tracked_task(Adder())(1) == [2]
    assert [run.job for run in events.runs] == ["plain", "Adder"]


def test_recursion_nests(events: RecordingSink) -> None:
    @tracked_task
    def down(n: int) -> int:
        return 0 if n == 0 else down(n - 1) + 1

    assert down(3) == 3
    runs = events.runs
    assert [run.parent for run in runs] == [None, *(run.id for run in runs[:-1])]


def test_a_flow_names_its_tasks(events: RecordingSink) -> None:
    @tracked_flow
    def nightly() -> list[int]:
        return double(1)

    nightly()
    assert [run.job for run in events.runs] == ["nightly", "nightly.double"]
    assert events.run("nightly.double").parent == events.run("nightly").id
    assert events.run("nightly").facets["weftline_run"]["kind"] == "flow"
