"""What docs/sdk.md says of edges, ends of runs and its first example holds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lineage import tracked_task
from lineage.testing import RecordingSink, recording

PAGE = Path(__file__).parents[2] / "docs" / "sdk.md"


@pytest.fixture
def events() -> Iterator[RecordingSink]:
    with recording() as sink:
        yield sink


@tracked_task
def give(make: Callable[[], Any]) -> Any:
    return make()


@tracked_task
def rows() -> Iterator[list[float]]:
    yield [0.5, 0.75]


@tracked_task
def take(value: Any) -> None:
    pass


def followed(sink: RecordingSink) -> bool:
    (run,) = [run for run in sink.runs if run.job == "take"]
    return bool(run.inputs)


@pytest.mark.parametrize(
    "hand_over",
    [
        lambda: take(give(lambda: [1, 2, 3])),
        lambda: take([give(lambda: [1, 2, 3])]),
        lambda: take({"a": give(lambda: [1, 2, 3])}),
        lambda: take(give(lambda: {"a": [1], "b": [2]})["a"]),
        lambda: take(give(lambda: ([1], [2]))[1]),
        lambda: take(list(rows())),
        lambda: take(give(lambda: 1000 + len(sys.argv))),
        lambda: take(give(lambda: pd.DataFrame({"a": [1]}))),
    ],
)
def test_what_the_page_says_is_followed_is(hand_over: Callable[[], None], events: RecordingSink) -> None:
    hand_over()
    assert followed(events)


@pytest.mark.parametrize(
    "hand_over",
    [
        lambda: take(give(lambda: 3)),
        lambda: take(give(lambda: True)),
        lambda: take(give(lambda: "ok")),
        lambda: take({"a": [give(lambda: [1, 2, 3])]}),
        lambda: take(give(lambda: {"a": {"b": [1]}})["a"]["b"]),
        lambda: take(give(lambda: [1, 2, 3])[:2]),
        lambda: take(list(give(lambda: [1, 2, 3]))),
        lambda: take(give(lambda: pd.DataFrame({"a": [1]})).head(1)),
        lambda: take(give(lambda: pd.DataFrame({"a": [1]}))["a"]),
    ],
)
def test_what_the_page_says_is_not_followed_is_not(hand_over: Callable[[], None], events: RecordingSink) -> None:
    hand_over()
    assert not followed(events)


def test_a_float_of_the_source_code_is_not_followed(events: RecordingSink) -> None:
    @tracked_task
    def share() -> float:
        return 0.25

    take(share())
    assert not followed(events)


def test_asked_for_reasons_it_says_which_value_cannot_be_followed(
    events: RecordingSink, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(lambda: 3)
    assert "cannot be followed" not in capsys.readouterr().err
    monkeypatch.setenv("LINEAGE_DEBUG", "1")
    give(lambda: 3)
    assert "give returned a int that cannot be followed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "state", "outcome"),
    [(None, "COMPLETE", None), (0, "COMPLETE", None), (3, "ABORT", "exit"), ("no", "ABORT", "exit")],
)
def test_an_exit_ends_a_run_as_the_page_says(
    code: int | str | None, state: str, outcome: str | None, events: RecordingSink
) -> None:
    @tracked_task
    def leave() -> None:
        sys.exit(code)

    with pytest.raises(SystemExit):
        leave()
    found = events.run("leave")
    assert (found.state, found.facets["weftline_run"].get("outcome")) == (state, outcome)


def test_a_traceback_shows_one_frame_of_ours(events: RecordingSink) -> None:
    @tracked_task
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        fail()
    files = [Path(str(entry.path)) for entry in caught.traceback]
    assert [path.name for path in files if path.parent.name == "lineage"] == ["decorators.py"]
    assert caught.traceback[-2].name == "wrapper"


def test_the_first_example_writes_what_it_declares(
    events: RecordingSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    source = PAGE.read_text().split("```python\n")[1].partition("```")[0]
    exec(compile(source, "example", "exec"), {"__name__": "example"})
    found = events.run("nightly.clean")
    assert found.facets["weftline_run"]["missing"] == []
    assert found.outputs[0]["name"] == str(tmp_path / "clean.csv")
    assert "weftline_digest" in found.outputs[0]["facets"]
    assert capsys.readouterr().err == ""
