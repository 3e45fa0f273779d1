"""The read side of projection.db: entities by name, lists by keyset, attributes, model numbers and gaps.

Owns every read of the tables that `projection.engine` writes, over connections that cannot write. Each method is one
statement or a fixed number of them, its work bounded by what it returns. Projects are named by uuid; one that
nothing was projected for is empty. Does not walk edges (`traversal`) and decides nothing about what a name means
when several things carry it: it returns them all.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    bindparam,
    column,
    create_engine,
    event,
    func,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.engine import Engine, Row
from sqlalchemy.exc import SQLAlchemyError

from lineage_graph.errors import StoreUnavailable
from lineage_graph.model import NodeKind
from lineage_graph.queries import load_queries

_SQL = load_queries("lineage_graph.projection", "catalog_queries.sql")
_LISTS = frozenset({"ids", "kinds", "runs", "versions", "models"})
_CHUNK = 5_000  # below every database's bound on parameters of one statement
_LAST = "\U0010ffff"
COUNT_CAP = 10_000
"""Totals are counted up to here; beyond it the answer is "at least"."""

_PROJECT = table("project", column("id"), column("uuid"))
_ENTITY = table(
    "entity",
    *(column(name) for name in ("project", "id", "kind", "namespace", "name", "version", "time", "state", "is_model")),
)
_SHOWN = [_ENTITY.c[name] for name in ("id", "kind", "namespace", "name", "version", "time", "state", "is_model")]


@dataclass(frozen=True, slots=True)
class Entity:
    """A current node as the catalogue lists it.

    `version` is a run's job name and a dataset version's `scheme:value`; `time` UTC microseconds.
    """

    id: str
    kind: NodeKind
    namespace: str
    name: str
    version: str
    time: int
    state: str
    is_model: bool


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registration: `number` of `model` (node id of the dataset) is `version` (node id); `registered` in µs."""

    model: str
    number: int
    version: str
    registered: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gap:
    """Records of one client, from sequence `first` to `last`, that are known to be lost."""

    client: str
    first: int
    last: int
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; None leaves a column free. `version` is the job name of runs."""

    namespace: str | None = None
    name: str | None = None
    version: str | None = None
    state: str | None = None
    is_model: bool | None = None


class Catalog:
    """Reads of one projection database; safe to share between threads.

    Args:
        url: SQLAlchemy address of the database the projection engine writes.
        pool: connections kept open.
    """

    def __init__(self, url: str, pool: int = 4) -> None:
        self._engine = create_engine(url, pool_size=pool, max_overflow=pool, pool_pre_ping=False)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _refuse_writes)

    @property
    def engine(self) -> Engine:
        """The pool, for readers of the same database that have statements of their own."""
        return self._engine

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def entities(self, project: str, ids: Collection[str]) -> dict[str, Entity]:
        """The current entities among `ids`."""
        rows = self._chunked("by_id", "ids", ids, project=project)
        return {row.id: _entity(row) for row in rows}

    def by_id_prefix(self, project: str, prefix: str, limit: int) -> list[Entity]:
        """Entities whose node id begins with `prefix`."""
        return self._entities("by_id_prefix", project=project, prefix=prefix, above=prefix + _LAST, limit=limit)

    def runs_named(self, project: str, run_id: str, limit: int) -> list[Entity]:
        """Runs with this run id, else those whose run id begins with it."""
        exact = self._entities("run_by_name", project=project, name=run_id, limit=limit)
        if exact:
            return exact
        return self._entities("run_by_prefix", project=project, prefix=run_id, above=run_id + _LAST, limit=limit)

    def named(
        self, project: str, kinds: Collection[NodeKind], name: str, namespace: str | None, limit: int
    ) -> list[Entity]:
        """Entities of these kinds with exactly this name, newest first."""
        values = sorted(kind.value for kind in kinds)
        if namespace is None:
            return self._entities("by_name", project=project, kinds=values, name=name, limit=limit)
        return self._entities(
            "by_full_name", project=project, kinds=values, name=name, namespace=namespace, limit=limit
        )

    def versions_of(self, project: str, namespace: str, name: str, version: str, limit: int) -> list[Entity]:
        """Versions of one dataset: by `scheme:value`, by bare value, or by the first digits of a digest."""
        dataset = {"project": project, "namespace": namespace, "name": name, "limit": limit}
        spellings = [version, *(f"{scheme}:{version}" for scheme in ("version", "sha256", "run"))]
        exact = self._entities("versions_exact", versions=spellings, **dataset)
        digits = version.removeprefix("sha256:")
        if exact or len(digits) < 8:
            return exact
        prefix = f"sha256:{digits}"
        return self._entities("versions_by_prefix", prefix=prefix, above=prefix + _LAST, **dataset)

    def page(
        self, project: str, kind: NodeKind, filters: Filters, *, after: tuple[int, str] | None, limit: int
    ) -> list[Entity]:
        """One page of a kind by (time, id), newest first, after the key `after`."""
        key = tuple_(_ENTITY.c.time, _ENTITY.c.id)
        conditions = _conditions(project, kind, filters)
        if after is not None:
            place = tuple_(bindparam("time", after[0]), bindparam("last", after[1]))
            conditions.append(key < place)
        order = [_ENTITY.c.time.desc(), _ENTITY.c.id.desc()]
        statement = select(*_SHOWN).where(*conditions).order_by(*order).limit(limit)
        return [_entity(row) for row in self._all(statement, {})]

    def count(self, project: str, kind: NodeKind, filters: Filters) -> int:
        """How many entities a list has, counted to `COUNT_CAP` at most."""
        inner = select(_ENTITY.c.id).where(*_conditions(project, kind, filters)).limit(COUNT_CAP).subquery()
        return int(self._all(select(func.count()).select_from(inner), {})[0][0])

    def namespaces(self, project: str, after: str, limit: int) -> dict[str, list[NodeKind]]:
        """Namespaces in order after `after`, each with the kinds (Job, Dataset) found in it."""
        rows = self._rows("namespaces", project=project, after=after, limit=limit)
        kinds = ((NodeKind.JOB, "jobs"), (NodeKind.DATASET, "datasets"))
        return {row.namespace: [kind for kind, name in kinds if getattr(row, name)] for row in rows}

    def count_namespaces(self, project: str) -> int:
        """How many namespaces hold jobs or datasets, counted to `COUNT_CAP` at most."""
        return len(self._rows("namespaces", project=project, after="", limit=COUNT_CAP))

    def model_version(self, project: str, model: str, number: int | None) -> ModelVersion | None:
        """A registered version of a model (node id of its dataset) by number, the newest without one."""
        if number is None:
            rows = self._rows("model_version_latest", project=project, model=model)
        else:
            rows = self._rows("model_version_by_number", project=project, model=model, number=number)
        return _model_version(rows[0]) if rows else None

    def registrations(self, project: str, versions: Collection[str]) -> dict[str, list[ModelVersion]]:
        """Dataset version (node id) → its registrations, lowest number first."""
        found: dict[str, list[ModelVersion]] = {}
        for row in self._chunked("model_versions_of", "versions", versions, project=project):
            found.setdefault(row.version, []).append(_model_version(row))
        return found

    def model_versions(self, project: str, model: str, below: int, limit: int) -> list[ModelVersion]:
        """Registered versions of a model with numbers below `below`, newest first."""
        rows = self._rows("model_versions_before", project=project, model=model, below=below, limit=limit)
        return [_model_version(row) for row in rows]

    def latest(self, project: str, models: Collection[str]) -> dict[str, ModelVersion]:
        """Model (node id) → its newest registered version; models never registered are absent."""
        rows = self._chunked("model_versions_newest", "models", models, project=project)
        return {row.model: _model_version(row) for row in rows}

    def gaps_of(self, project: str, runs: Collection[str], limit: int = 1000) -> dict[str, list[Gap]]:
        """Run (node id) → records lost by the clients that sent anything of it; runs without are absent."""
        found: dict[str, list[Gap]] = {}
        for row in self._chunked("gaps_of_runs", "runs", runs, project=project, limit=limit):
            found.setdefault(row.run, []).append(Gap(row.client, row.first, row.last, row.lost, row.reason))
        return found

    def records_about(self, project: str, run: str, limit: int) -> list[int]:
        """Journal sequence numbers of the records that first said something of a run (node id), in order."""
        return [row.seq for row in self._rows("records_about", project=project, run=run, limit=limit)]

    def _entities(self, query: str, **params: Any) -> list[Entity]:
        return [_entity(row) for row in self._rows(query, **params)]

    def _rows(self, query: str, **params: Any) -> Sequence[Row[Any]]:
        lists = sorted(_LISTS & params.keys())
        expanding: list[BindParameter[Any]] = [bindparam(name, expanding=True) for name in lists]
        return self._all(text(_SQL[query]).bindparams(*expanding), params)

    def _chunked(self, query: str, name: str, values: Collection[str], **params: Any) -> Iterator[Row[Any]]:
        ordered = sorted(values)
        for start in range(0, len(ordered), _CHUNK):
            yield from self._rows(query, **{name: ordered[start : start + _CHUNK]}, **params)

    def _all(self, statement: Any, params: Mapping[str, Any]) -> Sequence[Row[Any]]:
        try:
            with self._engine.connect() as connection:
                return connection.execute(statement, dict(params)).all()
        except SQLAlchemyError as error:
            place = self._engine.url.render_as_string(hide_password=True)
            raise StoreUnavailable(f"{place} cannot be read ({error}); is the server's projector running?") from error


def _conditions(project: str, kind: NodeKind, filters: Filters) -> list[ColumnElement[bool]]:
    number = select(_PROJECT.c.id).where(_PROJECT.c.uuid == project).scalar_subquery()
    conditions: list[ColumnElement[bool]] = [_ENTITY.c.project == number, _ENTITY.c.kind == kind.value]
    for name in ("namespace", "name", "version", "state"):
        wanted = getattr(filters, name)
        if wanted is not None:
            conditions.append(_ENTITY.c[name] == wanted)
    if filters.is_model is not None:
        conditions.append(_ENTITY.c.is_model == int(filters.is_model))
    return conditions


def _entity(row: Row[Any]) -> Entity:
    return Entity(
        row.id,
        NodeKind(row.kind),
        row.namespace or "",
        row.name or "",
        row.version or "",
        row.time or 0,
        row.state or "",
        bool(row.is_model),
    )


def _model_version(row: Row[Any]) -> ModelVersion:
    tags = json.loads(row.tags) if row.tags else {}
    return ModelVersion(row.model, row.number, row.version, row.registered, tags)


def _refuse_writes(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA query_only = ON")
