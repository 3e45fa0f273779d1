"""From decorated functions to answers: what the SDK records is one graph, and the questions of `lineage` find it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lineage
from fixtures.asking import Project
from lineage import Dataset, log_metric, process, register_model, tracked_flow, tracked_task
from lineage.errors import ServiceRefused
from lineage.testing import recording

Json = dict[str, Any]
Tell = Callable[[Callable[[], object]], None]


@pytest.fixture
def tell(asking: Project, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Run a pipeline and hand its events to a project of its own, which `lineage`'s questions then go to."""
    monkeypatch.setenv("LINEAGE_URL", asking.server.url)
    monkeypatch.setenv("LINEAGE_PROJECT", asking.name)

    def recorded(pipeline: Callable[[], object]) -> None:
        with recording() as sink:
            pipeline()
            assert process.wait(30)
        asking.send(*sink.events)

    return recorded


@tracked_task
def load(path: Path) -> pd.DataFrame:
    lineage.log_input(path)
    return pd.read_csv(path)


@tracked_task
def double(table: pd.DataFrame) -> pd.DataFrame:
    return table * 2


@tracked_task
def fit(table: pd.DataFrame) -> dict[str, float]:
    log_metric("auc", 0.9)
    return {"mean": float(table["a"].to_numpy().mean())}


@tracked_task
def merge(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts)


@tracked_task
def chunks(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for index in range(len(table)):
        yield table.iloc[index : index + 1]


def source(folder: Path, text: str = "a\n1\n2\n") -> Path:
    file = folder / "raw.csv"
    file.write_text(text)
    return file


def upstream_jobs(answer: Json) -> set[str]:
    return {run["job"]["name"] for run in answer["runs"]}


def test_three_functions_with_nothing_declared_are_one_graph(tell: Tell, tmp_path: Path) -> None:
    file = source(tmp_path)

    @tracked_flow
    def nightly() -> None:
        register_model("churn", fit(double(load(file))))

    tell(nightly)
    answer = lineage.origins("churn")
    assert upstream_jobs(answer) == {"nightly", "nightly.load", "nightly.double", "nightly.fit"}
    assert [found["name"] for found in answer["sources"]] == [str(file)]


def test_the_source_knows_the_model(tell: Tell, tmp_path: Path) -> None:
    file = source(tmp_path)
    tell(lambda: register_model("churn", fit(load(file))))
    answer = lineage.impact(Dataset(file))
    assert "churn" in str(answer["models"])


def test_values_of_many_runs_of_one_job_meet_in_one(tell: Tell, tmp_path: Path) -> None:
    files = []
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        files.append(source(tmp_path / str(number), f"a\n{number}\n"))
    tell(lambda: register_model("churn", fit(merge([load(file) for file in files]))))
    answer = lineage.origins("churn")
    assert {found["name"] for found in answer["sources"]} == {str(file) for file in files}
    assert [run["job"]["name"] for run in answer["runs"]].count("load") == 3


@pytest.mark.parametrize("stop_early", [False, True])
def test_a_stream_is_followed_also_when_its_consumer_has_enough(tell: Tell, tmp_path: Path, stop_early: bool) -> None:
    file = source(tmp_path)

    def pipeline() -> None:
        parts = []
        for part in chunks(load(file)):
            parts.append(double(part))
            if stop_early:
                break
        register_model("churn", fit(merge(parts)))

    tell(pipeline)
    answer = lineage.origins("churn")
    assert upstream_jobs(answer) >= {"load", "chunks", "double", "merge", "fit"}
    assert [found["name"] for found in answer["sources"]] == [str(file)]


def test_a_question_without_an_answer_says_so(tell: Tell) -> None:
    tell(lambda: fit(pd.DataFrame({"a": [1]})))
    with pytest.raises(ServiceRefused, match="churn"):
        lineage.origins("churn")
