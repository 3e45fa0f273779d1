"""A tree that stops before the end says so, scripts are named with their runs, and nobody is asked by mistake."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.asking import Project, model_history
from fixtures.command import Command
from fixtures.run_shapes import run_id

Json = dict[str, Any]
SOURCE = "source: no producer known"


def test_a_cut_off_tree_is_no_source(asking: Project, asked: Command) -> None:
    asking.send(*model_history())
    whole = asked("trace", "model:churn").out
    assert whole.count(SOURCE) == 1
    assert "cut off" not in whole
    for options in (["--depth", "0"], ["--depth", "1"], ["--depth", "2"], ["-n", "1"], ["-n", "3"]):
        shown = asked("trace", "model:churn", *options).out
        assert SOURCE not in shown, options
        assert shown.count("… cut off here") == 1, options
        assert "unknown: the answer is cut" in shown
    down = asked("trace", "dataset:s3://lake#raw.csv", "--down", "--depth", "1").out
    assert down.count("… cut off here") == 1


def test_what_was_not_known_yet_is_no_source(asking: Project, asked: Command) -> None:
    asking.send(*model_history()[2:])
    then = asking.get("/runs")["as_of"]
    asking.send(*model_history()[:2])
    features = "dataset:s3://lake#features.csv"
    shown = asked("trace", features, "--known-at", str(then)).out
    assert SOURCE not in shown
    assert "not known at that time" in shown
    assert f"the answer is cut at record {then}" in shown
    assert SOURCE in asked("trace", features).out


def with_script(events: list[Json], scripts: dict[str, str]) -> list[Json]:
    for event in events:
        code = event["run"]["facets"].get("weftline_codeVersion")
        if code is not None:
            event["run"]["facets"]["weftline_codeVersion"] = {**code, "entryPoint": scripts[event["run"]["runId"]]}
    return events


def test_scripts_are_those_of_the_runs(asking: Project, asked: Command) -> None:
    asking.send(*with_script(model_history(), {run_id(1): "clean.py", run_id(2): "train.py"}))
    shown = asked("origins", "churn").out
    assert "code: cccccccccc   train.py, clean.py" in shown
    assert any("run clean" in line and line.endswith("script clean.py") for line in shown.splitlines())


def test_one_script_is_named_once(asking: Project, asked: Command) -> None:
    asking.send(*with_script(model_history(), {run_id(1): "all.py", run_id(2): "all.py"}))
    assert asked("origins", "churn").out.count("all.py") == 1


@pytest.mark.parametrize(
    ("name", "value"), [("LINEAGE_URL", "localhost:7070"), ("LINEAGE_URL", "ftp://x"), ("LINEAGE_PROJECT", "no-slash")]
)
def test_a_setting_that_does_not_parse_is_never_passed_over(
    asked: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    sync = [["spool", "sync"]] if name == "LINEAGE_URL" else []
    for arguments in (["runs"], ["origins", "x"], ["gate", "x"], ["models", "register", "x", "."], *sync):
        shown = asked(*arguments)
        assert (shown.code, shown.out) == (2, ""), arguments
        assert f"error: {name}: " in shown.err
    checked = asked("doctor")
    assert checked.code == 1
    assert any(line.startswith("✗") and name in line for line in checked.out.splitlines())


def test_states_are_named(asking: Project, asked: Command) -> None:
    asking.send(*model_history())
    assert len(asked("runs", "--state", "complete", "--json").json["items"]) == 2
    wrong = asked("runs", "--state", "failed")
    assert (wrong.code, "COMPLETE, FAIL" in wrong.err) == (2, True)


def test_a_model_without_a_name_is_not_registered(asked: Command) -> None:
    shown = asked("models", "register", " ", ".")
    assert (shown.code, "NAME is empty" in shown.err) == (2, True)
