"""Which scopes a batch of new facts touches, and their recomputation, for one project.

Owns the order of work: (1) join each touched run's facts and replace its generations, (2) find the runs and versions
that changed generations and aliases reach, (3) bind and emit those runs, (4) emit versions, job versions, jobs,
datasets and shared nodes. There is no fixpoint: bindings never change generations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lineage_graph import identity
from lineage_graph.canonical import canonical_bytes, loads_exact
from lineage_graph.derive.aliases import AliasFact
from lineage_graph.derive.bind import DECLARED, Bound, bind_input, bind_unversioned
from lineage_graph.derive.content import Content, Ids, job_version_ident, run_content
from lineage_graph.derive.scopes import (
    dataset_content,
    job_content,
    job_version_content,
    shared_content,
    version_content,
)
from lineage_graph.derive.view import Mention, RunView, output_versions, run_view
from lineage_graph.facts.datasets import KEPT as DATASET_FACETS
from lineage_graph.facts.row import Fact
from lineage_graph.facts.runs import KEPT_JOB
from lineage_graph.model import NodeKind
from lineage_graph.projection.aliasing import Aliasing
from lineage_graph.projection.database import NO_TIME, Statements
from lineage_graph.projection.emission import Emission
from lineage_graph.projection.timeline import ProjectTimeline, Usage

# First byte of a scope's key.
_SCOPE = {kind: bytes([number]) for number, kind in enumerate(NodeKind, 1)}
_SHARED = frozenset({NodeKind.SCHEMA, NodeKind.CODE_VERSION, NodeKind.ENVIRONMENT, NodeKind.ACTOR, NodeKind.FIELD})
_JOB_PREDICATES = ("job", "io", *(f"facet:{name}" for name in KEPT_JOB))
_DATASET_PREDICATES = ("dataset", "facet:schema", "dropped", *(f"facet:{name}" for name in DATASET_FACETS))


@dataclass(slots=True)
class Dirty:
    """What a batch touched, by kind of scope; idents. Of runs also what it says: hash → fact."""

    runs: dict[bytes, dict[bytes, Fact]] = field(default_factory=dict)
    versions: set[bytes] = field(default_factory=set)
    jobs: set[bytes] = field(default_factory=set)
    datasets: set[bytes] = field(default_factory=set)
    shared: set[tuple[NodeKind, bytes]] = field(default_factory=set)
    declared: list[tuple[bytes, Fact]] = field(default_factory=list)
    dropped: list[tuple[bytes, int]] = field(default_factory=list)
    aliases: list[AliasFact] = field(default_factory=list)

    def add(self, fact: Fact, digest: bytes) -> None:
        """Note a fact that was not known before, with its hash."""
        if fact.kind is NodeKind.RUN:
            self.runs.setdefault(fact.subject, {})[digest] = fact
        elif fact.kind is NodeKind.JOB:
            self.jobs.add(fact.subject)
        elif fact.kind in _SHARED:
            self.shared.add((fact.kind, fact.subject))
        elif fact.kind is NodeKind.DATASET:
            self.datasets.add(fact.subject)
            if fact.predicate == "version":
                self.declared.append((fact.subject, fact))
            elif fact.predicate == "dropped":
                self.dropped.append((fact.subject, fact.at or 0))
            elif fact.predicate == "alias":
                removed = fact.value.get("removed") is True
                self.aliases.append(AliasFact(fact.subject, fact.object, fact.value["kind"], removed, fact.at or 0))


class Derivation:
    """Recomputes touched scopes of one project on one connection."""

    def __init__(self, connection: Any, project: int, uuid: str) -> None:
        self._project = project
        self._facts = Statements(connection, "queries/facts.sql")
        self._scopes = Statements(connection, "queries/scopes.sql")
        self._ids = Ids(uuid)
        self._timeline = ProjectTimeline(connection, project)
        self._aliasing = Aliasing(self._scopes, project, self._timeline)
        self.emission = Emission(connection, project, uuid)
        self._first = 0
        self._new: set[bytes] = set()  # runs without a fact before this batch: nothing is derived of them yet

    def derive(self, dirty: Dirty, first: int) -> None:
        """Bring everything derived up to the facts; `first` is the batch's first sequence number."""
        self._first = first
        self._aliasing.forget()
        affected: set[bytes] = set()
        if dirty.aliases:
            changed = self._aliasing.add(dirty.aliases)
            dirty.datasets |= changed
            self._timeline.flush()
            affected |= self._timeline.users_of(changed)
        for dataset, fact in dirty.declared:
            affected |= self._declare(dataset, fact, dirty.versions)
        for dataset, at in dirty.dropped:
            dirty.versions |= self._timeline.versions_before(dataset, at)
        views = {run: self._view(run, said) for run, said in dirty.runs.items()}
        for run in [run for run, said in dirty.runs.items() if not said and run in self._new]:
            del views[run]  # the server speaks of a run whose own record could not be read
        for view in views.values():
            affected |= self._generate(view, dirty.versions)
        for run in affected - views.keys():
            views[run] = self._view(run, {})
        job_versions: dict[bytes, RunView | None] = {}
        for view in views.values():
            self._emit_run(view, dirty.versions)
            self._job_version(view, job_versions)
        self._emit_rest(dirty, job_versions)
        self._timeline.flush()
        self._new.clear()

    # -- (1) runs and their generations --------------------------------------------------------------------------

    def _view(self, run: bytes, said: dict[bytes, Fact]) -> RunView:
        """A run from what was known before this batch and from what it says."""
        key = {"project": self._project, "subject": run, "before": self._first}
        rows = self._facts.all("facts_before", key)
        if not rows:
            self._new.add(run)
            return run_view(run, said.values())
        facts = {row[5]: _fact(run, row) for row in rows}
        return run_view(run, {**said, **facts}.values())

    def _rows_of(self, subject: bytes) -> list[Any]:
        return self._facts.all("facts_of", {"project": self._project, "subject": subject})

    def _generate(self, view: RunView, versions: set[bytes]) -> set[bytes]:
        """Replace a run's generations; returns runs whose bindings that may change."""
        before = {} if view.ident in self._new else self._timeline.generations_of(view.ident)
        after: dict[bytes, tuple[bytes, int, int, bytes]] = {}
        if view.generates:
            for output in view.outputs:
                about = canonical_bytes(output.about)
                for scheme, value in output_versions(view, output):
                    version = identity.dataset_version(output.namespace, output.name, scheme, value)
                    self._timeline.add_version(version, output.dataset, scheme, value)
                    after[version] = (output.dataset, view.made_time, int(view.finished), about)
                if output.about.get("model"):
                    self._name_registered(view, output)
        return self._replace(view.ident, before, after, versions)

    def _name_registered(self, view: RunView, output: Mention) -> None:
        """Point numbers that were given when only the run identified a model's version to what the run has stated."""
        value = identity.run_version_value(view.namespace, view.run_id)
        known = identity.dataset_version(output.namespace, output.name, identity.SCHEME_RUN, value)
        stated = identity.dataset_version(output.namespace, output.name, *output_versions(view, output)[0])
        ids = {
            "named": self._ids(NodeKind.DATASET_VERSION, known),
            "version": self._ids(NodeKind.DATASET_VERSION, stated),
        }
        self._facts.run("name_model_version", {"project": self._project, **ids})

    def _declare(self, dataset: bytes, fact: Fact, versions: set[bytes]) -> set[bytes]:
        """A version a dataset event told of: a generation without a run."""
        scheme, value = fact.value["s"], fact.value["v"]
        version = identity.dataset_version(fact.value["ns"], fact.value["n"], scheme, value)
        self._timeline.add_version(version, dataset, scheme, value)
        about = canonical_bytes({k: v for k, v in fact.value.items() if k not in ("ns", "n", "s", "v")})
        row = (dataset, fact.at or 0, 1, about)
        known = self._timeline.declared(version)
        if known is not None:  # declared before: the earlier statement counts, ties by content
            row = min(row, known, key=lambda r: (r[1], r[3]))
        kept = {version: known} if known is not None else {}
        return self._replace(DECLARED, kept, {version: row}, versions)

    def _replace(
        self,
        run: bytes,
        before: dict[bytes, tuple[bytes, int, int, bytes]],
        after: dict[bytes, tuple[bytes, int, int, bytes]],
        versions: set[bytes],
    ) -> set[bytes]:
        changed = {version for version in before.keys() | after.keys() if before.get(version) != after.get(version)}
        for version in changed:
            self._timeline.set_generation(run, version, after.get(version))
        reached: set[bytes] = set()
        for version in changed:
            versions.add(version)
            whole = (version in before) != (version in after) and not self._timeline.generated_by_others(version, run)
            if whole:
                # Whether it was generated at all has changed, which says if an unbound use of it is ambiguous.
                reached |= self._timeline.users_of_version(version)
            for row in (before.get(version), after.get(version)):
                if row is not None and row[2]:  # what is not finished binds nobody and ends nothing
                    dataset, time = row[:2]
                    versions |= self._timeline.versions_before(dataset, time)
                    reached |= self._timeline.users_after(dataset, version, time, version if whole else None)
        if changed and run != DECLARED:
            reached |= self._timeline.users_by_origin(run)
        return reached

    # -- (3) binding and content of runs -------------------------------------------------------------------------

    def _emit_run(self, view: RunView, versions: set[bytes]) -> None:
        bindings: dict[bytes, list[Bound]] = {}
        about: dict[bytes, bytes] = {}
        for mention in view.inputs:
            bindings[mention.dataset] = bind_input(view, mention, self._timeline, self._timeline.version)
            about[mention.dataset] = canonical_bytes(mention.about)
        for output in view.outputs:
            for source in _stated(output):
                if source not in bindings:
                    bindings[source] = [bind_unversioned(view, source, self._timeline, self._timeline.version)]
        usages: dict[Usage, tuple[int, bytes]] = {}
        for dataset, bounds in bindings.items():
            for bound in bounds:
                self._timeline.add_version(bound.version, bound.target, bound.scheme, bound.value)
                origin = bound.generation if bound.precision else b""
                row = (view.bind_time or 0, about.get(dataset, b"{}"))
                usages[Usage(dataset, bound.version, origin)] = row
        new = view.ident in self._new
        before = {} if new else self._timeline.usages_of(view.ident)
        for key in before.keys() | usages.keys():
            was, now = before.get(key), usages.get(key)
            if was != now:
                self._timeline.set_usage(view.ident, key, now)
                if was or now is None or self._timeline.describes(key.bound, now[0], view.ident, key.dataset):
                    versions.add(key.bound)
        content = run_content(view, bindings, self._ids) if view.run_id else Content()
        self.emission.emit(_SCOPE[NodeKind.RUN] + view.ident, content, new)

    def _job_version(self, view: RunView, job_versions: dict[bytes, RunView | None]) -> None:
        """Note the run's job version; one that lost its last run is noted with None."""
        after = job_version_ident(view)
        key = {"project": self._project, "run": view.ident}
        row = None if view.ident in self._new else self._scopes.one("job_version_of_run", key)
        if row is not None and row[0] == after:
            return
        self._scopes.run("set_job_version", {**key, "job_version": after})
        job_versions[after] = view
        if row is not None and job_versions.get(row[0]) is None:
            left = self._scopes.one("has_runs", {"project": self._project, "job_version": row[0]})
            if left is None:
                job_versions[row[0]] = None

    # -- (4) everything else -------------------------------------------------------------------------------------

    def _emit_rest(self, dirty: Dirty, job_versions: dict[bytes, RunView | None]) -> None:
        emit = self.emission.emit
        for ident, view in job_versions.items():
            scope = _SCOPE[NodeKind.JOB_VERSION] + ident
            if view is None:
                emit(scope, Content())
            elif not self.emission.emitted(scope):  # its ident says all there is to say
                emit(scope, job_version_content(view, self._ids))
        for version in dirty.versions:
            state = self._timeline.version_view(version)
            content = version_content(version, state, self._ids) if state is not None else Content()
            emit(_SCOPE[NodeKind.DATASET_VERSION] + version, content)
        for job in dirty.jobs:
            emit(_SCOPE[NodeKind.JOB] + job, job_content(job, self._latest(job, _JOB_PREDICATES), self._ids))
        for dataset in dirty.datasets:
            facts = self._latest(dataset, _DATASET_PREDICATES)
            naming = self._aliasing.of(dataset)
            content = dataset_content(dataset, facts, naming, self._ids)
            emit(_SCOPE[NodeKind.DATASET] + dataset, content)
        for kind, subject in dirty.shared:
            emit(
                _SCOPE[kind] + subject,
                shared_content(kind, subject, [_fact(subject, row) for row in self._rows_of(subject)], self._ids),
            )

    def _latest(self, subject: bytes, predicates: Iterable[str]) -> list[Fact]:
        """The last fact of each predicate: older ones would be read by the thousand for nothing."""
        key = {"project": self._project, "subject": subject}
        rows = (self._facts.one("latest_fact", {**key, "predicate": predicate}) for predicate in predicates)
        return [_fact(subject, row) for row in rows if row is not None]


def _stated(output: Mention) -> list[bytes]:
    return [identity.dataset(*name) for name in output.stated or ()]


def _fact(subject: bytes, row: Any) -> Fact:
    kind, predicate, at, target, value = row[:5]
    return Fact(NodeKind(kind), subject, predicate, loads_exact(value), None if at == NO_TIME else at, target)
