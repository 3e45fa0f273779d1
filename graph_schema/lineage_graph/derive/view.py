"""One run as its facts tell it, whatever order they came in.

Owns `run_view(facts)`: a pure join (states by rank, first start, last end, unions of inputs and outputs). Knows
nothing about other runs; which version an input means is settled in `bind`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lineage_graph import identity
from lineage_graph.canonical import canonical_bytes
from lineage_graph.facts.row import Fact

# Reported state is the join of all reported ones: the highest rank wins, OTHER never counts.
STATE_RANK = {"START": 1, "RUNNING": 2, "COMPLETE": 3, "ABORT": 4, "FAIL": 5}
TERMINAL = frozenset({"COMPLETE", "ABORT", "FAIL"})
UNKNOWN = "UNKNOWN"

_SCHEME_RANK = {identity.SCHEME_VERSION: 0, identity.SCHEME_DIGEST: 1}
_DESCRIBES = ("rows", "bytes", "rowsd", "schema", "model", "sampled", "digest")


class Passed(NamedTuple):
    """A value was handed over by a run; `changed` when it was not the same any more by then.

    `version` is the (scheme, value) stated with the hand-over itself, None where it stated none.
    """

    namespace: str
    run_id: str
    argument: str
    changed: bool
    version: tuple[str, str] | None


@dataclass(slots=True)
class Mention:
    """A dataset as one side of a run names it: all versions stated at the best scheme, and what describes it."""

    dataset: bytes
    namespace: str
    name: str
    versions: list[tuple[str, str]] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    stated: list[tuple[str, str]] | None = None
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class RunView:
    """What is known of one run. Times are UTC microseconds, None when no event told."""

    ident: bytes
    namespace: str = ""
    run_id: str = ""
    job: str = ""
    state: str = UNKNOWN
    terminals: list[str] = field(default_factory=list)
    started: int | None = None
    ended: int | None = None
    seen: int | None = None
    parent: dict[str, str] | None = None
    root: dict[str, str] | None = None
    triggers: list[dict[str, str]] = field(default_factory=list)
    inputs: list[Mention] = field(default_factory=list)
    outputs: list[Mention] = field(default_factory=list)
    code: list[str] | None = None
    entry_point: str | None = None
    environment: str | None = None
    actor: dict[str, str] | None = None
    host: str | None = None
    checks: list[dict[str, Any]] = field(default_factory=list)
    facets: dict[str, list[tuple[int, bytes, Any]]] = field(default_factory=dict)
    findings: list[dict[str, str]] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return self.state in ("FAIL", "ABORT")

    @property
    def finished(self) -> bool:
        return self.state == "COMPLETE"

    @property
    def generates(self) -> bool:
        """Whether its outputs are versions: not of failed runs, nor of runs that only announced them at START."""
        return self.state in ("RUNNING", "COMPLETE")

    @property
    def bind_time(self) -> int | None:
        """When its inputs were read, as far as binding is concerned."""
        return self.started if self.started is not None else self.seen

    @property
    def made_time(self) -> int:
        """When its outputs were made: its end, else the last time it was heard of."""
        return self.ended if self.ended is not None else (self.seen or self.started or 0)


def run_view(ident: bytes, facts: Iterable[Fact]) -> RunView:
    """Join the facts whose subject is this run."""
    view = RunView(ident)
    sides: dict[str, dict[bytes, list[dict[str, Any]]]] = {"input": {}, "output": {}}
    named: dict[str, list[tuple[bytes, Any]]] = {}
    states: list[tuple[str, int]] = []
    for fact in facts:
        predicate = fact.predicate
        if predicate == "state":
            states.append((fact.value, fact.at or 0))
        elif predicate in sides:
            sides[predicate].setdefault(fact.object, []).append(fact.value)
        elif predicate.startswith("facet:"):
            view.facets.setdefault(predicate[6:], []).append((fact.at or 0, canonical_bytes(fact.value), fact.value))
        else:
            named.setdefault(predicate, []).append((canonical_bytes(fact.value), fact.value))
    for values in named.values():
        values.sort(key=lambda pair: pair[0])
    for facet_values in view.facets.values():
        facet_values.sort(key=lambda value: value[:2])
    _names(view, named)
    _times(view, states)
    view.inputs = [_mention(dataset, values) for dataset, values in sorted(sides["input"].items())]
    view.outputs = [_mention(dataset, values) for dataset, values in sorted(sides["output"].items())]
    return view


def _names(view: RunView, named: dict[str, list[tuple[bytes, Any]]]) -> None:
    def values(predicate: str) -> list[Any]:
        # Two producers that say the same of a run, as an orchestrator and a function in it do, contradict nobody.
        return list(dict(named.get(predicate, ())).values())

    names = values("run")
    if names:
        view.namespace, view.run_id, view.job = names[0]["ns"], names[0]["id"], names[0]["job"]
    view.findings = values("finding")
    if len(names) > 1:
        jobs = ", ".join(sorted(name["job"] for name in names)[:5])
        view.findings.append(
            {"code": "several_jobs", "place": "job.name", "text": f"one run id under several jobs: {jobs}"}
        )
    parents, roots = values("parent"), values("root")
    view.parent = parents[0] if parents else None
    view.root = roots[0] if roots else None
    if len(parents) > 1:
        text = f"{len(parents)} different parents named, the first in order is kept"
        view.findings.append({"code": "several_parents", "place": "run.facets.parent", "text": text})
    view.triggers = values("trigger")
    view.checks = values("check")
    # Our own code facet knows about uncommitted changes; the standard location does not.
    codes = sorted(values("code"), key=lambda code: (not code["ours"], code["key"]))
    view.code = codes[0]["key"] if codes else None
    entries = values("entry")
    view.entry_point = entries[0] if entries else None
    environments, actors, hosts = values("env"), values("actor"), values("host")
    view.environment = environments[0] if environments else None
    view.actor = actors[0] if actors else None
    view.host = hosts[0] if hosts else None


def _times(view: RunView, states: list[tuple[str, int]]) -> None:
    if not states:
        return
    ranked = [state for state, _ in states if state in STATE_RANK]
    view.state = max(ranked, key=STATE_RANK.__getitem__) if ranked else UNKNOWN
    view.terminals = sorted({state for state in ranked if state in TERMINAL})
    view.started = min((at for state, at in states if state == "START"), default=None)
    view.ended = max((at for state, at in states if state in TERMINAL), default=None)
    view.seen = min(at for _, at in states)
    if view.started is None:
        view.findings.append({"code": "no_start", "place": "eventType", "text": "no START event was received"})
    elif view.ended is not None and view.ended < view.started:
        text = "it ended before it started: a clock is wrong; the end is read as the start"
        view.findings.append({"code": "negative_duration", "place": "eventTime", "text": text})
        view.ended = view.started
    if len(view.terminals) > 1:
        text = f"ended as {' and as '.join(view.terminals)}; {view.state} counts"
        view.findings.append({"code": "several_ends", "place": "eventType", "text": text})


def _mention(dataset: bytes, values: list[dict[str, Any]]) -> Mention:
    # Later members of the canonical order win ties, so that the result does not depend on arrival.
    ordered = sorted(values, key=canonical_bytes)
    first = ordered[0]
    mention = Mention(dataset, first["ns"], first["n"])
    best = min((_SCHEME_RANK[value["s"]] for value in ordered if "s" in value), default=None)
    seen: set[tuple[str, str]] = set()
    for value in ordered:
        if "s" in value and _SCHEME_RANK[value["s"]] == best and (value["s"], value["v"]) not in seen:
            seen.add((value["s"], value["v"]))
            mention.versions.append((value["s"], value["v"]))
        if "pass" in value:
            namespace, run_id, argument, changed = value["pass"]
            stated = (value["s"], value["v"]) if "s" in value else None
            passed = Passed(namespace, run_id, argument, changed, stated)
            if passed not in mention.passed:
                mention.passed.append(passed)
        if "from" in value:
            sources = {(source["ns"], source["n"]) for source in value["from"]}
            mention.stated = sorted(sources | set(mention.stated or ()))
        for key in _DESCRIBES:
            if key in value:
                mention.about[key] = value[key]
    return mention


def output_versions(view: RunView, output: Mention) -> list[tuple[str, str]]:
    """Versions an output is: those stated, else the one this run identifies."""
    return output.versions or [(identity.SCHEME_RUN, identity.run_version_value(view.namespace, view.run_id))]
