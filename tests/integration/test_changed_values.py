"""A value that was changed between the task that made it and the one that took it: said wherever its digest counts."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.asking import CLEAN_CODE, ENVIRONMENT, Project
from fixtures.command import Command
from fixtures.run_shapes import dataset, digest, passed, run_event

Json = dict[str, Any]
STATED: Json = {"lineage": {"inputs": [{"namespace": "memory", "name": "load", "type": "DATASET"}]}}


def history(*, changed: bool, stated: bool) -> list[Json]:
    """load → (changed in between) → train → a model."""
    handed = dataset("load", "memory", **digest("b"), **passed("load", 1, "rows"))
    if changed:
        handed["inputFacets"]["weftline_passed"]["changed"] = True
    raw = dataset("raw.csv", "s3://lake", **digest("a"))
    kind: Json = {"datasetType": {"datasetType": "MODEL"}}
    model = dataset("churn", "models", **kind, **digest("9"), **(STATED if stated else {}))
    about: Json = {**CLEAN_CODE, **ENVIRONMENT}
    return [
        run_event("COMPLETE", 10, "load", 1, [raw], [dataset("load", "memory", **digest("b"))], **about),
        run_event("COMPLETE", 30, "train", 2, [handed], [model], **about),
    ]


@pytest.mark.parametrize("stated", [False, True])
def test_a_changed_value_is_said_by_every_answer(asking: Project, asked: Command, stated: bool) -> None:
    asking.send(*history(changed=True, stated=stated))
    origins = asking.get("/models/origins", name="churn")
    entry = "load was changed between tasks: its digest is not what was used"
    assert [item["text"] for item in origins["missing"]].count(entry) == 1
    assert any(edge["changed"] for edge in origins["edges"])
    walked = asking.get("/lineage", root=origins["version"]["id"])
    assert any(edge["changed"] for edge in walked["edges"])
    for tree in (asked("origins", "churn"), asked("trace", "model:churn")):
        assert sum("(changed on its way)" in line for line in tree.out.splitlines()) == 1, tree.out
    assert "(changed on its way)" in asked("trace", "dataset:s3://lake#raw.csv", "--down").out
    verdict = asking.post("/policy/check", {"model": "churn", "rules": ["missing_digest"]})
    assert [refusal["text"] for refusal in verdict["refusals"]] == [
        "load was changed on its way to run train: its digest is not what was used"
    ]
    assert [step["label"] for step in verdict["refusals"][0]["path"]][-1] == "load"
    assert verdict["refusals"][0]["path"][0]["label"] == "churn"


def test_an_unchanged_value_is_not(asking: Project, asked: Command) -> None:
    asking.send(*history(changed=False, stated=False))
    assert asking.post("/policy/check", {"model": "churn"})["allowed"]
    assert "changed" not in asked("origins", "churn").out
