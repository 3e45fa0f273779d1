"""What an operator of ours adds to its own task's run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lineage import facets
from lineage.emit import emitter
from lineage.events import DatasetEntry, Event, run_event
from lineage.guard import guarded
from lineage_airflow import naming


def addition(
    context: Mapping[str, Any],
    run_facets: Mapping[str, Any] | None = None,
    inputs: Sequence[DatasetEntry] = (),
    outputs: Sequence[DatasetEntry] = (),
) -> Event:
    """An event that adds to the run of the task that `context` is of."""
    ti, dag_run = context["ti"], context["dag_run"]
    named, own = naming.task_named(ti, dag_run), naming.dag_named(dag_run)
    parent, root = naming.outside(dag_run.conf)
    top = root or parent or own
    above = facets.parent(own.run_id, own.job_entry, top.run_id, top.job_entry)
    found = {"weftline_run": facets.run("task", None, [], attempt=ti.try_number), "parent": above}
    return run_event("RUNNING", named.run_id, named.job_entry, {**found, **(run_facets or {})}, inputs, outputs)


@guarded
def tell(
    context: Mapping[str, Any],
    run_facets: Mapping[str, Any] | None = None,
    inputs: Sequence[DatasetEntry] = (),
    outputs: Sequence[DatasetEntry] = (),
) -> None:
    """Put the addition on the spool; never raises."""
    emitter.emit(addition(context, run_facets, inputs, outputs))
