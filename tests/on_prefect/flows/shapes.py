"""One flow of each shape: attempts, mapped tasks, subflows, caches, failures, and our decorator in each place."""

from __future__ import annotations

from prefect import flow, task, unmapped
from prefect.context import TaskRunContext

import lineage_prefect
from lineage import log_metric, tracked_flow, tracked_task


def attempt() -> int:
    context = TaskRunContext.get()
    assert context is not None
    return int(context.task_run.run_count)


@task(retries=2)
@tracked_task
def fetch(day: str) -> dict[str, list[int]]:
    if attempt() < 3:
        raise ConnectionError(f"attempt {attempt()}")
    return {day: [1, 2, 3]}


@tracked_task
@task
def scale(row: int, by: dict[str, list[int]]) -> int:
    return row * len(by)


@lineage_prefect.tracked_task(name="add up", tags=["sum"])
def add_up(rows: list[int]) -> int:
    log_metric("rows", len(rows))
    return sum(rows)


@task
@lineage_prefect.tracked_task
async def double(total: int) -> int:
    return total * 2


@flow(name="below")
@tracked_flow
async def subflow(total: int) -> int:
    doubled: int = await double(total)
    return doubled


@lineage_prefect.tracked_task(persist_result=True, cache_key_fn=lambda context, parameters: "fixed")
def remembered(total: int) -> dict[str, int]:
    return {"total": total}


@task
@tracked_task
def use(found: dict[str, int]) -> None:
    log_metric("total", found["total"])


@lineage_prefect.tracked_flow(name="shapes")
def shapes(day: str) -> None:
    table = fetch.submit(day)
    rows = scale.map([1, 2], by=unmapped(table))
    add_up(rows)
    use(remembered(4))
    use(remembered(4))


@flow(name="above")
@tracked_flow
async def above() -> None:
    await subflow(7)


@task(retries=1)
def broken() -> None:
    raise ValueError("no such column: age")


@flow(name="untouched", retries=1)
def untouched(limit: int = 3) -> None:
    helper()
    broken()


@task
def helper() -> int:
    return 3


if __name__ == "__main__":
    import asyncio

    shapes("monday")
    asyncio.run(above())
    lineage_prefect.track(untouched)(return_state=True)
