"""The example runs as a user would run it, and its model is traced back to the raw file."""

from __future__ import annotations

import pytest

from on_prefect.conftest import ROOT, Prefect

pytestmark = [pytest.mark.prefect, pytest.mark.full, pytest.mark.timeout(300)]


def test_the_model_of_the_example_comes_from_the_raw_file(prefect: Prefect) -> None:
    prefect.run(str(ROOT / "examples/prefect/churn.py"))
    prefect.wait_for_runs(8)
    model = prefect.project.get("/models/origins", name="churn")
    runs = {run["job"]["name"] for run in model["runs"]}
    assert {"churn.extract", "churn.prepare", "churn.evaluate", "churn.train"} <= runs
    assert "s3://crm" in {source["namespace"] for source in model["sources"]}
