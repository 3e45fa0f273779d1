"""Registering models: what identifies them, and what ties them to where they come from."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from lineage import Model, log_deployment, log_output, register_model, run, tracked_flow, tracked_task
from lineage.errors import NamelessModel, UsageError
from lineage.testing import RecordingSink, recording


@pytest.fixture
def events() -> Iterator[RecordingSink]:
    with recording() as sink:
        yield sink


def fitted() -> LogisticRegression:
    features = np.arange(20.0).reshape(10, 2)
    return LogisticRegression(random_state=0).fit(features, np.array([0, 1] * 5))


@tracked_task
def train() -> LogisticRegression:
    return fitted()


def registered(sink: RecordingSink, job: str) -> dict[str, Any]:
    (entry,) = [entry for entry in sink.run(job).outputs if entry["namespace"] == "models"]
    return entry


def test_a_trained_object_is_registered_by_its_digest_and_tied_to_its_run(events: RecordingSink) -> None:
    @tracked_flow
    def flow() -> Model:
        return register_model("churn", train(), tags={"stage": "candidate", "owner": "ana"})

    model = flow()
    assert isinstance(model, Model)
    entry = registered(events, "flow")
    digest = entry["facets"]["weftline_digest"]
    assert digest["exact"] is True
    assert model == Model("churn", f"sha256:{digest['value']}")
    assert entry["facets"]["datasetType"]["datasetType"] == "MODEL"
    registration = entry["facets"]["weftline_modelRegistration"]
    assert (registration["name"], registration["tags"]) == ("churn", {"stage": "candidate", "owner": "ana"})
    (origin,) = events.run("flow").inputs
    assert origin["name"] == "flow.train"
    assert origin["inputFacets"]["weftline_passed"]["run"]["runId"] == events.run("flow.train").id
    assert events.run("flow.train").outputs[0]["facets"]["weftline_digest"]["value"] == digest["value"]


def test_the_same_training_gives_the_same_version(events: RecordingSink) -> None:
    assert register_model("churn", fitted()) == register_model("churn", fitted())


def test_outside_a_run_it_is_a_run_of_its_own(events: RecordingSink) -> None:
    model = train()
    register_model("churn", model)
    own = events.run("register_model")
    assert own.state == "COMPLETE"
    assert [entry["name"] for entry in own.inputs] == ["train"]
    assert registered(events, "register_model")["name"] == "churn"


def test_a_registered_model_is_followed_to_where_it_is_used(events: RecordingSink) -> None:
    @tracked_task
    def register(model: Any) -> Model:
        return register_model("churn", model)

    @tracked_task
    def deploy(model: Model) -> None:
        pass

    deploy(register(train()))
    (entry,) = events.run("deploy").inputs
    assert (entry["namespace"], entry["name"]) == ("models", "churn")
    assert entry["inputFacets"]["weftline_passed"]["run"]["runId"] == events.run("register").id
    assert [entry["namespace"] for entry in events.run("register").outputs] == ["models"]


def test_a_file_is_registered_by_its_content(events: RecordingSink, tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(b"weights")
    os.utime(file, (1_000_000_000, 1_000_000_000))
    model = register_model("churn", file)
    assert model.version == "sha256:" + hashlib.sha256(b"weights").hexdigest()
    (entry,) = events.run("register_model").inputs
    assert entry["name"] == str(file)


def test_a_file_the_run_has_just_written_is_no_input_of_it(events: RecordingSink, tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    with run("train"):
        file.write_bytes(b"weights")
        register_model("churn", str(file))
    assert events.run("train").inputs == []
    assert registered(events, "train")["facets"]["weftline_digest"]["exact"] is True


def test_a_path_among_the_arguments_is_compared_with_what_was_there(events: RecordingSink, tmp_path: Path) -> None:
    new, kept = tmp_path / "new.bin", tmp_path / "kept.bin"
    kept.write_bytes(b"weights")

    @tracked_task
    def save(target: Path, number: int) -> None:
        if not target.exists():
            target.write_bytes(b"weights")
            stamp = time.time() - 1  # a clock of coarse ticks, or of a file server
            os.utime(target, (stamp, stamp))
        register_model(f"model-{number}", target)

    save(new, 1)
    assert events.run("save").inputs == []
    save(kept, 2)
    assert [entry["name"] for entry in events.runs[-1].inputs] == [str(kept)]


def test_a_file_an_inner_run_has_written_ties_the_model_to_it(events: RecordingSink, tmp_path: Path) -> None:
    file = tmp_path / "model.bin"

    @tracked_task
    def save() -> None:
        file.write_bytes(b"weights")
        log_output(file)

    with run("flow"):
        save()
        register_model("churn", file)
    assert [entry["name"] for entry in events.run("flow").inputs] == [str(file)]


def test_a_folder_is_registered_by_its_content(events: RecordingSink, tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "weights").write_bytes(b"w")
        (folder / "config.json").write_text("{}")
    first, second = (register_model("churn", tmp_path / name) for name in ("one", "two"))
    assert first.version is not None
    assert first == second


def test_without_a_model_the_run_identifies_the_version(events: RecordingSink) -> None:
    with run("train"):
        model = register_model("churn")
    assert model == Model("churn")
    assert "weftline_digest" not in registered(events, "train")["facets"]


def test_what_cannot_be_digested_is_registered_all_the_same(events: RecordingSink) -> None:
    class Net:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    with run("train"):
        model = register_model("churn", Net())
    assert model == Model("churn")
    assert registered(events, "train")["name"] == "churn"


@pytest.mark.parametrize("name", ["", "  ", None, 3])
def test_without_a_name_nothing_is_registered_and_nothing_raised(
    name: Any, events: RecordingSink, capsys: pytest.CaptureFixture[str]
) -> None:
    register_model(name, fitted())
    assert events.events == []
    with run("train") as train:
        model = register_model(name, fitted())
        assert train.register_model(name) is None
        log_deployment(model, "production")
        log_deployment(name, "production")
        log_output(model)
    assert isinstance(model, Model)
    found = events.run("train")
    assert (found.state, found.inputs, found.outputs) == ("COMPLETE", [], [])
    assert not [event for event in events.events if "weftline_deployments" in event["run"]["facets"]]
    told = capsys.readouterr().err
    assert f"register_model: not registered, a model needs a name, for example 'churn', not {name!r}" in told
    assert "please report" not in told


@pytest.mark.parametrize("name", ["", " \t", None])
def test_a_model_without_a_name_is_an_error_with_a_type(name: Any) -> None:
    with pytest.raises(UsageError, match="needs a name") as caught:
        Model(name)
    assert isinstance(caught.value, NamelessModel)
    assert isinstance(caught.value, ValueError)


def test_a_path_where_nothing_is_gives_the_model_no_content_and_the_run_no_input(
    events: RecordingSink, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = tmp_path / "model.bin"
    with run("train"):
        model = register_model("m3", absent)
    found = events.run("train")
    assert model == Model("m3")
    assert found.inputs == []
    assert "weftline_digest" not in registered(events, "train")["facets"]
    assert found.facets["weftline_run"]["missing"] == [
        {"what": str(absent), "why": "declared, but there is no such file"}
    ]
    assert capsys.readouterr().err.count(f"{absent} is declared, but there is no such file") == 1


def test_an_open_seed_is_told(events: RecordingSink) -> None:
    with run("train"):
        register_model("churn", LogisticRegression())
    assert events.run("train").facets["weftline_run"]["missing"] == [{"what": "seed", "why": "random_state not set"}]
