"""`POST /policy/check`: each rule refuses what it is for, passes what it is not for, and never passes on ignorance."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.asking import CLEAN_CODE, DIRTY_CODE, Project, model_history
from fixtures.run_shapes import dataset, digest, run_event, run_id, version

Json = dict[str, Any]


SAMPLED: dict[str, Any] = {"weftline_digest": {"algorithm": "sha256", "value": "a" * 64, "exact": False}}


def refused(verdict: Json) -> set[str]:
    return {refusal["rule"] for refusal in verdict["refusals"]}


def test_a_clean_history_is_allowed_by_every_rule(asking: Project) -> None:
    asking.send(*model_history())
    verdict = asking.post("/policy/check", {"model": "churn"})
    # `clean` read a stored file of known digest: the origin is known although nobody is known to have made the file.
    assert (verdict["allowed"], verdict["refusals"]) == (True, [])
    assert verdict["rules"] == ["dirty_code", "missing_digest", "unknown_origin"]


def test_dirty_code_is_refused_with_the_way_to_it(asking: Project) -> None:
    asking.send(*model_history(code=DIRTY_CODE))
    verdict = asking.post("/policy/check", {"model": "churn", "version": "1"})
    assert not verdict["allowed"]
    assert refused(verdict) == {"dirty_code"}
    nearest = verdict["refusals"][0]
    assert nearest["text"] == "code of run train is dirty"
    assert [step["kind"] for step in nearest["path"]] == ["DatasetVersion", "Run", "CodeVersion"]
    assert nearest["path"][0]["label"] == "churn"


def test_unrecorded_code_is_not_taken_for_clean(asking: Project) -> None:
    asking.send(*model_history(code={}))
    verdict = asking.post("/policy/check", {"model": "churn", "rules": ["dirty_code"]})
    assert not verdict["allowed"]
    assert "not recorded" in verdict["refusals"][0]["text"]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (version("etag-5d41"), "no content digest"),
        (SAMPLED, "without a version"),
        ({}, "without a version"),
    ],
)
def test_a_source_without_an_exact_digest_is_refused(asking: Project, source: Json, says: str) -> None:
    asking.send(*model_history(source=source))
    verdict = asking.post("/policy/check", {"model": "churn", "rules": ["missing_digest"]})
    assert not verdict["allowed"]
    assert [refusal["rule"] for refusal in verdict["refusals"]] == ["missing_digest"]
    assert says in verdict["refusals"][0]["text"]
    assert verdict["refusals"][0]["path"][-1]["label"] == "s3://lake/raw.csv"


def test_a_digest_of_a_sample_does_not_count(asking: Project) -> None:
    asking.send(
        run_event("COMPLETE", 10, "make", 1, outputs=[dataset("big", **SAMPLED)]),
        run_event("START", 20, "use", 2, inputs=[dataset("big")]),
    )
    run = asking.resolve(kind="run", name=run_id(2))
    verdict = asking.post("/policy/check", {"root": run, "rules": ["missing_digest"]})
    assert [refusal["text"] for refusal in verdict["refusals"]] == ["big has a digest of a sample only"]


def test_a_version_facet_beside_an_exact_digest_is_no_reason_against(asking: Project) -> None:
    asking.send(*model_history(source={**version("etag-5d41"), **digest("a")}))
    assert asking.post("/policy/check", {"model": "churn", "rules": ["missing_digest"]})["allowed"]


def test_an_input_nobody_can_bind_has_an_unknown_origin(asking: Project) -> None:
    asking.send(*model_history(source={}))
    verdict = asking.post("/policy/check", {"model": "churn", "rules": ["unknown_origin"]})
    assert not verdict["allowed"]
    assert "which version of s3://lake/raw.csv" in verdict["refusals"][0]["text"]


def test_a_run_that_recorded_no_input_hides_an_origin(asking: Project) -> None:
    model = dataset("churn", "models", datasetType={"datasetType": "MODEL"}, **digest("9"))
    asking.send(run_event("COMPLETE", 10, "train", 1, outputs=[model], **CLEAN_CODE))
    verdict = asking.post("/policy/check", {"model": "churn"})
    assert refused(verdict) == {"unknown_origin"}
    assert "recorded no input" in verdict["refusals"][0]["text"]


def test_a_version_nobody_made_has_an_unknown_origin(asking: Project) -> None:
    found = dataset("churn", "models", datasetType={"datasetType": "MODEL"}, **digest("9"))
    asking.send(run_event("COMPLETE", 10, "score", 1, inputs=[found], **CLEAN_CODE))
    verdict = asking.post("/policy/check", {"model": "churn", "rules": ["unknown_origin"]})
    assert "no run is known to have made churn" in verdict["refusals"][0]["text"]


def test_a_node_can_be_judged_too(asking: Project) -> None:
    asking.send(*model_history(code=DIRTY_CODE))
    features = asking.resolve(kind="dataset", namespace="s3://lake", name="features.csv", version="b" * 64)
    verdict = asking.post("/policy/check", {"root": features, "rules": ["dirty_code"]})
    assert verdict["root"] == features
    assert [refusal["text"] for refusal in verdict["refusals"]] == ["code of run clean is dirty"]


@pytest.mark.parametrize(
    "question",
    [{}, {"root": "x", "model": "y"}, {"model": "churn", "rules": ["licence"]}, {"model": "churn", "rules": []}],
)
def test_a_question_that_means_nothing_is_refused_with_the_place(asking: Project, question: Json) -> None:
    problem = asking.post("/policy/check", question, status=422)
    assert problem["errors"]


def test_a_model_that_is_not_there_is_not_allowed_by_silence(asking: Project) -> None:
    assert "No model" in asking.post("/policy/check", {"model": "nothing"}, status=404)["detail"]
