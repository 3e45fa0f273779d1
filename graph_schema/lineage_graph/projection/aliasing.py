"""Alias components of one project, in SQL: kept up to date as alias facts arrive.

Owns the rows of `alias` and `alias_member`; the rule itself is `derive.aliases`.
"""

from __future__ import annotations

from collections.abc import Iterable

from lineage_graph.derive.aliases import Aliases, AliasFact, Naming, namings, resolve_aliases
from lineage_graph.projection.database import Statements
from lineage_graph.projection.timeline import ProjectTimeline


class Aliasing:
    """Components and contradictions of one project."""

    def __init__(self, scopes: Statements, project: int, timeline: ProjectTimeline) -> None:
        self._sql = scopes
        self._project = project
        self._timeline = timeline
        self._known: dict[bytes, Naming] = {}

    def add(self, facts: Iterable[AliasFact]) -> set[bytes]:
        """Keep alias facts; returns every dataset whose component, canonical name or findings may have changed."""
        touched: set[bytes] = set()
        for fact in facts:
            row = {"a": fact.a, "b": fact.b, "kind": fact.kind, "removed": int(fact.removed), "at": fact.at}
            self._sql.run("add_alias", {"project": self._project, **row})
            touched |= {fact.a, fact.b}
        rows = self._closure(touched)
        reached = touched | {end for row in rows for end in (row.a, row.b)}
        outcome = self._resolve(rows)
        component_of = {member: component for component in outcome.components for member in component.members}
        for dataset in reached:
            component = component_of.get(dataset)
            key = {"project": self._project, "dataset": dataset}
            if component is None:
                self._sql.run("drop_component", key)
            else:
                self._sql.run("set_component", {**key, "component": component.canonical})
        return reached

    def of(self, dataset: bytes) -> Naming:
        """The dataset's component, if it has a valid alias, its other names, and what contradicts about them."""
        known = self._known.get(dataset)
        if known is None:
            rows = self._closure({dataset})
            names = {end: self._timeline.name(end) for row in rows for end in (row.a, row.b)}
            self._known.update(namings(resolve_aliases(rows, names), names))
            known = self._known.setdefault(dataset, Naming())
        return known

    def forget(self) -> None:
        """Drop what one batch has worked out."""
        self._known.clear()

    def _resolve(self, rows: set[AliasFact]) -> Aliases:
        names = {end: self._timeline.name(end) for row in rows for end in (row.a, row.b)}
        return resolve_aliases(rows, names)

    def _closure(self, datasets: set[bytes]) -> set[AliasFact]:
        """All alias facts of every dataset reached from `datasets` over alias facts, valid or not."""
        rows: set[AliasFact] = set()
        seen: set[bytes] = set()
        frontier = set(datasets)
        while frontier:
            dataset = frontier.pop()
            seen.add(dataset)
            for a, b, kind, removed, at in self._sql.all(
                "aliases_touching", {"project": self._project, "dataset": dataset}
            ):
                rows.add(AliasFact(a, b, kind, bool(removed), at))
                frontier |= {a, b} - seen
        return rows
