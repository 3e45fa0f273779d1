"""Flows that do not end by themselves, or not well: asleep until somebody ends them, or out of time."""

from __future__ import annotations

import sys
import time

from prefect import flow, task

import lineage_prefect
from lineage import tracked_flow, tracked_task


@task
@tracked_task
def first() -> list[int]:
    return [1, 2]


@task
@tracked_task
def sleep(rows: list[int]) -> None:
    print("asleep", flush=True)
    time.sleep(90)


@flow(name="sleepy")
@tracked_flow
def sleepy(token: str = "s3cr3t-token-value", limit: int = 3) -> None:
    sleep(first())


@task(timeout_seconds=0.2)
@tracked_task
def slow() -> None:
    time.sleep(5)


@lineage_prefect.tracked_task(timeout_seconds=0.2)
def slow_in_a_thread() -> None:
    time.sleep(0.6)


@flow(name="late")
@tracked_flow
def late() -> None:
    slow_in_a_thread.submit().wait()
    slow()


if __name__ == "__main__":
    match sys.argv[1]:
        case "serve":
            sleepy.serve(name="nightly", tags=["served"])
        case "sleepy":
            sleepy()
        case "late":
            late(return_state=True)
