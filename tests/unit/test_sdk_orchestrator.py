"""Runs inside an orchestrator take id, names, parent and root from it; a small orchestrator of our own says them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

import lineage
from lineage import orchestrator, tracked_task
from lineage.orchestrator import Named, Place
from lineage.testing import recording

FLOW = Named("0199aaaa-0000-7000-8000-000000000001", "nightly", "prod")
TOP = Named("0199aaaa-0000-7000-8000-000000000000", "weekly", "prod")
TASK = Named("0199aaaa-0000-7000-8000-000000000002", "nightly.clean", "prod")


class Toy(ModuleType):
    """An orchestrator and its integration in one: it calls functions, and says so."""

    def __init__(self) -> None:
        super().__init__("toy_integration")
        self.here: Place | None = None

    @contextmanager
    def calling(self, body: Callable[..., Any] | None, **more: Any) -> Iterator[None]:
        self.here = Place(TASK, FLOW, TOP, body=body, prefix="nightly", attempt=2, **more)
        yield
        self.here = None

    def place(self) -> Place | None:
        return self.here

    def adopt(self, thing: Any, kind: str, options: Mapping[str, Any]) -> Any:
        return ("adopted", kind, options["name"]) if thing == self else None

    def __call__(self) -> None:
        """Callable, as an orchestrator's tasks are."""


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Toy:
    found = Toy()
    monkeypatch.setitem(sys.modules, "toy", ModuleType("toy"))
    monkeypatch.setitem(sys.modules, "toy_integration", found)
    monkeypatch.setattr(orchestrator, "_INTEGRATIONS", {"toy": "toy_integration"})
    monkeypatch.setattr(orchestrator, "_loaded", {})
    return found


def test_the_function_the_orchestrator_calls_is_its_run_and_others_are_children(toy: Toy) -> None:
    @tracked_task
    def helper() -> None:
        lineage.log_param("depth", 1)

    @tracked_task
    def clean() -> None:
        helper()

    with recording() as events, toy.calling(clean):
        clean()
    own, child = events.run("nightly.clean"), events.run("nightly.helper")
    assert own.id == TASK.run_id
    assert {event["job"]["namespace"] for event in own.events} == {"prod"}
    assert own.parent == FLOW.run_id
    assert own.facets["parent"]["root"]["run"]["runId"] == TOP.run_id
    assert own.facets["weftline_run"]["attempt"] == 2
    assert child.parent == TASK.run_id
    assert child.facets["parent"]["root"]["run"]["runId"] == TOP.run_id
    assert "attempt" not in child.facets["weftline_run"]


def test_what_is_not_the_orchestrators_function_is_a_child_of_its_run(toy: Toy) -> None:
    @tracked_task
    def helper() -> None:
        pass

    with recording() as events, toy.calling(print):
        helper()
        with lineage.run("block"):
            pass
        lineage.register_model("churn")
    for job in ("nightly.helper", "nightly.block", "nightly.register_model"):
        assert events.run(job).parent == TASK.run_id
        assert events.run(job).facets["parent"]["root"]["job"] == {"namespace": "prod", "name": "weekly"}


def test_an_explicit_parent_counts_more(toy: Toy) -> None:
    with recording() as events, lineage.run("mine") as mine, toy.calling(None), lineage.run("block", parent=mine):
        pass
    assert events.run("block").parent == events.run("mine").id


def test_where_somebody_else_tells_beginning_and_end_we_only_add(toy: Toy) -> None:
    @tracked_task
    def clean() -> None:
        lineage.log_metric("rows", 3)

    with recording() as events, toy.calling(clean, told=True):
        clean()
    assert {event["eventType"] for event in events.run("nightly.clean").events} == {"RUNNING"}
    assert events.run("nightly.clean").metrics == {"rows": "3"}


def test_an_orchestrators_own_object_is_adopted(toy: Toy) -> None:
    adopted: Any = tracked_task(name="x")(toy)
    assert adopted == ("adopted", "task", "x")


def test_an_orchestrator_that_cannot_answer_costs_no_run(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Place | None:
        raise RuntimeError("no context")

    @tracked_task
    def clean() -> int:
        return 3

    monkeypatch.setattr(toy, "place", broken)
    with recording() as events:
        assert clean() == 3
    assert events.run("clean").state == "COMPLETE"


def test_nothing_is_imported_without_an_orchestrator() -> None:
    @tracked_task
    def clean() -> None:
        pass

    with recording():
        clean()
    assert "lineage_prefect.integration" not in sys.modules
    assert "lineage_airflow.integration" not in sys.modules
