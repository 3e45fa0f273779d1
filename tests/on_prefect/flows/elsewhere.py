"""A task that runs in another process than its flow; a service that a block of Prefect's names."""

from __future__ import annotations

import os

from prefect import flow, task
from prefect.task_runners import ProcessPoolTaskRunner

from lineage import log_metric, tracked_flow, tracked_task
from lineage_prefect import LineageServer


@task(retries=1)
@tracked_task
def far(number: int) -> int:
    log_metric("pid is another", os.getpid() != int(os.environ["FLOW_PID"]))
    return number


@flow(name="far-away", task_runner=ProcessPoolTaskRunner(max_workers=1))
@tracked_flow
def far_away() -> None:
    far.submit(1).result()


if __name__ == "__main__":
    os.environ["FLOW_PID"] = str(os.getpid())
    LineageServer(url=os.environ.pop("LINEAGE_URL"), project=os.environ.pop("LINEAGE_PROJECT")).save(
        "here", overwrite=True
    )
    LineageServer.load("here").use()
    far_away()
