"""For tests of tracked code: events kept in memory instead of sent.

    def test_training(lineage_events):        # pytest_plugins = ["lineage.testing"]
        train(rows)
        assert lineage_events.run("train").state == "COMPLETE"

Owns the recording sink and the pytest fixture around it; `recording()` is the same without pytest. Nothing touches a
disk or a network meanwhile, and the closing line of runs is silent.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from lineage import active, diagnostics, passing, process
from lineage.emit import emitter
from lineage.emit.spooldir import SpoolStatus

try:
    import pytest
except ImportError:  # the sink is of use without it
    pytest = None  # type: ignore[assignment]

Event = dict[str, Any]


@dataclass
class RecordedRun:
    """Everything that was recorded of one run, its events taken together.

    Args:
        id: its run id.
        job: name of its job.
        events: its events as they were sent.
    """

    id: str
    job: str
    events: list[Event] = field(default_factory=list)

    @property
    def state(self) -> str:
        """COMPLETE, FAIL or ABORT once it is over, before that START or RUNNING."""
        types = [event["eventType"] for event in self.events if event["eventType"] != "OTHER"]
        return next((state for state in ("FAIL", "ABORT", "COMPLETE") if state in types), types[-1])

    @property
    def facets(self) -> dict[str, Any]:
        """Run facets; of those sent twice the later one."""
        return {name: facet for event in self.events for name, facet in event["run"].get("facets", {}).items()}

    @property
    def inputs(self) -> list[dict[str, Any]]:
        """Input datasets in the order in which they were told."""
        return [entry for event in self.events for entry in event.get("inputs", ())]

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """Output datasets in the order in which they were told."""
        return [entry for event in self.events for entry in event.get("outputs", ())]

    @property
    def parameters(self) -> dict[str, str]:
        """Text of the parameters by name."""
        return {
            item["key"]: item["value"]
            for event in self.events
            for item in event["run"]["facets"].get("executionParameters", {}).get("parameters", ())
        }

    @property
    def metrics(self) -> dict[str, str]:
        """Text of the last value of each metric without a slice."""
        return {
            item["name"]: item["value"]
            for event in self.events
            for item in event["run"]["facets"].get("weftline_metrics", {}).get("metrics", ())
            if "slice" not in item
        }

    @property
    def parent(self) -> str | None:
        """Run id of the run around it."""
        parent = self.facets.get("parent")
        return None if parent is None else str(parent["run"]["runId"])


class RecordingSink:
    """A sink that keeps events; see `lineage.emit.emitter.Sink`."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Mapping[str, Any], *, terminal_of_root: bool = False) -> int:
        """Keep a copy of the event; returns its sequence."""
        self.events.append(deepcopy(dict(event)))
        return len(self.events)

    def sync(self, timeout: float) -> bool:
        """Nothing to wait for."""
        return True

    def status(self) -> SpoolStatus:
        """Nothing waits."""
        return SpoolStatus(0, 0, None, None, "memory", None, 0, 0)

    def close(self) -> None:
        """Nothing to close."""

    @property
    def runs(self) -> list[RecordedRun]:
        """The runs, in the order of their first events."""
        found: dict[str, RecordedRun] = {}
        for event in self.events:
            run_id, job = event["run"]["runId"], event["job"]["name"]
            found.setdefault(run_id, RecordedRun(run_id, job)).events.append(event)
        return list(found.values())

    def run(self, job: str) -> RecordedRun:
        """The only run of a job.

        Raises:
            LookupError: there is none, or more than one; the message lists the jobs that ran.
        """
        fitting = [run for run in self.runs if run.job == job]
        if len(fitting) != 1:
            seen = ", ".join(run.job for run in self.runs) or "none"
            raise LookupError(f"{len(fitting)} runs of job {job!r}; runs recorded: {seen}")
        return fitting[0]


@contextmanager
def recording() -> Iterator[RecordingSink]:
    """Keep the events of the block in memory."""
    sink = RecordingSink()
    quiet = os.environ.get("LINEAGE_QUIET")
    os.environ["LINEAGE_QUIET"] = "1"
    passing.forget()
    diagnostics.forget()
    active.forget_others()
    try:
        with emitter.use(sink):
            try:
                yield sink
            finally:
                process.forget_waiting()  # what comes late would go to the spool
    finally:
        passing.forget()
        if quiet is None:
            os.environ.pop("LINEAGE_QUIET", None)
        else:
            os.environ["LINEAGE_QUIET"] = quiet


if pytest is not None:

    @pytest.fixture(name="lineage_events")
    def _lineage_events() -> Iterator[RecordingSink]:
        """The events that the code under test records."""
        with recording() as sink:
            yield sink
