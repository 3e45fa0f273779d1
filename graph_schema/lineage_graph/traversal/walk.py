"""One page of a walk: the nodes around some roots, in order of depth and id, and the edges that led to them.

Owns paging, naming and consistency. Which edges lead on is `search`'s; content of nodes is the caller's to fetch.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, chain, islice, zip_longest
from operator import itemgetter
from typing import NamedTuple

from lineage_graph.errors import BadReference
from lineage_graph.model import CAUSAL, AsOf, Basis, EdgeKey, EdgeType, NodeKind
from lineage_graph.store import BASES, NOW, PRECISIONS, GraphStore, Handle, Hop, Layers
from lineage_graph.traversal.cursor import MAX_FRONTIER, Continuation
from lineage_graph.traversal.limits import DEFAULT_LIMITS, Budget, Direction, Limits
from lineage_graph.traversal.search import Downstream, Search, State, Upstream, node_of

_RUN = NodeKind.RUN.prefix + "_"
_VIA = itemgetter(2)
_GENERATION = itemgetter(3)
_SEARCHES: dict[Direction, tuple[type[Search], ...]] = {
    Direction.UP: (Upstream,),
    Direction.DOWN: (Downstream,),
    Direction.BOTH: (Upstream, Downstream),
}


class WalkEdge(NamedTuple):
    """An edge a walk followed; see `Edge` for the members. Its times and props: `GraphStore.edges` with `key`."""

    src: str
    type: EdgeType
    dst: str
    via: str
    generation: str
    explicit: bool
    precision: str
    basis: Basis

    @property
    def key(self) -> EdgeKey:
        """The edge's key in the store."""
        return EdgeKey(self.src, self.type, self.dst, self.via)


@dataclass
class Walk:
    """One page.

    Attributes:
        nodes: depth (relationship hops from the nearest root) by node id, ordered by (depth, id). Roots are at 0.
        unknown: roots that are no nodes of the project.
        ambiguous: versions that were left without knowing which of several generations was meant, as far as the walk
            got with this page.
        truncated: "" if this page ends the walk, else what cut it: "nodes", "time", "rows" or "depth".
        cursor: where the next page starts; None at the end, and where a larger limit is the only way on ("depth",
            "rows", or a time in which not one layer could be read).
        as_of: what the page answers for, `known_at` filled in.
    """

    direction: Direction
    nodes: dict[str, int]
    unknown: list[str]
    ambiguous: list[str]
    truncated: str
    cursor: Continuation | None
    as_of: AsOf
    _searches: list[Search] = field(repr=False)
    _given: tuple[int, ...] = field(repr=False)
    _shown: dict[Handle, str] = field(repr=False)
    _runs: dict[Handle, str] = field(repr=False)

    @cached_property
    def edges(self) -> list[WalkEdge]:
        """Edges between nodes shown so far that the walk followed for this page; ordered by key, each on one page."""
        shown = self._shown
        before = {handle for handle, name in shown.items() if name not in self.nodes}
        found: list[WalkEdge] = []
        for type in CAUSAL:
            taken: set[Hop] = set()
            if before:
                for search, layers in zip(self._searches, self._given, strict=True):
                    followed = islice(search.hops[type], search.followed_before(layers)[type])
                    taken.update(hop for hop in followed if hop[0] in before and hop[1] in before)
            for search in self._searches:
                for hop in search.hops[type]:
                    if hop[0] in shown and hop[1] in shown and hop not in taken:
                        taken.add(hop)
                        found.append(self._edge(type, hop))
        found.sort()
        return found

    def path(self, node: str) -> list[WalkEdge]:
        """The edges of one shortest way from a root (on a continued page: from where it started) to `node`.

        Empty for a root and for a node that is not on this page.
        """
        if node in self.nodes:
            for search in self._searches:
                steps = search.steps(self._handles[node])
                if steps and search.start_depth + len(steps) == self.nodes[node]:
                    return [self._edge(type, hop) for type, hop in steps]
        return []

    @cached_property
    def _handles(self) -> dict[str, Handle]:
        return {name: handle for handle, name in self._shown.items()}

    def _edge(self, type: EdgeType, hop: Hop) -> WalkEdge:
        src, dst, via, generation, explicit, precision, basis = hop
        shown, runs = self._shown, self._runs
        return WalkEdge(
            shown[src],
            type,
            shown[dst],
            shown.get(via) or runs[via],
            shown.get(generation) or runs[generation],
            bool(explicit),
            PRECISIONS[precision],
            BASES[basis],
        )


def walk(
    store: GraphStore,
    project: str,
    roots: Collection[str],
    direction: Direction,
    depth: int,
    limits: Limits = DEFAULT_LIMITS,
    as_of: AsOf = NOW,
    cursor: Continuation | None = None,
) -> Walk:
    """Find what `roots` come from, or what comes of them.

    Args:
        roots: node ids of runs, versions or fields.
        depth: how many relationships away a node may be.
        limits: bounds of this page.
        cursor: where the page before ended; the other arguments must be the same as there.

    Raises:
        StoreUnavailable: the store does not answer.
        BadReference: the cursor belongs to another walk.
    """
    if cursor is not None:
        as_of = AsOf(as_of.valid_at, cursor.known_at)
    with store.layers(project, as_of) as layers:
        found = _page(layers, roots, direction, depth, limits, as_of, cursor)
        if not layers.moved():
            return found
    # The graph changed meanwhile, and the answer may mix two states of it: ask for the first of them by name.
    as_of = found.as_of
    with store.layers(project, as_of) as layers:
        return _page(layers, roots, direction, depth, limits, as_of, cursor)


