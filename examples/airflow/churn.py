"""Predict who will leave, as an Airflow DAG: from a raw file to a registered model, with its whole lineage.

Put this file into Airflow's DAGs folder, `pip install weftline` beside Airflow, and trigger `churn`. Then ask where the
model comes from:

    lineage origins churn
    lineage trace model:churn --up

The files are kept in $CHURN_FOLDER, by default a folder of the temporary directory.
"""

from __future__ import annotations

import csv
import json
import os
import random
import tempfile
from pathlib import Path

from airflow.sdk import dag, task

from lineage import Dataset, log_check, log_metric, log_param, register_model, tracked_task
from lineage_airflow.operators import LineageBranchOperator

FOLDER = Path(os.environ.get("CHURN_FOLDER", tempfile.gettempdir())) / "churn"
RAW, FEATURES, MODEL = FOLDER / "raw.csv", FOLDER / "features.csv", FOLDER / "model.json"
SEED = 7

Row = dict[str, float]


@dag(schedule=None, tags=["weftline"])
def churn() -> None:
    """From raw data to a model that may go live, or may not."""

    @task
    @tracked_task(inputs=[Dataset("s3://crm/customers.csv", version="2026-11")], outputs=[Dataset(RAW)])
    def extract() -> int:
        """Stands for an export from the system the customers are in."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        chance = random.Random(SEED)  # noqa: S311 - made-up customers, no secrets
        with RAW.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["months", "calls", "left"])
            for _ in range(400):
                months, calls = chance.randint(1, 48), chance.randint(0, 9)
                writer.writerow([months, calls, int(calls * 5 + chance.gauss(0, 8) > months)])
        return 400

    @task
    @tracked_task(inputs=[Dataset(RAW)], outputs=[Dataset(FEATURES)])
    def prepare(rows: int) -> None:
        log_param("rows", rows)
        with RAW.open() as source, FEATURES.open("w", newline="") as target:
            writer = csv.writer(target)
            writer.writerow(["calls_per_month", "left"])
            for row in csv.DictReader(source):
                writer.writerow([int(row["calls"]) / int(row["months"]), row["left"]])

    @task
    @tracked_task(inputs=[Dataset(FEATURES)])
    def evaluate(threshold: float) -> Row:
        """One candidate; Airflow maps this over all of them."""
        rows = _features()
        accuracy = sum((row["calls_per_month"] > threshold) == bool(row["left"]) for row in rows) / len(rows)
        log_metric("accuracy", accuracy)
        return {"threshold": threshold, "accuracy": accuracy}

    @task
    @tracked_task(outputs=[Dataset(MODEL)])
    def train(results: list[Row]) -> float:
        best = max(results, key=lambda result: result["accuracy"])
        log_metric("accuracy", best["accuracy"])
        MODEL.write_text(json.dumps({"threshold": best["threshold"], "seed": SEED}))
        log_check("better than a coin", best["accuracy"] > 0.5, actual=best["accuracy"])
        register_model("churn", MODEL, tags={"stage": "candidate"})
        return best["accuracy"]

    @task
    @tracked_task(inputs=[Dataset(MODEL)], kind="side_effect")
    def deploy() -> None:
        """Would put the model where it answers."""

    @task
    def keep_the_old_one() -> None:
        """The ancestry of the new model did not pass."""

    gate = LineageBranchOperator(
        task_id="gate",
        model="churn",
        rules=["unknown_origin"],
        if_allowed="deploy",
        if_refused="keep_the_old_one",
    )
    prepared = prepare(extract())
    results = evaluate.expand(threshold=[0.05, 0.1, 0.2, 0.4])
    prepared >> results
    train(results) >> gate >> [deploy(), keep_the_old_one()]


def _features() -> list[Row]:
    with FEATURES.open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


churn()
