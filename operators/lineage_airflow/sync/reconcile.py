"""One round of reconciliation: read what changed in Airflow, tell the service what it has not heard, report the rest.

Owns the order of the round and its report. A round that is cut short goes on where it was; one that is repeated tells
nothing again, since attempts that the service knows are left alone and events about the others are always the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from lineage import events
from lineage.errors import ServiceRefused
from lineage.orchestrator import Named
from lineage_airflow import assets
from lineage_airflow.sync import attempts
from lineage_airflow.sync.api import AirflowApi, Row
from lineage_airflow.sync.attempts import Attempt
from lineage_airflow.sync.known import Known
from lineage_airflow.sync.state import Progress, ProgressFile

T = TypeVar("T")
MAX_CLEARED = 8
"""How many clearings of a DAG run are tried to find its id: Airflow's answers do not tell the number."""


@dataclass(slots=True)
class Report:
    """What a round found.

    Attributes:
        dag_runs, task_instances: rows read.
        created: attempts told that the service had not heard of, by Airflow's state.
        ended: attempts whose end the service had not heard of, by Airflow's state.
        differences: attempts of which Airflow and the service say different things.
        refused: what the service said of events that it refused.
        requests: requests made to Airflow.
    """

    dag_runs: int = 0
    task_instances: int = 0
    created: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    differences: list[dict[str, str | None]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    requests: int = 0


class Round:
    """One round.

    Args:
        api: Airflow.
        known: the service.
        space: namespace of Airflow's jobs.
        dag: only this DAG.
        progress: called with how far it is, after every page.
    """

    def __init__(
        self, api: AirflowApi, known: Known, space: str, dag: str | None, progress: Callable[[Progress], None]
    ) -> None:
        self.api = api
        self.known = known
        self.space = space
        self.dag = dag
        self.report = Report()
        self._save = progress
        self._dag_runs: dict[tuple[str, str], Row] = {}
        self._cleared: dict[tuple[str, str], int] = {}
        self._made: defaultdict[tuple[str, str, str, int], list[events.DatasetEntry]] = defaultdict(list)
        self._causes: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)

    def run(self, start: Progress) -> Report:
        """Go through everything that changed since `start`; its end is saved as the start of the next round."""
        since = start.from_time
        for page in self.api.dag_runs(since, self.dag):
            self.report.dag_runs += len(page)
            self._dag_runs.update(((row["dag_id"], row["dag_run_id"]), row) for row in page)
        clock = self.api.clock or datetime.now(UTC)
        until = start.until or clock.isoformat()
        for page in self.api.asset_events(since, self.dag):
            for event in page:
                self._asset_event(event)
        for rows, cursor in _ahead(self.api.task_instances(since, self.dag, start.cursor)):
            self.report.task_instances += len(rows)
            self._settle([attempt for row in rows for attempt in self._attempts(row)])
            self._save(Progress(start.since, until, cursor))
        self._settle([self._dag_attempt(row) for row in self._dag_runs.values()])
        if not self.report.refused:
            self._save(Progress(since=until))
        self.report.requests = self.api.requests
        return self.report

    def _settle(self, found: Sequence[Attempt]) -> None:
        """Tell what is not known of these attempts."""
        ended = [attempt for attempt in found if attempt.end is not None]
        if not ended:
            return
        states = self.known.states()
        missing: list[events.Event] = []
        for attempt in ended:
            told = states.get(attempt.named.run_id)
            if told in ("COMPLETE", "FAIL", "ABORT"):
                if not attempt.agrees(told):
                    self.report.differences.append(
                        {
                            "run": attempt.named.run_id,
                            "job": attempt.named.job,
                            "airflow": attempt.state,
                            "service": told,
                        }
                    )
                continue
            (self.report.created if told is None else self.report.ended)[str(attempt.state)] += 1
            missing += attempt.events(told)
        self.report.refused += self.known.tell(missing)

    def _attempts(self, row: Row) -> Iterable[Attempt]:
        """The attempts behind one task instance; earlier ones are asked for only if the service lacks one."""
        if row["state"] is None or (row["try_number"] < 2 and row["state"] in ("scheduled", "queued", "running")):
            return []
        dag_run = self._dag_run(row["dag_id"], row["dag_run_id"])
        cleared = self._clear_number(dag_run)
        made = tuple(self._made.get((row["dag_id"], row["dag_run_id"], row["task_id"], row["map_index"]), ()))
        last = attempts.of_task(row, dag_run, self.space, cleared, made)
        before = [{**row, "try_number": number} for number in range(1, row["try_number"])]
        states = self.known.states() if before else {}
        if all(
            states.get(attempts.task_named(one, dag_run, self.space).run_id) in ("COMPLETE", "FAIL", "ABORT")
            for one in before
        ):
            return [last]
        tries = [one for one in self.api.tries(row) if one["try_number"] < row["try_number"]]
        return [*(attempts.of_task(one, dag_run, self.space, cleared) for one in tries), last]

    def _dag_attempt(self, row: Row) -> Attempt:
        causes = []
        for event in self._causes.get((row["dag_id"], row["dag_run_id"]), ()):
            cause = self._cause(event)
            if cause is not None and cause not in causes:
                causes.append(cause)
        return attempts.of_dag_run(row, self.space, clear_number=self._clear_number(row), triggered_by=tuple(causes))

    def _cause(self, event: Row) -> Named | None:
        """The DAG run whose task changed the asset."""
        dag_id, run_id = event.get("source_dag_id"), event.get("source_run_id")
        if not dag_id or not run_id:
            return None
        row = self._dag_run(dag_id, run_id)
        return attempts.dag_named(row, self.space, self._clear_number(row))

    def _asset_event(self, event: Row) -> None:
        for started in event.get("created_dagruns") or ():
            self._causes[started["dag_id"], started["run_id"]].append(event)
        dataset = assets.dataset_of(event["uri"]) if event.get("uri") else None
        if dataset is not None and event.get("source_task_id"):
            place = (event["source_dag_id"], event["source_run_id"], event["source_task_id"], event["source_map_index"])
            self._made[place].append(events.entry(dataset.namespace, dataset.name))

    def _dag_run(self, dag_id: str, run_id: str) -> Row:
        place = (dag_id, run_id)
        if place not in self._dag_runs:
            self._dag_runs[place] = self.api.dag_run(dag_id, run_id)
        return self._dag_runs[place]

    def _clear_number(self, row: Row) -> int:
        """How often a DAG run was cleared, as far as the service has heard of it."""
        place = (row["dag_id"], row["dag_run_id"])
        if place not in self._cleared:
            states = self.known.states()
            ids = [attempts.dag_named(row, self.space, number).run_id for number in range(MAX_CLEARED)]
            self._cleared[place] = max((number for number, ident in enumerate(ids) if ident in states), default=0)
        return self._cleared[place]


def _ahead(pages: Iterator[T]) -> Iterator[T]:
    """The same, with the next page on its way while this one is worked on."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = reader.submit(next, pages, None)
            yield page


def reconcile(api: AirflowApi, known: Known, space: str, dag: str | None, kept: ProgressFile) -> Report:
    """Go on where the last round ended, or was cut short; there from its first page if Airflow forgot the place."""
    start = kept.load()
    try:
        return Round(api, known, space, dag, kept.save).run(start)
    except ServiceRefused as error:
        if not start.cursor or error.status not in (400, 422):
            raise
        return Round(api, known, space, dag, kept.save).run(Progress(start.since, start.until))
