"""Runs: the life of one tracked call or `with run(...)` block, told as OpenLineage events.

Owns identity, names, parents, beginning and end of a run, and what its root sums up for the closing line. What can be
recorded meanwhile is in `recording`, which run is the current one in `active`, the functions people decorate in
`decorators`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from lineage import active, diagnostics, facets, ids, orchestrator, process, settings, summary
from lineage.emit import emitter
from lineage.events import DatasetEntry, Event, now_text, run_event
from lineage.guard import guarded
from lineage.increments import clean
from lineage.orchestrator import Named, Place
from lineage.recording import Recording
from lineage.redact import redact_event, redact_text
from lineage.typed import Typed

if TYPE_CHECKING:
    from types import TracebackType

Kind = Literal["task", "flow", "side_effect"]
Outcome = Literal["COMPLETE", "FAIL", "ABORT"]

# By name, so that asyncio need not be imported to know its exception.
_INTERRUPTS: Final = {
    ("builtins", "KeyboardInterrupt"): "interrupted",
    ("builtins", "SystemExit"): "exit",
    ("builtins", "GeneratorExit"): "closed",
    ("asyncio.exceptions", "CancelledError"): "cancelled",
    ("trio", "Cancelled"): "cancelled",
    ("prefect.exceptions", "TerminationSignal"): "terminated",
    ("prefect.exceptions", "Pause"): "paused",
    ("prefect.exceptions", "Abort"): "aborted",
    ("airflow.sdk.exceptions", "AirflowSkipException"): "skipped",
    ("airflow.sdk.exceptions", "AirflowRescheduleException"): "rescheduled",
    ("airflow.sdk.exceptions", "TaskDeferred"): "deferred",
}
_MAX_FRAMES = 30
_MAX_NAME = 1000


class Run(Recording):
    """A run in progress, or over.

    Attributes:
        id: its UUIDv7.
        job: name of its job: `<flow>`, `<flow>.<task>` or `<task>`.
        namespace: namespace of its job.
        kind: task, flow or side_effect.
        parent: the run around it, or None.
        root: the outermost run around it; itself if there is none.
        place: the orchestrator's run that this one is, or belongs to where no run of ours is around it; else None.
        missing: evidence it is known to lack, as {"what", "why"}.
        before_end: called, each once, before its last event.
        short_id: the beginning of `id` that names it in commands.
    """

    def __init__(
        self,
        name: str,
        kind: Kind = "task",
        *,
        parent: Run | None = None,
        function: str | None = None,
        place: Place | None = None,
        itself: bool = False,
    ) -> None:
        name = redact_text(str(name)[:_MAX_NAME]) or "run"
        self.kind: Kind = kind
        self.parent = parent
        self.function = function
        self.place = place
        self.itself = itself and place is not None
        self.root: Run = self if parent is None else parent.root
        self._identify(name)
        self._job: dict[str, str] = {"namespace": self.namespace, "name": self.job}
        self._parent_facet: dict[str, Any] = {}
        around = self._around()
        self._top: Named = Named(self.id, self.job, self.namespace)
        if around is not None:
            above, self._top = around
            facet = facets.parent(above.run_id, above.job_entry, self._top.run_id, self._top.job_entry)
            self._parent_facet["parent"] = facet
        self.tally: summary.Tally = summary.Tally() if parent is None else parent.tally
        self.missing: list[dict[str, str]] = []
        self.seeded = False
        self.known_inputs: set[tuple[str, str]] = set()
        self.written: set[tuple[str, str]] = set()
        self.stamps: dict[str, int | None] = {}
        self.started = time.time()
        self.before_end: list[Callable[[], None]] = []
        self.over = False
        self._evident = False
        self._entered_over: Run | None = None
        self.thread = threading.get_ident()
        self.pid = os.getpid()
        # Of a tree that reaches over a fork, the outermost run of this process ends what this process has to say.
        self.outermost = parent is None or parent.pid != self.pid
        self.older_threads: frozenset[int | None] = frozenset()
        self.open_children: dict[str, Run] = {}

    def __repr__(self) -> str:
        return f"<Run {self.job} {self.id}>"

    def _identify(self, name: str) -> None:
        """Id, job and namespace: the orchestrator's, where this is its run; else its own."""
        place, parent = self.place, self.parent
        if place is not None and self.itself:
            self.id, self.job, self.namespace = place.run.run_id, place.run.job, place.run.namespace
            self.short_id, self.prefix = self.id[: ids.SHORT_CROWDED], place.prefix
            return
        prefix = place.prefix if place is not None else parent.prefix if parent is not None else None
        self.namespace = settings.current().namespace
        self.job = name if self.kind == "flow" or not prefix else f"{prefix}.{name}"
        self.prefix = self.job if self.kind == "flow" else prefix
        if parent is None and place is None:
            self.id, short = ids.root_run_id()
        else:
            self.id, short = ids.run_id(), ids.SHORT_CROWDED
        self.short_id = self.id[:short]

    def _around(self) -> tuple[Named, Named] | None:
        """The run around this one and the outermost of the tree, or None if this is the outermost."""
        place, parent = self.place, self.parent
        if place is not None and self.itself:
            return (place.parent, place.top) if place.parent is not None else None
        if place is not None:
            return place.run, place.top
        return None if parent is None else (Named(parent.id, parent.job, parent.namespace), parent._top)

    def begin(self, parameters: Mapping[str, Typed] | None = None, inputs: Iterable[DatasetEntry] = ()) -> None:
        """Send START."""
        process.start()
        self.older_threads = active.older_threads()
        active.opened(self)
        found: dict[str, Any] = {"weftline_run": self._facet()}
        if parameters:
            found.update(facets.parameters(parameters))
        if self.parent is None:
            found["weftline_actor"] = process.actor()
        self._send("START", found, inputs, job_facets={"jobType": facets.job_type(self.kind)})

    def increment(
        self,
        run_facets: Mapping[str, Any] | None = None,
        inputs: Iterable[DatasetEntry] = (),
        outputs: Iterable[DatasetEntry] = (),
    ) -> None:
        """Send RUNNING with an addition to this run."""
        self._send("RUNNING", dict(run_facets or {}), inputs, outputs)

    def end(
        self,
        error: BaseException | None = None,
        inputs: Iterable[DatasetEntry] = (),
        outputs: Iterable[DatasetEntry] = (),
        *,
        outcome: str | None = None,
        at: str | None = None,
    ) -> None:
        """Send COMPLETE, FAIL or ABORT, whichever `error` says; afterwards the run is over.

        Args:
            error: what ended it, if that was an exception.
            inputs, outputs: datasets told with the end.
            outcome: a word for an end that is neither success nor failure.
            at: when it ended, as `events.now_text` writes it; default now.
        """
        if self.over:
            return
        at = at or now_text()
        for tell in self.before_end:
            guarded(tell)()
        active.closed(self)
        self.over = True
        state, interruption = outcome_of(error)
        if self.itself:
            orchestrator.ended(self.id, state)
        found: dict[str, Any] = {"weftline_run": self._facet(outcome or interruption)}
        if error is not None and state == "FAIL":
            # Of an error on its way out through several runs the innermost one shows where it comes from.
            found["errorMessage"] = error_facet(error, trace=self.tally.last_error != id(error))
            self.tally.last_error = id(error)
        self.tally.missing.update((item["what"], item["why"]) for item in self.missing)
        if self.outermost:
            process.wait()
        self._send(state, found, inputs, outputs, at=at)
        if self.parent is None:
            summary.tell(self, state)

    def _facet(self, outcome: str | None = None) -> facets.Facet:
        attempt = self.place.attempt if self.place is not None and self.itself else None
        return facets.run(self.kind, self.function, self.missing, outcome, attempt)

    def lacks(self, what: str, why: str) -> None:
        """Note that a piece of evidence is missing; told with the run's end."""
        item = {"what": what, "why": why}
        if item not in self.missing:
            self.missing.append(item)

    def _send(
        self,
        event_type: str,
        run_facets: dict[str, Any],
        inputs: Iterable[DatasetEntry] = (),
        outputs: Iterable[DatasetEntry] = (),
        job_facets: Mapping[str, Any] | None = None,
        at: str | None = None,
    ) -> None:
        inputs, outputs = list(inputs), list(outputs)
        said: Mapping[str, Any] = {}
        if self.itself and self.place is not None:
            said = self.place.facets if event_type == "START" else {}
            event_type = "RUNNING" if self.place.told else event_type
        job = {**self._job, "facets": job_facets} if job_facets else self._job
        event = run_event(event_type, self.id, job, *_redacted(run_facets, inputs, outputs), at)
        event["run"]["facets"].update(self._parent_facet, **said)
        owing = False
        if not self._evident and process.ready():
            self._evident = True
            event = _with_evidence(event)
        elif self.over and not self._evident:
            owing = True
        self.tally.add(inputs, outputs)
        self.written.update((entry["namespace"], entry["name"]) for entry in outputs)
        emitter.emit(event, terminal_of_root=self.over and self.outermost)
        if owing:
            process.when_ready(self._tell_evidence)

    @guarded
    def _tell_evidence(self) -> None:
        """Send the evidence that this run ended without, because it was still being captured."""
        if not self._evident:
            self._evident = True
            emitter.emit(_with_evidence(run_event("OTHER", self.id, self._job, self._parent_facet)))

    def __enter__(self) -> Self:
        try:
            self._open()
            return self
        except BaseException as error:  # an interrupt: there will be no `__exit__`
            self._close(error)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._close(error)
        except BaseException as interrupt:  # between two steps of the end
            self._close(interrupt)
            raise

    @guarded
    def _open(self) -> None:
        self._entered_over = active.entered()
        if not settings.current().disabled:
            self.begin()
        active.enter(self)

    @guarded
    def _close(self, error: BaseException | None) -> None:
        active.enter(self._entered_over)
        if not settings.current().disabled:
            self.end(error)


