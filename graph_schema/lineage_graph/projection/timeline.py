"""Generations and usages of one project, in SQL: what binding sees of other runs.

Implements `derive.bind.Timeline`, and answers which runs and versions a change of generations reaches. Reads and
writes rows; decides nothing about what they mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from lineage_graph import identity
from lineage_graph.canonical import loads_exact
from lineage_graph.derive.bind import DECLARED, Generation
from lineage_graph.derive.scopes import VersionView
from lineage_graph.errors import GraphError
from lineage_graph.projection.database import Statements

FOREVER = 1 << 62

DESCRIBED_BY = 5
"""How many of a version's generations (or usages) are asked for its description, first ones first."""

_NONE = (-FOREVER, b"", b"")
_ALL = (FOREVER, b"", b"")


class Usage(NamedTuple):
    """A run means version `bound` by `dataset`; `origin` is the run that handed it over, b"" where none did."""

    dataset: bytes
    bound: bytes
    origin: bytes


class ProjectTimeline:
    """The timeline of one project on one connection; caches live as long as one batch."""

    def __init__(self, connection: Any, project: int) -> None:
        self._sql = Statements(connection, "queries/timeline.sql")
        self._facts = Statements(connection, "queries/facts.sql")
        self._scopes = Statements(connection, "queries/scopes.sql")
        self._project = project
        self._names: dict[bytes, tuple[str, str]] = {}
        self._members: dict[bytes, Sequence[bytes]] = {}
        self._versions: dict[bytes, tuple[bytes, str, str]] = {}
        self._new_versions: list[dict[str, Any]] = []
        self._last_describing: dict[bytes, tuple[int, bytes, bytes]] = {}

    def flush(self) -> None:
        """Write what is remembered in bulk, and drop what one batch has cached."""
        self._sql.many("add_version", self._new_versions)
        self._new_versions.clear()
        self._members.clear()
        for cache in (self._names, self._versions, self._last_describing):
            if len(cache) > 50_000:
                cache.clear()

    # -- Timeline ------------------------------------------------------------------------------------------------

    def members(self, dataset: bytes) -> Sequence[bytes]:
        """The dataset's alias component, itself included."""
        found = self._members.get(dataset)
        if found is None:
            row = self._scopes.one("component_of", {"project": self._project, "dataset": dataset})
            if row is None:
                found = (dataset,)
            else:
                rows = self._scopes.all("members_of", {"project": self._project, "component": row[0]})
                found = tuple(member for (member,) in rows)
            self._members[dataset] = found
        return found

    def name(self, dataset: bytes) -> tuple[str, str]:
        """(namespace, name) of a dataset."""
        found = self._names.get(dataset)
        if found is None:
            row = self._facts.one("first_fact", {"project": self._project, "subject": dataset, "predicate": "dataset"})
            if row is None:
                raise GraphError(f"dataset {dataset.hex()} is used but no fact names it: rebuild the projection")
            value = orjson.loads(row[4])
            found = self._names[dataset] = (value["ns"], value["n"])
        return found

    def latest(self, datasets: Sequence[bytes], at: int | None, not_run: bytes) -> Generation | None:
        """The last finished generation of any of the datasets at or before `at`."""
        rows = (self._sql.one("latest", self._at(at, dataset=dataset, not_run=not_run)) for dataset in datasets)
        return _last(rows)

    def latest_of(self, versions: Sequence[bytes], at: int | None, not_run: bytes) -> Generation | None:
        """The last finished generation of any of the versions at or before `at`."""
        rows = (self._sql.one("latest_of", self._at(at, version=version, not_run=not_run)) for version in versions)
        return _last(rows)

    def generated(self, versions: Sequence[bytes]) -> bool:
        """Whether any run generated one of these versions."""
        return any(
            self._sql.one("generated", {"project": self._project, "version": version}) is not None
            for version in versions
        )

    def made_by(self, run: bytes, dataset: bytes) -> Sequence[bytes]:
        """Versions of a dataset that a run generated."""
        rows = self._sql.all("made_by", {"project": self._project, "run": run, "dataset": dataset})
        return [version for (version,) in rows]

    def generated_by_others(self, version: bytes, run: bytes) -> bool:
        """Whether a run other than `run` generated a version."""
        key = {"project": self._project, "version": version, "run": run}
        return self._sql.one("generated_by_others", key) is not None

    # -- versions ------------------------------------------------------------------------------------------------

    def version(self, version: bytes) -> tuple[bytes, str, str]:
        """(dataset, scheme, value) of a version."""
        found = self._versions.get(version)
        if found is None:
            row = self._sql.one("version_of", {"project": self._project, "version": version})
            if row is None:
                raise GraphError(f"version {version.hex()} is referred to but not known: rebuild the projection")
            found = self._versions[version] = (row[0], row[1], row[2])
        return found

    def add_version(self, version: bytes, dataset: bytes, scheme: str, value: str) -> None:
        """Remember who a version is."""
        if version not in self._versions:
            self._versions[version] = (dataset, scheme, value)
            parameters = {
                "project": self._project,
                "version": version,
                "dataset": dataset,
                "scheme": scheme,
                "value": value,
            }
            self._new_versions.append(parameters)

    def version_view(self, version: bytes) -> VersionView | None:
        """What a version is now; None when nothing generates, uses or declares it any more."""
        key = {"project": self._project, "version": version, "limit": DESCRIBED_BY}
        generations = self._sql.all("first_generations", key)
        described = [about for _, _, about in generations]
        self._last_describing.pop(version, None)
        if generations:
            self._last_describing[version] = _NONE
        else:
            usages = self._sql.all("first_usages", key)
            if not usages:
                return None
            described = [about for _, _, _, about in usages]
            if len(usages) == DESCRIBED_BY:
                self._last_describing[version] = usages[-1][:3]
        dataset, scheme, value = self.version(version)
        view = VersionView(dataset, *self.name(dataset), scheme, value)
        for about in described:
            for name, content in loads_exact(about).items():
                view.about.setdefault(name, content)
        if generations:
            view.made = generations[0][0]
            view.finished = any(row[1] for row in generations)
            last = generations[-1][0]
            if len(generations) == DESCRIBED_BY:  # there may be more
                view.finished = view.finished or bool(self._sql.one("any_finished", key)[0])
                last = self._sql.one("last_generation", key)[0]
            following = self._sql.one("successor", {**key, "dataset": dataset, "at": last})
            dropped = self._facts.one("drops_of", {"project": self._project, "subject": dataset, "after": last})[0]
            ends = [end for end in (following[0] if following else None, dropped) if end is not None]
            view.until = min(ends, default=None)
        return view

    def describes(self, version: bytes, time: int, run: bytes, dataset: bytes) -> bool:
        """Whether one more usage may change what `version_view` said last: not where enough others come before it."""
        return (time, run, dataset) < self._last_describing.get(version, _ALL)

    # -- rows of one run -----------------------------------------------------------------------------------------

    def generations_of(self, run: bytes) -> dict[bytes, tuple[bytes, int, int, bytes]]:
        """What a run generates: version → (dataset, time, finished, about)."""
        rows = self._sql.all("generations_of_run", {"project": self._project, "run": run})
        return {version: (dataset, time, finished, about) for version, dataset, time, finished, about in rows}

    def set_generation(self, run: bytes, version: bytes, row: tuple[bytes, int, int, bytes] | None) -> None:
        """Replace or, with None, drop one generation."""
        key = {"project": self._project, "run": run, "version": version}
        if row is None:
            self._sql.run("drop_generation", key)
        else:
            dataset, time, finished, about = row
            self._sql.run(
                "add_generation", {**key, "dataset": dataset, "time": time, "finished": finished, "about": about}
            )

    def declared(self, version: bytes) -> tuple[bytes, int, int, bytes] | None:
        """(dataset, time, finished, about) of a version that a dataset event told of."""
        row = self._sql.one("declared", {"project": self._project, "version": version})
        return (row[0], row[1], row[2], row[3]) if row is not None else None

    def usages_of(self, run: bytes) -> dict[Usage, tuple[int, bytes]]:
        """What a run uses, with (time, about)."""
        rows = self._sql.all("usages_of_run", {"project": self._project, "run": run})
        return {Usage(dataset, bound, origin): (time, about) for dataset, bound, origin, time, about in rows}

    def set_usage(self, run: bytes, usage: Usage, row: tuple[int, bytes] | None) -> None:
        """Replace or, with None, drop one usage."""
        parameters = {"project": self._project, "run": run, **usage._asdict()}
        if row is None:
            self._sql.run("drop_usage", parameters)
        else:
            self._sql.run("add_usage", {**parameters, "time": row[0], "about": row[1]})

    # -- reach ---------------------------------------------------------------------------------------------------

    def users_after(self, dataset: bytes, version: bytes, at: int, known: bytes | None) -> set[bytes]:
        """Runs whose binding a generation of `version` of `dataset` at time `at` may change.

        Unversioned inputs bind to the last generation before their start, so only runs up to the next generation
        can change; the next generation's own runs skip themselves and are reached as well.

        Args:
            known: a version whose users are reached already.
        """
        members = self.members(dataset)
        following = [
            row
            for member in members
            if (row := self._sql.one("next_generation", self._at(at, dataset=member))) is not None
        ]
        stop = min((row[0] for row in following), default=FOREVER)
        reached: set[bytes] = set()
        for member in members:
            between = {"project": self._project, "dataset": member, "start": at, "stop": stop}
            reached.update(run for (run,) in self._sql.all("users_between", between))
            if stop != FOREVER:
                reached.update(run for (run,) in self._sql.all("runs_at", self._at(stop, dataset=member)))
        _, scheme, value = self.version(version)
        for member in members:
            # The same version under another name of the dataset: a reader may be bound to that one.
            same = identity.dataset_version(*self.name(member), scheme, value)
            if same != known:
                users = {"project": self._project, "version": same, "start": at}
                reached.update(run for (run,) in self._sql.all("users_of_version", users))
        reached.discard(DECLARED)
        return reached

    def users_of_version(self, version: bytes) -> set[bytes]:
        """All runs bound to a version."""
        key = {"project": self._project, "version": version, "start": -FOREVER}
        return {run for (run,) in self._sql.all("users_of_version", key)}

    def users_by_origin(self, run: bytes) -> set[bytes]:
        """Runs that were handed a value by `run`."""
        return {user for (user,) in self._sql.all("users_by_origin", {"project": self._project, "origin": run})}

    def users_of(self, datasets: Iterable[bytes]) -> set[bytes]:
        """All runs that use any of the datasets."""
        return {
            run
            for dataset in datasets
            for (run,) in self._sql.all("users_of_dataset", {"project": self._project, "dataset": dataset})
        }

    def versions_before(self, dataset: bytes, at: int) -> set[bytes]:
        """Versions of a dataset whose validity a finished generation (or a drop) at time `at` may end."""
        key = self._at(at, dataset=dataset, start=-FOREVER)
        return {version for (version,) in self._sql.all("previous_versions", key)}

    def _at(self, at: int | None, **more: Any) -> dict[str, Any]:
        return {"project": self._project, "at": FOREVER if at is None else at, **more}


def _last(rows: Iterable[Any]) -> Generation | None:
    found = [Generation(*row) for row in rows if row is not None]
    return max(found, key=lambda row: (row.time, row.version, row.run)) if found else None
