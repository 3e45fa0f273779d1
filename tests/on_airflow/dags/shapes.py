"""DAGs whose graphs the tests know: every way a task can begin, end, and be given what others made."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Asset, chain, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from lineage import Dataset, log_metric, log_param, tracked_task

WORK = Path(os.environ["WEFTLINE_TEST_WORK"])
RAW = Asset("s3://lake/raw.csv")
FEATURES = Asset("file:///srv/features.parquet")


@dag(schedule=None, tags=["thin"])
def thin() -> None:
    """Two tasks, one value between them."""

    @task
    @tracked_task(inputs=[Dataset("s3://lake/raw.csv")])
    def extract() -> list[int]:
        log_param("rows", 3)
        return [1, 2, 3]

    @tracked_task(outputs=[Dataset("s3://lake/total")])
    @task
    def load(rows: list[int]) -> None:
        log_metric("total", float(sum(rows)))

    load(extract())


@dag(schedule=None)
def retried() -> None:
    """A first attempt that fails, a second that does not."""

    @task(retries=1, retry_delay=timedelta(seconds=0))
    @tracked_task(outputs=[Dataset("s3://lake/retried")])
    def second_time() -> str:
        if get_current_context()["ti"].try_number == 1:
            raise ValueError("not yet")
        return "done"

    second_time()


@dag(schedule=None)
def failed() -> None:
    """A task that fails for good, and one that is therefore never run."""

    @task
    @tracked_task
    def breaks() -> None:
        secret = "hunter2" * 2
        raise RuntimeError(f"password={secret} does not work")

    @task
    def never(value: object) -> object:
        return value

    never(breaks())


@dag(schedule=None)
def mapped() -> None:
    """Three attempts beside each other, and one that takes what all of them made."""

    @task
    def numbers() -> list[int]:
        return [1, 2, 3]

    @task
    @tracked_task
    def square(number: int) -> int:
        return number * number

    @task
    @tracked_task
    def add(squares: Iterable[int]) -> int:
        return sum(squares)

    add(square.expand(number=numbers()))


@dag(schedule=None)
def branched() -> None:
    """One way taken, one left out, and a task that skips itself."""

    @task.branch
    def choose() -> str:
        return "taken"

    @task
    @tracked_task
    def skips_itself() -> None:
        raise AirflowSkipException("nothing to do")

    taken, left_out = EmptyOperator(task_id="taken"), EmptyOperator(task_id="left_out")
    choose() >> [taken, left_out]
    skips_itself()


@dag(schedule=None)
def classic() -> None:
    """An operator of Airflow's own, with assets."""
    operator: Any = BashOperator(task_id="shell", bash_command="echo made", inlets=[RAW], outlets=[FEATURES])
    tracked_task(inputs=[Dataset("s3://lake/raw.csv")], outputs=[Dataset("s3://lake/shell")])(operator)


@dag(schedule=[FEATURES])
def triggered() -> None:
    """Started by an asset."""

    @task(inlets=[FEATURES])
    @tracked_task
    def use() -> int:
        return 1

    use()


@dag(schedule=None)
def killed() -> None:
    """A task that ends only when the test says so, or is killed."""

    @task
    @tracked_task(inputs=[Dataset("s3://lake/raw.csv")])
    def long() -> None:
        mine = WORK / get_current_context()["run_id"]
        mine.write_text(str(os.getpid()))
        deadline = time.monotonic() + 100
        while time.monotonic() < deadline and not mine.with_suffix(".go").exists():
            time.sleep(0.05)

    long()


@dag(schedule=None)
def short() -> None:
    """Eight tasks in a row that do next to nothing, for measuring."""

    @task
    @tracked_task(outputs=[Dataset("s3://lake/short")])
    def tick() -> int:
        return 1

    chain(*(tick.override(task_id=f"tick_{number}")() for number in range(8)))


for made in (thin, retried, failed, mapped, branched, classic, triggered, killed, short):
    made()
