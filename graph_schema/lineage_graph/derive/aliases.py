"""Which datasets go by several names: from alias facts to components and their canonical members.

Owns the rule of design § 4: pairs stated by symlink, rename or user are valid unless the user removed them or two
different datasets claim the same name (a finding, not a merge); the canonical member is the target of a user alias,
else of a TABLE symlink, else the smallest name. Pure; names are never merged, only related.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

SHOWN_NAMES = 100
"""Other names that a dataset's node lists; the ALIAS_OF edges have all."""


class AliasFact(NamedTuple):
    """Dataset `a` was said, at `at` (UTC microseconds), to also go by the name of `b`."""

    a: bytes
    b: bytes
    kind: str  # table | symlink | rename | user
    removed: bool
    at: int


@dataclass(slots=True)
class Component:
    """Datasets connected by valid aliases."""

    members: tuple[bytes, ...]
    canonical: bytes
    since: dict[bytes, int] = field(default_factory=dict)


@dataclass(slots=True)
class Naming:
    """What one dataset has to do with other names.

    Args:
        component: its alias component, None when it has no valid alias.
        others: the first names of the component in order, at most `SHOWN_NAMES`.
        contradictions: findings about names it claims or that are claimed twice.
    """

    component: Component | None = None
    others: list[tuple[str, str]] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Aliases:
    """The outcome for a closed set of alias facts."""

    components: list[Component] = field(default_factory=list)
    contradicted: dict[bytes, list[bytes]] = field(default_factory=dict)  # claimed name → its claimants


def resolve_aliases(facts: Iterable[AliasFact], names: Mapping[bytes, tuple[str, str]]) -> Aliases:
    """Components of the datasets named in `facts`; the facts must be closed (all facts of every dataset reached)."""
    rows = sorted(set(facts))
    removed = _user_removed(rows)
    stated = [row for row in rows if frozenset((row.a, row.b)) not in removed and not row.removed]
    claims: dict[bytes, set[bytes]] = defaultdict(set)
    for row in stated:
        if row.kind in ("table", "symlink"):
            claims[row.b].add(row.a)
    result = Aliases(contradicted={b: sorted(by) for b, by in sorted(claims.items()) if len(by) > 1})
    valid = [row for row in stated if row.kind not in ("table", "symlink") or row.b not in result.contradicted]
    neighbours: dict[bytes, set[bytes]] = defaultdict(set)
    for row in valid:
        neighbours[row.a].add(row.b)
        neighbours[row.b].add(row.a)
    seen: set[bytes] = set()
    for start in sorted(neighbours):
        if start not in seen:
            members = _reach(start, neighbours)
            seen |= members
            result.components.append(_component(members, [row for row in valid if row.a in members], names))
    return result


def _user_removed(rows: list[AliasFact]) -> set[frozenset[bytes]]:
    """Pairs whose last word of the user is a removal; at equal times the removal counts."""
    last: dict[frozenset[bytes], tuple[int, bool]] = {}
    for row in rows:
        if row.kind == "user":
            pair = frozenset((row.a, row.b))
            last[pair] = max(last.get(pair, (row.at, row.removed)), (row.at, row.removed))
    return {pair for pair, (_, removed) in last.items() if removed}


def _reach(start: bytes, neighbours: Mapping[bytes, set[bytes]]) -> set[bytes]:
    members, frontier = {start}, [start]
    while frontier:
        fresh = neighbours[frontier.pop()] - members
        members |= fresh
        frontier += fresh
    return members


def _component(members: set[bytes], rows: list[AliasFact], names: Mapping[bytes, tuple[str, str]]) -> Component:
    def smallest(candidates: Iterable[bytes]) -> bytes:
        return min(candidates, key=lambda member: (names[member], member))

    user_sources = {row.a for row in rows if row.kind == "user"}
    user_targets = {row.b for row in rows if row.kind == "user"}
    tables = {row.b for row in rows if row.kind == "table"}
    canonical = smallest((user_targets - user_sources) or user_targets or tables or members)
    since: dict[bytes, int] = {}
    for row in rows:
        for member in (row.a, row.b):
            since[member] = min(since.get(member, row.at), row.at)
    return Component(tuple(sorted(members)), canonical, since)


def namings(outcome: Aliases, names: Mapping[bytes, tuple[str, str]]) -> dict[bytes, Naming]:
    """What each dataset of a resolved set has to do with other names."""
    found: dict[bytes, Naming] = defaultdict(Naming)
    for component in outcome.components:
        first = sorted(names[member] for member in component.members)[: SHOWN_NAMES + 1]
        for member in component.members:
            found[member] = Naming(component, [name for name in first if name != names[member]][:SHOWN_NAMES])
    for claimed, claimants in outcome.contradicted.items():
        who = ", ".join(" ".join(names[claimant]) for claimant in claimants[:5])
        text = f"{' '.join(names[claimed])} is claimed by {len(claimants)} datasets: {who}"
        for dataset in (claimed, *claimants):
            found[dataset].contradictions.append(text)
    return found
