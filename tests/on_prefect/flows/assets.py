"""Assets of Prefect's: a pipeline nobody has decorated, and the same with our decorators."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from prefect import flow, task
from prefect.assets import materialize

from lineage import tracked_flow, tracked_task

F = TypeVar("F", bound=Callable[..., object])
RAW = "s3://lake/raw.csv"
CLEAN = "s3://lake/clean.csv"
USERS = "postgres://db:5432/shop/users"


def load() -> list[int]:
    return [1, 2, 3]


def clean(rows: list[int]) -> list[int]:
    return rows[1:]


def publish(rows: list[int]) -> None:
    assert rows


def untouched(fn: F) -> F:
    return fn


def pipeline(name: str, tracked: bool) -> object:
    step = tracked_task if tracked else untouched
    loaded = task(step(load))
    cleaned = materialize(CLEAN, asset_deps=[RAW])(step(clean))
    published = materialize(USERS)(step(publish))

    def body(limit: int = 3, password: str = "hunter2") -> None:
        published(cleaned(loaded()))

    return flow(name=name)(tracked_flow(body) if tracked else body)


if __name__ == "__main__":
    run = pipeline(sys.argv[1], tracked=sys.argv[1] == "assets-tracked")
    assert callable(run)
    run()
