"""Our operators and sensors in one DAG: wait for data, train, register, and let the model pass or not."""

from __future__ import annotations

import os
import time
from pathlib import Path

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import dag, get_current_context, task

from lineage import Dataset, tracked_task
from lineage_airflow.operators import LineageBranchOperator, LineageGateOperator, RegisterModelOperator
from lineage_airflow.sensors import DatasetVersionSensor

WORK = Path(os.environ["WEFTLINE_TEST_WORK"])
FEATURES = WORK / "features.csv"
MODEL = WORK / "churn.model"


@dag(schedule=None)
def gated() -> None:
    """Ends well if the model may pass."""

    @task
    @tracked_task(inputs=[Dataset("s3://lake/raw.csv", version="7")], outputs=[Dataset(FEATURES)])
    def prepare() -> None:
        ti = get_current_context()["ti"]
        deadline = time.monotonic() + 30  # what waits shall have to wait, in the triggerer
        while "deferred" not in str(ti.get_task_states(ti.dag_id, task_ids=["waits"], run_ids=[ti.run_id])):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        FEATURES.write_text("id,churned\n1,0\n")

    @task
    @tracked_task(inputs=[Dataset(FEATURES)], outputs=[Dataset(MODEL)])
    def train() -> None:
        MODEL.write_text(f"model of {FEATURES.read_text()}")

    waits = DatasetVersionSensor(
        task_id="waits", dataset=FEATURES.as_uri(), deferrable=True, poke_interval=0.5, timeout=60
    )
    pokes = DatasetVersionSensor(task_id="pokes", dataset=FEATURES.as_uri(), poke_interval=0.5, timeout=60)
    registers = RegisterModelOperator(task_id="registers", name="churn_{{ dag.dag_id }}", source=str(MODEL))
    chooses = LineageBranchOperator(
        task_id="chooses", model="churn_gated", rules=["unknown_origin"], if_allowed="passes", if_refused="refused"
    )
    passes = LineageGateOperator(task_id="passes", model="churn_gated", rules=["unknown_origin"])
    prepare() >> train() >> registers >> chooses >> [passes, EmptyOperator(task_id="refused")]
    waits >> registers
    pokes >> registers


gated()
