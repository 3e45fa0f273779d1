"""Runs: the life of one tracked call or `with run(...)` block, told as OpenLineage events.

Owns identity, names, parents, beginning and end of a run, and what its root sums up for the closing line. What can be
recorded meanwhile is in `recording`, which run is the current one in `active`, the functions people decorate in
`decorators`.
"""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from lineage import active, diagnostics, facets, ids, process, settings, summary
from lineage.emit import emitter
from lineage.events import DatasetEntry, Event, run_event
from lineage.guard import guarded
from lineage.increments import cut
from lineage.recording import Recording
from lineage.redact import redact_event, redact_text
from lineage.typed import Typed

if TYPE_CHECKING:
    from types import TracebackType

Kind = Literal["task", "flow", "side_effect"]
Outcome = Literal["COMPLETE", "FAIL", "ABORT"]

_INTERRUPTS: Final = {
    KeyboardInterrupt: "interrupted",
    SystemExit: "exit",
    GeneratorExit: "closed",
    asyncio.CancelledError: "cancelled",
}
_MAX_FRAMES = 30


class Run(Recording):
    """A run in progress, or over.

    Attributes:
        id: its UUIDv7.
        job: name of its job: `<flow>`, `<flow>.<task>` or `<task>`.
        namespace: namespace of its job.
        kind: task, flow or side_effect.
        parent: the run around it, or None.
        root: the outermost run around it; itself if there is none.
        missing: evidence it is known to lack, as {"what", "why"}.
        short_id: the beginning of `id` that names it in commands.
    """

    __slots__ = (
        "_entered_over", "_evident", "_job", "_parent_facet", "id", "function", "job", "kind", "known_inputs", "missing",
        "namespace", "older_threads", "open_children", "over", "owed", "parent", "prefix", "root", "seeded", "short_id", "started",
        "tally", "thread", "written",
    )  # fmt: skip

    def __init__(
        self, name: str, kind: Kind = "task", *, parent: Run | None = None, function: str | None = None
    ) -> None:
        self.kind: Kind = kind
        self.parent = parent
        self.function = function
        self.namespace = settings.current().namespace
        self.root: Run = self if parent is None else parent.root
        self.job = name if kind == "flow" or parent is None or not parent.prefix else f"{parent.prefix}.{name}"
        self.prefix: str | None = self.job if kind == "flow" else parent.prefix if parent is not None else None
        if parent is None:
            self.id, short = ids.root_run_id()
            self._parent_facet: Mapping[str, Any] = {}
        else:
            self.id, short = ids.run_id(), ids.SHORT_CROWDED
            self._parent_facet = {"parent": facets.parent(parent.id, parent._job, self.root.id, self.root._job)}
        self.short_id = self.id[:short]
        self._job = {"namespace": self.namespace, "name": self.job}
        self.missing: list[dict[str, str]] = []
        self.seeded = False
        self.known_inputs: set[tuple[str, str]] = set()
        self.tally = summary.Tally() if parent is None else self.root.tally
        self.owed: list[Run] = []
        self.written: set[tuple[str, str]] = set()
        self.started = time.time()
        self.over = False
        self._evident = False
        self._entered_over: Run | None = None
        self.thread = threading.get_ident()
        self.older_threads: frozenset[int | None] = frozenset()
        self.open_children: dict[str, Run] = {}

    def __repr__(self) -> str:
        return f"<Run {self.job} {self.id}>"

    @property
    def job_reference(self) -> Mapping[str, str]:
        """Namespace and name of its job, as facets name it."""
        return self._job

    def begin(self, parameters: Mapping[str, Typed] | None = None, inputs: Iterable[DatasetEntry] = ()) -> None:
        """Send START."""
        process.start()
        self.older_threads = active.older_threads()
        active.opened(self)
        found: dict[str, Any] = {"weftline_run": facets.run(self.kind, self.function, self.missing)}
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
    ) -> None:
        """Send COMPLETE, FAIL or ABORT, whichever `error` says; afterwards the run is over."""
        if self.over:
            return
        self.over = True
        active.closed(self)
        state, outcome = outcome_of(error)
        found: dict[str, Any] = {"weftline_run": facets.run(self.kind, self.function, self.missing, outcome)}
        if error is not None and state == "FAIL":
            found["errorMessage"] = _error_facet(error)
        self.tally.missing.update((item["what"], item["why"]) for item in self.missing)
        if self.parent is None:
            process.wait()
        self._send(state, found, inputs, outputs)
        if self.parent is None:
            summary.tell(self, state)

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
    ) -> None:
        inputs, outputs = list(inputs), list(outputs)
        run_facets.update(self._parent_facet)
        evidence_ready = process.ready()
        if evidence_ready and self.root.owed:
            self.root.pay()
        if not self._evident:
            if evidence_ready:
                self._evident = True
                run_facets.update(process.run_facets())
            elif self.over and self.parent is not None:
                self.root.owed.append(self)
        job = {**self._job, "facets": job_facets} if job_facets else self._job
        self.tally.add(inputs, outputs)
        self.written.update((entry["namespace"], entry["name"]) for entry in outputs)
        event: Event = run_event(event_type, self.id, job, run_facets, inputs, outputs)
        emitter.emit(redact_event(event), terminal_of_root=self.over and self.parent is None)

    def pay(self) -> None:
        """Send the evidence that runs of this tree ended without, because it was still being captured."""
        owed, self.owed = self.owed, []
        for run in owed:
            if not run._evident:
                run._evident = True
                emitter.emit(run_event("OTHER", run.id, run._job, {**process.run_facets(), **run._parent_facet}))

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(error)

    @guarded
    def _open(self) -> None:
        if not settings.current().disabled:
            self.begin()
        self._entered_over = active.enter(self)

    @guarded
    def _close(self, error: BaseException | None) -> None:
        active.enter(self._entered_over)
        self._entered_over = None
        if not settings.current().disabled:
            self.end(error)


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
    return Run(name, parent=parent if parent is not None else active.current())


def outcome_of(error: BaseException | None) -> tuple[Outcome, str | None]:
    """How a run ended that `error` left: the event's type, and the word for an end that is no failure."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "COMPLETE", None
    for kind, outcome in _INTERRUPTS.items():
        if isinstance(error, kind):
            return "ABORT", outcome
    return "FAIL", None


def _error_facet(error: BaseException) -> facets.Facet:
    try:
        text = f"{type(error).__name__}: {error}"
    except Exception:
        text = type(error).__name__
    trace = None
    try:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__, -_MAX_FRAMES) if not _is_ours(frame)]
        trace = redact_text("".join(traceback.format_list(frames)))
    except Exception as problem:
        diagnostics.debug(f"no stack trace: {problem!r}")
    return facets.error_message(cut(redact_text(text)), trace)


def _is_ours(frame: traceback.FrameSummary) -> bool:
    return frame.filename.endswith(("lineage/decorators.py", "lineage\\decorators.py"))
