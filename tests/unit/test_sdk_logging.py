"""What a run can be told: parameters, metrics, datasets, checks, deployments, predictions, tags."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lineage import (
    Dataset,
    Model,
    current_run,
    log_check,
    log_deployment,
    log_file,
    log_input,
    log_metric,
    log_metrics,
    log_output,
    log_param,
    log_predictions,
    run,
    tag,
    tracked_task,
)
from lineage.testing import RecordingSink, recording


@pytest.fixture
def events() -> Iterator[RecordingSink]:
    with recording() as sink, run("r"):
        yield sink


def test_each_call_is_one_event_with_its_increment(events: RecordingSink) -> None:
    before = len(events.events)
    log_param("lr", 0.1)
    log_metrics({"auc": 0.9, "loss": 0.1})
    tag("kind", "debug")
    later = events.events[before:]
    assert [event["eventType"] for event in later] == ["RUNNING"] * 3
    evidence = {"weftline_codeVersion", "weftline_environment"}
    assert [set(event["run"]["facets"]) - evidence for event in later] == [
        {"executionParameters", "weftline_parameters"},
        {"weftline_metrics"},
        {"tags"},
    ]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.1, "float", "0.1"),
        (2**64, "int", "18446744073709551616"),
        (None, "json", "null"),
        ([1, "a"], "json", '[1, "a"]'),
        (Path("x") / "y", "string", "x/y"),
        (datetime(2026, 1, 1, tzinfo=UTC), "datetime", "2026-01-01T00:00:00.000000Z"),
    ],
)
def test_parameters_are_typed(events: RecordingSink, value: Any, kind: str, text: str) -> None:
    log_param("p", value)
    facets = events.events[-1]["run"]["facets"]
    assert facets["executionParameters"]["parameters"] == [{"key": "p", "value": text}]
    assert facets["weftline_parameters"]["types"] == {"p": kind}


class Loud:
    def __repr__(self) -> str:
        raise AssertionError("a value of a user was printed")

    __str__ = __repr__
    __format__ = __repr__  # type: ignore[assignment]


def test_what_is_no_parameter_is_refused_and_never_printed(
    events: RecordingSink, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(events.events)
    log_param("loud", Loud())
    log_param("frame", pd.DataFrame({"a": [1]}))
    log_param("array", np.zeros(1000))
    assert len(events.events) == before
    assert "'loud'" in capsys.readouterr().err


def test_arguments_that_are_no_scalars_are_never_printed(events: RecordingSink) -> None:
    @tracked_task
    def train(model: Loud, frame: Any, lr: float = 0.1) -> None:
        pass

    train(Loud(), pd.DataFrame({"a": [1]}))
    assert events.run("train").parameters == {"lr": "0.1"}


def test_params_chooses_the_arguments(events: RecordingSink) -> None:
    @tracked_task(params=["config"])
    def train(config: dict[str, Any], lr: float) -> None:
        pass

    @tracked_task(params=())
    def score(lr: float) -> None:
        pass

    train({"depth": 3, "names": ["a"]}, 0.1)
    score(0.1)
    assert events.run("train").parameters == {"config": '{"depth": 3, "names": ["a"]}'}
    assert events.run("score").parameters == {}


def test_secrets_are_redacted_everywhere(events: RecordingSink) -> None:
    secret = "hunter2hunter2hunter2"

    @tracked_task
    def connect(password: str, url: str, api_token: str = "tok-" + secret) -> None:
        pass

    connect(secret, f"postgres://ana:{secret}@db:5432/x")
    log_param("db_password", secret)
    log_param("pin_password", 123456789)
    log_param("config", {"password": secret})
    tag("url", f"https://u:{secret}@host/")
    log_check("c", False, expected=f"password={secret}", actual=1)
    log_deployment("churn", "prod", endpoint=f"https://u:{secret}@host/")
    log_input(f"postgres://ana:{secret}@db:5432/shop?table=users")
    assert secret not in str(events.events)
    assert "123456789" not in str(events.events)


def test_long_text_is_cut(events: RecordingSink) -> None:
    log_param("text", "y" * 50_000)
    text = events.run("r").parameters["text"]
    assert text.startswith("yyy")
    assert text.endswith("(50000 characters)")
    assert len(text) < 2100


def test_a_metric_has_type_time_and_slice(events: RecordingSink) -> None:
    log_metric("auc", np.float32(0.5), timestamp=datetime(2026, 1, 1, tzinfo=UTC), slice={"country": "NZ", "age": 3})
    assert events.events[-1]["run"]["facets"]["weftline_metrics"]["metrics"] == [
        {
            "name": "auc",
            "type": "float",
            "value": "0.5",
            "timestamp": "2026-01-01T00:00:00.000000Z",
            "slice": {"country": "NZ", "age": "3"},
        }
    ]
    log_metric("n", 2**60, timestamp=0)
    assert events.events[-1]["run"]["facets"]["weftline_metrics"]["metrics"][0] == {
        "name": "n",
        "type": "int",
        "value": str(2**60),
        "timestamp": "1970-01-01T00:00:00.000000Z",
    }


def test_nan_and_infinities_are_told_by_name(events: RecordingSink) -> None:
    log_metrics({"a": float("nan"), "b": float("inf"), "c": -np.inf})
    assert events.run("r").metrics == {"a": "NaN", "b": "Infinity", "c": "-Infinity"}


def test_a_step_is_refused_with_what_to_do(events: RecordingSink, capsys: pytest.CaptureFixture[str]) -> None:
    before = len(events.events)
    log_metric("loss-with-step", 0.3, step=1)
    log_metrics({"loss-with-steps": 0.3}, step=1)
    assert len(events.events) == before
    told = capsys.readouterr().err
    assert "log_metric('loss-with-step', step=…): not recorded" in told
    assert "without step" in told


@pytest.mark.parametrize("value", ["high", None, [1], Loud()])
def test_a_metric_must_be_a_number(events: RecordingSink, value: Any) -> None:
    before = len(events.events)
    log_metric("auc", value)
    assert len(events.events) == before


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 300, 3, None, "\x1b[31m"])
def test_names_are_printable_text(events: RecordingSink, name: Any) -> None:
    before = len(events.events)
    log_metric(name, 1)
    log_param(name, 1)
    tag(name)
    log_check(name, True)
    assert len(events.events) == before


def test_datasets_in_and_out(events: RecordingSink, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n1,2\n")
    log_input("s3://bucket/raw.csv")
    log_input(Dataset("postgres://h:5432", "db.public.users", version="7"))
    log_output(file)
    found = events.run("r")
    assert [(entry["namespace"], entry["name"]) for entry in found.inputs] == [
        ("s3://bucket", "raw.csv"),
        ("postgres://h:5432", "db.public.users"),
    ]
    assert found.inputs[1]["facets"]["version"]["datasetVersion"] == "7"
    (written,) = found.outputs
    assert (written["namespace"], written["name"]) == ("file", str(file))
    assert written["facets"]["weftline_digest"]["value"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_what_names_no_dataset_is_refused(events: RecordingSink, capsys: pytest.CaptureFixture[str]) -> None:
    before = len(events.events)
    log_input(pd.DataFrame({"a": [1]}))  # pyright: ignore[reportArgumentType]
    log_output("")
    assert len(events.events) == before
    assert "DataFrame" in capsys.readouterr().err


def test_declared_datasets(events: RecordingSink, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"

    @tracked_task(inputs=["s3://bucket/raw.csv"], outputs=lambda path: [Dataset(path)])
    def clean(path: Path) -> None:
        path.write_text("done")

    clean(target)
    found = events.run("clean")
    assert [entry["name"] for entry in found.events[0]["inputs"]] == ["raw.csv"]
    assert "outputs" not in found.events[0]
    (output,) = found.events[-1]["outputs"]
    assert output["facets"]["weftline_digest"]["value"] == hashlib.sha256(b"done").hexdigest()


def test_one_dataset_needs_no_list(events: RecordingSink) -> None:
    @tracked_task(inputs="s3://bucket/raw.csv", outputs=lambda name: Dataset(f"s3://bucket/{name}"))
    def clean(name: str) -> None:
        pass

    clean("done.csv")
    found = events.run("clean")
    assert [entry["name"] for entry in (*found.inputs, *found.outputs)] == ["raw.csv", "done.csv"]


def test_a_failed_run_claims_no_outputs(events: RecordingSink, tmp_path: Path) -> None:
    @tracked_task(outputs=[tmp_path / "out.csv"])
    def clean() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        clean()
    assert events.run("clean").outputs == []


def test_a_broken_declaration_costs_only_itself(events: RecordingSink, capsys: pytest.CaptureFixture[str]) -> None:
    @tracked_task(inputs=lambda nothing_of_the_kind: [nothing_of_the_kind], outputs=lambda: [object(), "s3://b/ok"])
    def clean() -> int:
        return 1

    assert clean() == 1
    found = events.run("clean")
    assert found.state == "COMPLETE"
    assert found.inputs == []
    assert [entry["name"] for entry in found.outputs] == ["ok"]
    assert "inputs= could not be worked out" in capsys.readouterr().err


def test_what_is_declared_and_not_there_is_missing(
    events: RecordingSink, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [
        str(tmp_path / name) for name in ("in.csv", "read.csv", "logged.csv", "file.bin", "below/scores", "out.csv")
    ]

    @tracked_task(inputs=names[:1], outputs=[names[5]])
    def step() -> None:
        log_input(names[1])
        log_output(names[2])
        log_output(names[2])
        log_file(names[3])
        log_predictions(names[4], "churn")

    step()
    found = events.run("step")
    absent = [{"what": name, "why": "declared, but there is no such file"} for name in names]
    assert found.events[0]["run"]["facets"]["weftline_run"]["missing"] == absent[:1]
    assert found.facets["weftline_run"]["missing"] == absent
    assert events.run("r").facets["weftline_run"]["missing"] == []
    told = capsys.readouterr().err
    assert [told.count(f"{name} is declared, but there is no such file") for name in names] == [1] * len(names)


def test_only_a_path_of_this_machine_can_be_seen_to_be_missing(events: RecordingSink, tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("a")
    for place in ("s3://bucket/in.csv", Dataset("postgres://host:5432", "db.public.t"), Model("m"), tmp_path):
        log_input(place)
        log_output(tmp_path / "there.csv")
    current = current_run()
    assert current is not None
    assert current.missing == []


def test_log_file_is_an_output_with_digest_and_label(events: RecordingSink, tmp_path: Path) -> None:
    file = tmp_path / "matrix.png"
    file.write_bytes(b"png")
    log_file(file, name="confusion matrix")
    (entry,) = events.run("r").outputs
    assert entry["facets"]["datasetType"]["datasetType"] == "FILE"
    assert entry["facets"]["documentation"]["description"] == "confusion matrix"
    assert entry["facets"]["weftline_digest"]["value"] == hashlib.sha256(b"png").hexdigest()


def test_checks(events: RecordingSink) -> None:
    log_check("no nulls", False, dataset=Dataset("s3://b/raw.csv"), severity="error", expected=0, actual=12)
    (check,) = events.events[-1]["run"]["facets"]["weftline_checks"]["checks"]
    assert check == {
        "name": "no nulls",
        "success": False,
        "severity": "error",
        "expected": "0",
        "actual": "12",
        "subject": {"namespace": "s3://b", "name": "raw.csv"},
    }


@pytest.mark.parametrize("success", [True, False, np.bool_(True), np.bool_(False)])
def test_a_check_takes_a_bool(events: RecordingSink, success: Any) -> None:
    log_check("fresh", success)
    (check,) = events.events[-1]["run"]["facets"]["weftline_checks"]["checks"]
    assert check == {"name": "fresh", "success": bool(success)}
    assert type(check["success"]) is bool


@pytest.mark.parametrize("success", ["failed", "True", 1, 0, None, 0.5, [], np.int64(1), np.array([True, False])])
def test_a_check_is_not_taken_by_its_truth(
    events: RecordingSink, success: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(events.events)
    log_check("c", success)
    assert len(events.events) == before
    assert f"log_check('c'): not recorded, success must be True or False, not a {type(success).__name__}; pass" in (
        capsys.readouterr().err
    )


def test_deployments(events: RecordingSink) -> None:
    log_deployment(Model("churn", "sha256:" + "a" * 64), "production", endpoint="https://x/score")
    (item,) = events.events[-1]["run"]["facets"]["weftline_deployments"]["deployments"]
    assert item == {
        "target": "production",
        "endpoint": "https://x/score",
        "model": {"namespace": "models", "name": "churn", "version": "sha256:" + "a" * 64},
    }


def test_predictions_make_the_model_an_input(events: RecordingSink) -> None:
    log_predictions("s3://b/scores.csv", Model("churn", "sha256:" + "a" * 64))
    found = events.run("r")
    assert found.outputs[0]["facets"]["weftline_predictions"]["model"]["name"] == "churn"
    (model,) = found.inputs
    assert (model["namespace"], model["name"]) == ("models", "churn")
    assert model["facets"]["weftline_digest"]["value"] == "a" * 64
    assert "version" not in model["facets"]
    assert model["facets"]["datasetType"]["datasetType"] == "MODEL"


def test_tags(events: RecordingSink) -> None:
    tag("kind", "debug")
    tag("debug")
    tags = [event["run"]["facets"]["tags"]["tags"][0] for event in events.events if "tags" in event["run"]["facets"]]
    assert [(item["key"], item["value"]) for item in tags] == [("kind", "debug"), ("debug", "true")]


@pytest.mark.parametrize(
    ("call", "missing"),
    [
        ({"random_state": None}, ["random_state not set"]),
        ({"seed": None}, ["seed not set"]),
        ({"seed": 42}, []),
        ({"seed": 0}, []),
    ],
)
def test_an_open_seed_is_missing_evidence(events: RecordingSink, call: dict[str, Any], missing: list[str]) -> None:
    @tracked_task
    def train(**options: Any) -> None:
        pass

    train(**call)
    told = events.run("train").facets["weftline_run"]["missing"]
    assert [(item["what"], item["why"]) for item in told] == [("seed", why) for why in missing]


def test_an_estimator_without_a_seed_is_noticed(events: RecordingSink) -> None:
    from sklearn.linear_model import LogisticRegression

    @tracked_task
    def train(seed: int | None = 3) -> Any:
        return LogisticRegression(random_state=seed)

    @tracked_task
    def train_open() -> Any:
        return LogisticRegression()

    train()
    train_open()
    assert events.run("train").facets["weftline_run"]["missing"] == []
    assert events.run("train_open").facets["weftline_run"]["missing"] == [
        {"what": "seed", "why": "random_state not set"}
    ]
