"""Autocapture tells the user's reads from ours, and what is appended to from what is new."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import lineage
from lineage import autocapture
from lineage.testing import RecordingSink, recording


@pytest.fixture(autouse=True)
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingSink]:
    """The events recorded in a user's working folder, with autocapture on."""
    monkeypatch.setenv("LINEAGE_HOME", str(tmp_path / ".lineage"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    autocapture()
    with recording() as sink:
        yield sink
    autocapture.stop()


def names(entries: list[dict[str, Any]]) -> list[str]:
    return [Path(entry["name"]).name for entry in entries]


def _text(path: str, mode: str = "w") -> None:
    with open(path, mode) as file:
        file.write("x\n")


WRITES: dict[str, Callable[[], object]] = {
    "text": lambda: _text("zz.txt"),
    "pandas csv": lambda: pd.DataFrame({"a": [1]}).to_csv("zz.csv"),
    "pandas parquet": lambda: pd.DataFrame({"a": [1]}).to_parquet("zz.parquet"),
    "polars arrow": lambda: pl.DataFrame({"a": [1]}).write_ipc("zz.arrow"),
}


@pytest.mark.parametrize("how", WRITES)
def test_our_look_at_what_a_task_wrote_is_no_read_of_its_flow(how: str, events: RecordingSink) -> None:
    @lineage.tracked_task
    def write() -> None:
        WRITES[how]()

    @lineage.tracked_flow
    def flow() -> None:
        write()

    flow()
    assert [name.partition(".")[0] for name in names(events.run("flow.write").outputs)] == ["zz"]
    assert events.run("flow").inputs == []
    assert events.run("flow").outputs == []


def test_our_look_at_declared_files_is_no_read_of_anybody(events: RecordingSink) -> None:
    for name in ("in.csv", "out.csv", "model.bin"):
        _text(name)

    @lineage.tracked_task(inputs=["in.csv"], outputs=["out.csv"])
    def step() -> None:
        lineage.log_output("out.csv")
        lineage.log_file("out.csv")

    with lineage.run("around"):
        step()
        with lineage.run("inner"):
            lineage.register_model("m", "model.bin")
    assert names(events.run("step").inputs) == ["in.csv"]
    assert names(events.run("inner").inputs) == ["model.bin"]
    assert events.run("around").inputs == []


def test_a_flow_that_reads_what_its_task_wrote_has_read_it(events: RecordingSink) -> None:
    @lineage.tracked_task
    def write() -> None:
        _text("zz.txt")

    @lineage.tracked_flow
    def flow() -> str:
        write()
        return Path("zz.txt").read_text()

    flow()
    assert names(events.run("flow").inputs) == ["zz.txt"]


APPENDS: dict[str, Callable[[], object]] = {
    "open": lambda: _text("log.csv", "a"),
    "open to read too": lambda: _text("log.csv", "a+"),
    "pandas": lambda: pd.DataFrame({"a": [1]}).to_csv("log.csv", mode="a"),
}


@pytest.mark.parametrize("how", APPENDS)
def test_appending_to_a_file_takes_its_earlier_content_as_input(how: str, events: RecordingSink) -> None:
    _text("log.csv")
    before = hashlib.sha256(Path("log.csv").read_bytes()).hexdigest()
    with lineage.run("append"):
        APPENDS[how]()
        APPENDS[how]()
    (read,), (written,) = events.runs[0].inputs, events.runs[0].outputs
    assert names([read, written]) == ["log.csv", "log.csv"]
    assert read["facets"]["weftline_digest"]["value"] == before
    assert written["facets"]["weftline_digest"]["value"] == hashlib.sha256(Path("log.csv").read_bytes()).hexdigest()


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("how", APPENDS)
def test_appending_to_nothing_is_writing_alone(how: str, there: bool, events: RecordingSink) -> None:
    if there:
        os.close(os.open("log.csv", os.O_CREAT | os.O_WRONLY))
    with lineage.run("append"):
        APPENDS[how]()
        APPENDS[how]()
    assert events.runs[0].inputs == []
    assert names(events.runs[0].outputs) == ["log.csv"]
