"""Calls as users write them; never run, only type-checked by mypy --strict and pyright (`make check`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import assert_type

from lineage import (
    Dataset,
    Model,
    Run,
    current_run,
    log_check,
    log_deployment,
    log_file,
    log_input,
    log_metric,
    log_metrics,
    log_output,
    log_param,
    log_predictions,
    register_model,
    run,
    tag,
    tracked_flow,
    tracked_task,
)


@tracked_task
def plain(path: str, *, limit: int = 10) -> list[int]:
    return list(range(limit))


@tracked_task(inputs=[Dataset("s3://bucket/raw.csv")], outputs=lambda path: [Dataset(path)], params=["path"])
def declared(path: str) -> float:
    return 1.0


@tracked_task(kind="side_effect", name="tell")
async def notify(text: str) -> bool:
    return bool(text)


@tracked_task
def stream(count: int) -> Iterator[int]:
    yield from range(count)


@tracked_task
async def astream(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


class Trainer:
    @tracked_task
    def fit(self, rows: list[int]) -> str:
        return str(rows)

    @classmethod
    @tracked_task
    def make(cls) -> Trainer:
        return cls()

    @staticmethod
    @tracked_task
    def score(rows: list[int]) -> int:
        return len(rows)


@tracked_flow
def nightly() -> str:
    return Trainer.make().fit(plain("a", limit=3))


async def decorated_functions_keep_their_types() -> None:
    assert_type(plain("a"), list[int])
    assert_type(declared("a"), float)
    assert_type(await notify("x"), bool)
    assert_type(stream(3), Iterator[int])
    assert_type(astream(3), AsyncIterator[int])
    assert_type(Trainer.make(), Trainer)
    assert_type(Trainer().fit([1]), str)
    assert_type(Trainer.score([1]), int)
    assert_type(nightly(), str)
    plain(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def everything_that_can_be_logged(path: Path) -> None:
    with run("train") as r:
        assert_type(r, Run)
        r.log_metric("loss", 0.3)
    log_param("lr", 0.01)
    log_metric("auc", 0.9, slice={"country": "NZ"})
    log_metrics({"auc": 0.9, "loss": 0.1})
    log_input(Dataset("postgres://host:5432", "db.public.users"))
    log_input("s3://bucket/raw.csv")
    log_output(path)
    log_file(path, name="confusion matrix")
    log_check("no nulls", True, dataset=Dataset("s3://bucket/raw.csv"), severity="error", expected=0, actual=0)
    model = register_model("churn", object(), tags={"stage": "candidate"})
    assert_type(model, Model)
    log_deployment(model, "production", endpoint="https://example.com")
    log_predictions(Dataset("s3://bucket/scores.csv"), model)
    tag("kind", "debug")
    tag("debug")
    assert_type(current_run(), Run | None)