def _redacted(*content: Any) -> tuple[dict[str, Any], list[DatasetEntry], list[DatasetEntry]]:
    """Run facets, inputs and outputs without secrets; should that fail, none: the event then tells the state alone."""
    try:
        run_facets, inputs, outputs = redact_event(content)
    except Exception as error:
        diagnostics.warn_once("redact", f"content that cannot be redacted is left out: {error!r}")
        return {}, [], []
    return dict(run_facets), inputs, outputs


def _with_evidence(event: Event) -> Event:
    """The event with what is known of the process, which has been redacted when it was captured."""
    run, job = event["run"], event["job"]
    event = {**event, "run": {**run, "facets": {**run["facets"], **process.run_facets()}}}
    if process.job_facets():
        event["job"] = {**job, "facets": {**job.get("facets", {}), **process.job_facets()}}
    return event


def current_run() -> Run | None:
    """The run that code running here belongs to, or None."""
    return active.current()


def run(name: str, *, parent: Run | None = None) -> Run:
    """A run as a context manager, for code that is no function of its own.

        with run("train") as r:
            r.log_metric("loss", 0.3)

    Args:
        name: name of the job.
        parent: the run it belongs to; default the current one.
    """
    if parent is not None:
        return Run(name, parent=parent)
    around = active.current()
    place, _ = orchestrator.surroundings(None, around)
    return Run(name, parent=around, place=place)


