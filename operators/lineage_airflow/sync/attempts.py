"""What Airflow's rows mean: one attempt of a task or one DAG run, its id, and how it began and ended.

Owns the translation of Airflow's states and the events that tell of an attempt. They are the same bytes each time,
so the service knows them again. Reads nothing by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lineage import facets
from lineage.events import DatasetEntry, Event, run_event
from lineage.orchestrator import Named
from lineage_airflow import naming

Row = dict[str, Any]

# Airflow's state → the end it is, and the word for an end that is neither success nor failure.
_ENDS: dict[str, tuple[str, str | None]] = {
    "success": ("COMPLETE", None),
    "failed": ("FAIL", None),
    "skipped": ("ABORT", "skipped"),
    "upstream_failed": ("ABORT", "upstream_failed"),
    "removed": ("ABORT", "removed"),
    "up_for_retry": ("FAIL", None),
}
# What the service may say of an attempt that Airflow says ended so: a task that skips itself is told as complete by the
# OpenLineage provider.
_AGREES = {
    "skipped": {"ABORT", "COMPLETE"},
    "upstream_failed": {"ABORT"},
    "removed": {"ABORT", "COMPLETE", "FAIL"},
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run as Airflow knows it.

    Attributes:
        named: its id, job and namespace.
        state: Airflow's word for how it is.
        started, ended: RFC 3339, None where Airflow has no such time.
        at: a time for an end without one: when the DAG run was due.
        number: which attempt, from 1; 0 of a task that never began; None of a DAG run.
        above: parent and root.
        triggered_by: runs whose assets started it.
        outputs: assets it has changed.
    """

    named: Named
    state: str | None
    started: str | None
    ended: str | None
    at: str
    number: int | None
    above: tuple[Named, Named] | None
    triggered_by: tuple[Named, ...] = ()
    outputs: tuple[DatasetEntry, ...] = field(default=())

    @property
    def end(self) -> str | None:
        """COMPLETE, FAIL or ABORT; None while it goes on."""
        return _ENDS[self.state][0] if self.state in _ENDS else None

    def agrees(self, told: str) -> bool:
        """Whether the state the service knows is one that fits Airflow's."""
        return told in _AGREES.get(self.state or "", {self.end})

    def events(self, known: str | None) -> list[Event]:
        """What is to be told so that the service knows this attempt's end.

        Args:
            known: the state the service has; None if it has not heard of the attempt.
        """
        if self.end is None:
            return []
        found = []
        if known is None and self.started is not None:
            found.append(self._event("START", self.started, None))
        found.append(self._event(self.end, self.ended or self.started or self.at, _ENDS[self.state or ""][1]))
        return found

    def _event(self, event_type: str, at: str, outcome: str | None) -> Event:
        kind: Any = "flow" if self.number is None else "task"
        found: dict[str, Any] = {"weftline_run": facets.run(kind, None, [], outcome, self.number or None)}
        if self.above is not None:
            parent, root = self.above
            found["parent"] = facets.parent(parent.run_id, parent.job_entry, root.run_id, root.job_entry)
        if self.triggered_by:
            found["jobDependencies"] = facets.job_dependencies(
                [{"run": {"runId": run.run_id}, "job": run.job_entry} for run in self.triggered_by]
            )
        job_facets = {"jobType": {**facets.job_type("dag" if kind == "flow" else "task"), "integration": "AIRFLOW"}}
        outputs = self.outputs if event_type == "COMPLETE" else ()
        job = {**self.named.job_entry, "facets": job_facets}
        return run_event(event_type, self.named.run_id, job, found, (), outputs, at)


def of_dag_run(row: Row, space: str, *, clear_number: int = 0, triggered_by: tuple[Named, ...] = ()) -> Attempt:
    """A DAG run; how often it was cleared is not in Airflow's answer."""
    parent, root = naming.outside(row.get("conf"))
    return Attempt(
        dag_named(row, space, clear_number),
        row["state"],
        utc(row["start_date"]),
        utc(row["end_date"]),
        utc(row["run_after"]) or "",
        None,
        None if parent is None else (parent, root or parent),
        triggered_by,
    )


def of_task(row: Row, dag_run: Row, space: str, clear_number: int, outputs: tuple[DatasetEntry, ...] = ()) -> Attempt:
    """An attempt of a task, from its own row or from that of one of its tries."""
    own = dag_named(dag_run, space, clear_number)
    parent, root = naming.outside(dag_run.get("conf"))
    return Attempt(
        task_named(row, dag_run, space),
        row["state"],
        utc(row["start_date"]),
        utc(row["end_date"]),
        utc(dag_run["run_after"]) or "",
        row["try_number"],
        (own, root or parent or own),
        outputs=outputs,
    )


def dag_named(row: Row, space: str, clear_number: int) -> Named:
    """A DAG run as events name it."""
    return Named(naming.dag_run_id(space, row["dag_id"], moment(row), clear_number), row["dag_id"], space)


def task_named(row: Row, dag_run: Row, space: str) -> Named:
    """An attempt as events name it."""
    place = (row["dag_id"], row["task_id"], moment(dag_run), row["try_number"], row["map_index"])
    return Named(naming.task_run_id(space, *place), f"{row['dag_id']}.{row['task_id']}", space)


def moment(row: Row) -> datetime:
    """The time that ids of a DAG run, and of what is in it, are made of."""
    return datetime.fromisoformat(row["logical_date"] or row["run_after"])


def utc(text: str | None) -> str | None:
    """A time as events have it."""
    if text is None:
        return None
    return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
