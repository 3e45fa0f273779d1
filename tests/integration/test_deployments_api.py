"""Where a model is deployed: told with the version, whatever the user named when deploying it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from fixtures.asking import Project, model_history
from fixtures.command import Command
from fixtures.run_shapes import dataset, digest, run_event

Json = dict[str, Any]


def deployed(run: int, target: str, inputs: list[Json] | None = None, **model: str) -> Json:
    """A run that deployed `churn`, naming the version as given, if at all."""
    item = {
        "target": target,
        "endpoint": f"https://{target}",
        "model": {"namespace": "models", "name": "churn", **model},
    }
    facets: Json = {"weftline_deployments": {"deployments": [item]}}
    return run_event("COMPLETE", 100 + run, "ship", run, inputs, **facets)


def names(answer: Json) -> list[str]:
    return [hit["name"] for hit in answer["deployments"]]


@pytest.mark.parametrize("named", ["1", "v1", "sha256:" + "9" * 64, "9" * 12, None])
def test_a_deployment_is_told_with_what_it_is_of(asking: Project, asked: Command, named: str | None) -> None:
    version_named: Json = {"version": named} if named else {}
    asking.send(*model_history(), deployed(5, "prod", **version_named))
    version = asking.resolve(kind="model", name="churn")
    assert names(asking.get("/impact", root=version)) == ["prod"]
    raw = asking.resolve(kind="dataset", namespace="s3://lake", name="raw.csv", version="a" * 64)
    hit = asking.get("/impact", root=raw)["deployments"]
    assert [found["name"] for found in hit] == ["prod"]
    assert hit[0]["basis"] == ("observed" if named else "inferred")
    steps = hit[0]["path"]
    assert all({a["src"], a["dst"]} & {b["src"], b["dst"]} for a, b in itertools.pairwise(steps))
    assert names(asking.get("/models/origins", name="churn")) == ["prod"]
    assert "deployed: prod   https://prod" in asked("origins", "churn").out
    assert "deployed    prod   https://prod   2 hops" in asked("impact", "model:churn").out
    deployment = hit[0]["id"]
    assert asking.get("/lineage", root=deployment)["roots"] == [version]
    assert "  deployments " in asked("show", "dataset:models#churn").out


@pytest.mark.parametrize("named", ["2", "production", "sha256:" + "8" * 64])
def test_another_version_is_not_deployed_by_it(asking: Project, named: str) -> None:
    asking.send(*model_history(), deployed(5, "prod", version=named))
    assert names(asking.get("/impact", root=asking.resolve(kind="model", name="churn"))) == []
    assert names(asking.get("/models/origins", name="churn")) == []


def test_one_target_told_twice_is_one_deployment(asking: Project) -> None:
    touched = [dataset("churn", "models", **digest("9"))]
    asking.send(*model_history(), deployed(5, "prod", touched), deployed(6, "prod", touched, version="1"))
    asking.send(deployed(7, "shadow", touched, version="1"))
    version = asking.resolve(kind="model", name="churn")
    assert sorted(names(asking.get("/impact", root=version))) == ["prod", "shadow"]
    assert "deployments" in str(asking.get("/models/origins", name="churn").keys())