def outcome_of(error: BaseException | None) -> tuple[Outcome, str | None]:
    """How a run ended that `error` left: the event's type, and the word for an end that is no failure."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "COMPLETE", None
    for kind in type(error).__mro__:
        outcome = _INTERRUPTS.get((kind.__module__, kind.__name__))
        if outcome is not None:
            return "ABORT", outcome
    return "FAIL", None


def error_facet(error: BaseException, *, trace: bool = True) -> facets.Facet:
    """Standard `errorMessage` for what ended a run, without secrets; with the end of its traceback if `trace`."""
    said = _said(error)
    text = type(error).__name__ if said is None else f"{type(error).__name__}: {said}"
    return facets.error_message(clean("message", text), _stack_trace(error) if trace else None)


@guarded
def _said(error: BaseException) -> str:
    return str(error)


def _stack_trace(error: BaseException) -> str | None:
    """The last frames, without ours, with file names that tell nothing about whose machine this is."""
    try:
        frames = traceback.extract_tb(error.__traceback__, -_MAX_FRAMES)
        for frame in frames:
            frame.filename = _portable(frame.filename)
        return redact_text("".join(traceback.format_list(f for f in frames if f.filename != "lineage/decorators.py")))
    except Exception as problem:
        diagnostics.debug(f"no stack trace: {problem!r}")
        return None


def _portable(filename: str) -> str:
    """A file name relative to the package path or the working directory it lies in, else its last part."""
    path = filename.replace(os.sep, "/")
    roots = (*(entry.replace(os.sep, "/") for entry in sys.path if entry), os.getcwd().replace(os.sep, "/"))
    inside = [path.removeprefix(f"{root}/") for root in roots if path.startswith(f"{root}/")]
    return min(inside, key=len) if inside else path.rpartition("/")[2]