def _page(
    layers: Layers,
    roots: Collection[str],
    direction: Direction,
    depth: int,
    limits: Limits,
    as_of: AsOf,
    cursor: Continuation | None,
) -> Walk:
    known_at = layers.seq if as_of.known_at is None else as_of.known_at
    start = cursor or Continuation(known_at, skip=0)
    starts, unknown = _starts(layers, roots, start)
    budget = Budget(limits)
    searches = [search(layers, budget, starts, start.depth) for search in _SEARCHES[direction]]
    if len(start.layers) not in (0, len(searches)):
        raise BadReference("this cursor belongs to a walk in another direction; start again without it")
    for search in searches:
        search.run(depth, start.skip + limits.nodes)
    page, shown, cut = _in_order(layers, searches, start.skip, start.skip + limits.nodes)
    truncated = "nodes" if cut else next((search.stopped for search in searches if search.stopped), "")
    layers_done = tuple(len(search.marks) for search in searches)
    following: Continuation | None = None
    if truncated in ("nodes", "time") and page:
        following = Continuation(known_at, start.skip + len(page), layers_done, start.depth, start.frontier)
        if truncated == "time" and len(searches) == 1:
            following = _from_frontier(layers, searches[0], known_at) or following
    doubtful = {shown[handle] for search in searches for handle in search.ambiguous() if handle in shown}
    return Walk(
        direction=direction,
        nodes=page,
        unknown=unknown,
        ambiguous=sorted(doubtful),
        truncated=truncated,
        cursor=following,
        as_of=AsOf(as_of.valid_at, known_at),
        _searches=searches,
        _given=start.layers or (0,) * len(searches),
        _shown=shown,
        _runs=_name_runs(layers, searches, shown),
    )


def _starts(layers: Layers, roots: Collection[str], start: Continuation) -> tuple[list[State], list[str]]:
    """States to start from, and the roots that are no nodes."""
    if not start.frontier:
        handles = layers.handles(roots)
        states = [handles[root] if root.startswith(_RUN) else (handles[root], layers.none) for root in sorted(handles)]
        return states, sorted(set(roots) - set(handles))
    handles = layers.handles({id for pair in start.frontier for id in pair if id})
    handles[""] = layers.none
    return [
        handles[node] if node == run else (handles[node], handles[run])
        for node, run in start.frontier
        if node in handles and run in handles
    ], []


def _from_frontier(layers: Layers, search: Search, known_at: int) -> Continuation | None:
    """Go on from what a search has not expanded, where that is little enough to carry along."""
    if len(search.frontier) > MAX_FRONTIER:
        return None
    pairs = [state if type(state) is tuple else (state, state) for state in search.frontier]
    names = layers.ids({handle for pair in pairs for handle in pair if handle})
    names[layers.none] = ""
    return Continuation(
        known_at,
        skip=len({node_of(state) for state in search.frontier}),
        depth=search.start_depth + len(search.levels) - 1,
        frontier=tuple(sorted((names[node], names[run]) for node, run in pairs)),
    )


def _in_order(
    layers: Layers, searches: list[Search], skip: int, upto: int
) -> tuple[dict[str, int], dict[Handle, str], bool]:
    """Depths by id of the nodes from `skip` to `upto` by (depth, id); ids of all nodes up to there; more are met."""
    levels = _levels(searches)
    totals = [0, *accumulate(map(len, levels))]
    kept = next((depth for depth, total in enumerate(totals) if total >= upto), len(levels))
    cut = totals[-1] > totals[kept]
    names = layers.ids([handle for level in levels[:kept] for handle in level])
    page: dict[str, int] = {}
    before = 0
    for depth, level in enumerate(levels[:kept], searches[0].start_depth):
        ordered = sorted(map(names.__getitem__, level))
        page.update(dict.fromkeys(ordered[max(0, skip - before) : upto - before], depth))
        if before + len(ordered) > upto:
            cut = True
            late = set(ordered[upto - before :])
            for handle in level:
                if names[handle] in late:
                    del names[handle]
        before += len(ordered)
    return page, names, cut


def _levels(searches: list[Search]) -> list[list[Handle]]:
    """Handles by depth; one that several searches met at its least."""
    if len(searches) == 1:
        return searches[0].levels
    met: set[Handle] = set()
    levels: list[list[Handle]] = []
    for found in zip_longest(*(search.levels for search in searches), fillvalue=()):
        level = set(chain.from_iterable(found)) - met
        met |= level
        levels.append(list(level))
    return levels


def _name_runs(layers: Layers, searches: list[Search], shown: dict[Handle, str]) -> dict[Handle, str]:
    """Node ids of the runs that edges name, beside those shown anyway."""
    runs: set[Handle] = {layers.none}
    for search in searches:
        for hops in search.hops.values():
            runs.update(map(_VIA, hops))
            runs.update(map(_GENERATION, hops))
    names = layers.ids([run for run in runs if run and run not in shown])
    names[layers.none] = ""
    return names
