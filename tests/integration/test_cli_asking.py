"""The asking commands against a real service: what they print, `--json`, and exit codes 0, 1, 2 and 3."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixtures.asking import DIRTY_CODE, Project, model_history
from fixtures.command import Command
from fixtures.run_shapes import dataset, digest, run_event, run_id, version
from fixtures.server import free_port


def test_runs_are_listed_newest_first(asking: Project, asked: Command) -> None:
    asking.send(*model_history())
    shown = asked("runs")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0].split() == ["RUN", "JOB", "STATE", "STARTED", "TOOK", "METRICS"]
    assert lines[1].split()[1:3] == ["train", "COMPLETE"]
    assert "auc 0.941" in lines[1]
    assert [run["job"]["name"] for run in asked("runs", "--json").json["items"]] == ["train", "clean"]
    assert [run["job"]["name"] for run in asked("runs", "--job", "clean", "--json").json["items"]] == ["clean"]
    assert [run["job"]["name"] for run in asked("runs", "-n", "1", "--json").json["items"]] == ["train"]


def test_an_empty_project_says_how_to_begin(asked: Command) -> None:
    shown = asked("runs")
    assert (shown.code, shown.out) == (0, "")
    assert "@tracked_task" in shown.err
    assert "no such runs" in asked("runs", "--state", "fail").err


def test_origins_draw_the_tree_and_what_is_missing(asking: Project, asked: Command) -> None:
    asking.send(*model_history(code=DIRTY_CODE))
    shown = asked("origins", "churn")
    assert shown.code == 0
    for part in (
        "churn v1", "sha256:999999999999…", "by ana", "run train", "auc 0.941", "passed from clean", "s3://lake/raw.csv",
        "source: no producer known", "dddddddddd (dirty, diff kept)", "1 package", "1 passed, 1 failed (drift)",
        "seed of run train: not set", "lineage gate churn",
    ):  # fmt: skip
        assert part in shown.out
    version_id = asked("origins", "churn@1", "--json").json["version"]["id"]
    assert asked("origins", version_id, "--json").json["version"]["id"] == version_id
    assert asked("origins", "churn@sha256:99999999", "--json").json["version"]["id"] == version_id


def test_the_answer_is_no_with_exit_code_one(asking: Project, asked: Command) -> None:
    asking.send(*model_history())
    for arguments in (["origins", "nothing"], ["origins", "churn@9"], ["show", "nothing"], ["trace", "nothing"]):
        shown = asked(*arguments)
        assert (shown.code, shown.out) == (1, ""), arguments
        assert shown.err.startswith("error: ")


def test_several_candidates_are_usage_with_the_list(asking: Project, asked: Command) -> None:
    asking.send(*model_history())
    shown = asked("show", run_id(1)[:8])
    assert shown.code == 2
    assert run_id(1) in shown.err
    assert run_id(2) in shown.err
    asking.send(run_event("COMPLETE", 50, "churn", 5))
    assert asked("show", "churn").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["show"],
        ["nothing"],
        ["show", "dataset:x"],
        ["trace", "x", "--up", "--down"],
        ["runs", "--limit", "0"],
        ["impact", "subject:a"],
    ],
)
def test_usage_is_exit_code_two(asked: Command, arguments: list[str]) -> None:
    shown = asked(*arguments)
    assert (shown.code, shown.out) == (2, "")
    assert shown.err


def test_trace_goes_both_ways_and_takes_paths(
    asking: Project, asked: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "data.csv"
    source.write_text("x")
    named = dataset(str(source), "file", **digest("7"))
    asking.send(
        run_event("START", 1, "use", 1, inputs=[named]),
        run_event("COMPLETE", 2, "use", 1, outputs=[dataset("out", **version("1"))]),
    )
    down = asked("trace", str(source), "--down")
    assert [line.strip("└─ ").split("  ")[0] for line in down.out.splitlines()] == [
        str(source), "run use 00000000-0000", "warehouse:out",
    ]  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert asked("trace", "data.csv", "--down").out == down.out
    up = asked("trace", "dataset:warehouse#out@1")
    assert str(source) in up.out.splitlines()[-1]
    cut = asked("trace", "dataset:warehouse#out@1", "--depth", "1")
    assert "there is more" in cut.out
    paged = asked("trace", "dataset:warehouse#out@1", "--json", "-n", "1").json
    assert len([node for node in paged["nodes"] if node["depth"] is not None]) == 1


def test_show_names_neighbours_and_captured_lists_everything(asking: Project, asked: Command) -> None:
    asking.send(*model_history())
    shown = asked("show", run_id(2))
    for part in ("metric.auc", "0.941", "read ", "made ", "started by", "environment", "missing: seed (not set)"):
        assert part in shown.out
    lead = [line.split() for line in shown.out.splitlines()[3:6]]
    assert lead[:2] == [["code", "cccccccccc"], ["Python", "3.11.7"]]
    assert " ".join(lead[2]) == "checks 1 passed, 1 failed (drift)"
    assert "v1   registered " in asked("show", "model:churn").out
    assert "stage=test" in asked("show", "model:churn").out
    captured = asked("show", run_id(2), "--captured")
    assert 'run.facets.weftline_actor.user  "ana"' in captured.out
    assert captured.out.count("record ") == 3
    assert asked("show", run_id(2), "--captured", "--json").json["items"][0]["event"]["eventType"] == "START"
    assert asked("show", "model:churn", "--captured").code == 2
    assert "version of" in asked("show", "model:churn").out


def test_impact_lists_models_first(asking: Project, asked: Command) -> None:
    asking.send(*model_history())
    shown = asked("impact", "dataset:s3://lake#raw.csv")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[0].startswith("1 derived version, 1 model version, 0 deployments")
    assert "churn" in lines[1]
    assert "v1" in lines[1]
    assert "features.csv" in lines[2]


def test_gate_ends_with_one_when_refused(asking: Project, asked: Command, tmp_path: Path) -> None:
    asking.send(*model_history(code=DIRTY_CODE))
    shown = asked("gate", "churn")
    assert shown.code == 1
    assert shown.out.startswith("refused: 1 of 3 rules")
    assert "churn ← run train ← code dddddddddddd+diff" in shown.out
    policy = tmp_path / "policy.yaml"
    policy.write_text("rules:\n  - missing_digest\n  - unknown_origin\n")
    allowed = asked("gate", "churn@1", "--policy", str(policy))
    assert (allowed.code, allowed.out.startswith("allowed: 2 rules")) == (0, True)
    as_json = tmp_path / "policy.json"
    as_json.write_text(json.dumps({"rules": [{"rule": "dirty_code"}]}))
    verdict = asked("gate", "churn", "--policy", str(as_json), "--json")
    assert (verdict.code, verdict.json["allowed"]) == (1, False)
    assert asked("gate", "nothing").code == 1


@pytest.mark.parametrize("text", ["rules: [licence]", "rules: []", "[", "rules: 7", "other: x"])
def test_a_policy_file_that_says_nothing_is_usage(asked: Command, tmp_path: Path, text: str) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(text)
    shown = asked("gate", "churn", "--policy", str(policy))
    assert shown.code == 2
    assert str(policy) in shown.err


def test_aliases_are_said_and_taken_back(asking: Project, asked: Command) -> None:
    asking.send(run_event("COMPLETE", 1, "make", 1, outputs=[dataset("raw", **version("v1"))]))
    said = asked("datasets", "alias", "dataset:warehouse#old", "raw")
    assert (said.code, said.out) == (0, "warehouse old is another name of warehouse raw\n")
    assert asked("trace", "dataset:warehouse#old").out == asked("trace", "dataset:warehouse#raw").out
    rows = [line.split() for line in asked("datasets", "list").out.splitlines()]
    assert rows[1:] == [
        ["old", "dataset:warehouse#old", "other", "name"], ["raw", "dataset:warehouse#raw", "dataset:warehouse#old"],
    ]  # fmt: skip
    assert asked("datasets", "alias", "raw", "raw").code == 2
    before = asking.get("/runs")["as_of"]
    nothing = asked("datasets", "unalias", "dataset:warehouse#new", "raw")
    assert (nothing.code, "is no other name of" in nothing.err) == (1, True)
    assert asking.get("/runs")["as_of"] == before
    assert asked("datasets", "unalias", "dataset:warehouse#old", "raw").code == 0
    assert asked("datasets", "unalias", "dataset:warehouse#old", "raw").code == 1
    found = asking.get("/resolve", kind="dataset", namespace="warehouse", name="old")["candidates"]
    assert found[0]["canonical"] == found[0]["id"]


def test_names_work_as_they_are_listed(
    asking: Project, asked: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no datasets yet" in asked("datasets", "list").err
    names = ["raw/users.csv", "clean/users.csv"]
    asking.send(
        run_event("COMPLETE", 1, "make", 1, outputs=[dataset(name, "s3://lake", **digest("7")) for name in names])
    )
    monkeypatch.chdir(tmp_path)
    listed = [line.split() for line in asked("datasets", "list").out.splitlines()[1:]]
    assert [name for name, _ in listed] == sorted(names)
    for name, ref in listed:
        shown = asked("show", name)
        assert (shown.code, shown.out) == (0, asked("show", ref).out)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/users.csv").write_text("another thing")
    assert asked("show", "raw/users.csv").code == 1


def test_only_datasets_get_other_names(asking: Project, asked: Command) -> None:
    asking.send(*model_history(), run_event("COMPLETE", 50, "churn", 5))
    assert asked("datasets", "alias", "dataset:warehouse#old", "churn").code == 0
    refused = asked("datasets", "alias", "dataset:warehouse#old", "train")
    assert (refused.code, "is a Job, no dataset" in refused.err) == (2, True)


def test_models_are_listed_with_their_numbers(asking: Project, asked: Command) -> None:
    assert "register_model" in asked("models", "list").err
    asking.send(*model_history())
    assert asked("models", "list").out.splitlines()[1].split()[:2] == ["churn", "v1"]
    assert asked("models", "list", "--json").json["items"][0]["latest"]["number"] == 1


def test_a_file_is_registered_by_hand(
    asking: Project, asked: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAGE_HOME", str(tmp_path / "home"))
    model = tmp_path / "model.bin"
    model.write_bytes(b"weights")
    first = asked("models", "register", "byhand", str(model), "--tag", "stage=trial", "--json").json
    assert first["version"]["number"] == 1
    assert first["version"]["registrations"][0]["tags"] == {"stage": "trial"}
    model.write_bytes(b"other weights")
    assert asked("models", "register", "byhand", str(model)).out.startswith("byhand v2")
    assert asked("models", "register", "byhand", str(model), "--tag", "nonsense").code == 2
    assert asked("models", "register", "byhand", str(tmp_path / "none")).code == 2


def test_another_project_is_asked_on_demand(asking: Project, asked: Command) -> None:
    asking.send(*model_history())
    assert asked("runs", "--project", "asking/empty", "--json").json["items"] == []
    assert asked("runs", "--project", "no slash").code == 2


def test_nobody_there_is_exit_code_three(lineage: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_URL", f"http://127.0.0.1:{free_port()}")
    shown = lineage("runs")
    assert (shown.code, shown.out) == (3, "")
    assert "LINEAGE_URL" in shown.err


def test_a_name_cannot_steer_the_terminal(asking: Project, asked: Command) -> None:
    hostile = "job\x1b[2J\u202e\x9b31m"
    event = run_event("COMPLETE", 1, hostile, 1, inputs=[dataset("in\x1b]0;x\x07", **version("1\x1b[31m"))])
    asking.send(event)
    for arguments in (["runs"], ["show", run_id(1)], ["show", run_id(1), "--captured"], ["trace", run_id(1)],
                      ["runs", "--json"], ["datasets", "list"], ["show", "\x1b[2J"]):  # fmt: skip
        shown = asked(*arguments)
        text = shown.out + shown.err
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text), arguments
        assert text
