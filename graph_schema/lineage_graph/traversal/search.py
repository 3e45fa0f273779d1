"""The search behind a walk: layer by layer over a store's handles, by the rules of provenance.

Owns which edges lead on. A version is searched *as one run made it*: a state is (version, run), where run is none
for "any". Towards causes, a version as made by G continues over GENERATED_BY to G and over what G stated it derives
from; a run that stated derivations for a version is shown but not left by USED for it. Towards effects the same
edges are followed backwards. Does not page, name or shape the answer: that is `walk`'s.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple, cast

from lineage_graph.model import EdgeType
from lineage_graph.store import Handle, Hop, Layers
from lineage_graph.traversal.limits import Budget

USED = EdgeType.USED
GENERATED_BY = EdgeType.GENERATED_BY
DERIVED_FROM = EdgeType.DERIVED_FROM

# (version, run or none) for a version, (None, run) for a run that is shown but not left, a bare handle for a run.
State = Handle
Origin = Callable[[Hop], State]

# Rows are taken by the thousand, so what is done for each is left to C.
_SRC, _DST = itemgetter(0), itemgetter(1)
_GENERATION, _EXPLICIT = itemgetter(3), itemgetter(4)
_OUTPUT, _DERIVED, _VERSION_MADE = itemgetter(0, 1), itemgetter(0, 2), itemgetter(1, 3)
_VERSION, _RUN = itemgetter(0), itemgetter(1)  # of a state
_CHUNK = 1_000


class Question(NamedTuple):
    """One thing asked of the store for a layer; `bound` says that the frontier holds (version, run) pairs."""

    types: tuple[EdgeType, ...]
    frontier: list[Handle]
    bound: bool = False


class Search:
    """One search in one direction; `Upstream` and `Downstream` say which edges lead on.

    Attributes:
        levels: handles first met at each depth, from `start_depth`. first: the state each was first met in.
        came: for each state the row it was first reached by; None for a start.
        hops: the rows that were followed, per type, in order, perhaps repeated. marks: for each level how many of them
            were followed before it was expanded. frontier: states not yet expanded.
        stopped: "" or why the search ended early: "nodes", "time", "rows" or "depth".
    """

    incoming: bool

    def __init__(self, layers: Layers, budget: Budget, starts: Iterable[State], depth: int) -> None:
        self.layers = layers
        self.budget = budget
        self.start_depth = depth
        self.frontier: list[State] = list(dict.fromkeys(starts))
        self.came: dict[State, Hop | None] = dict.fromkeys(self.frontier)
        self.first: dict[Handle, State] = {}
        for state in self.frontier:
            self.first.setdefault(node_of(state), state)
        self.levels: list[list[Handle]] = [list(self.first)]
        self.hops: dict[EdgeType, list[Hop]] = {USED: [], GENERATED_BY: [], DERIVED_FROM: []}
        self.marks: list[dict[EdgeType, int]] = []
        self.stopped = ""
        self._doubtful: set[Handle] = set()
        # The state before a state, where its row does not tell: the row left a version of any generation.
        self._before: dict[State, State] = {}

    def run(self, depth: int, enough: int) -> None:
        """Search down to `depth`, or to the end of the layer in which more than `enough` nodes are met."""
        while self.frontier and not self.stopped:
            if self.start_depth + len(self.levels) > depth:
                self.stopped = "depth" if self._leads_on() else ""
                return
            if len(self.first) > enough:
                self.stopped = "nodes"
                return
            self._layer()

    def ambiguous(self) -> set[Handle]:
        """Versions that were left without knowing which of several generations was meant."""
        asked = list(self._doubted())
        runs: defaultdict[Handle, set[Handle]] = defaultdict(set)
        for start in range(0, len(asked), _CHUNK):
            chunk = asked[start : start + _CHUNK]
            hops = self.layers.hops([GENERATED_BY], chunk, incoming=False, limit=_CHUNK * _CHUNK)
            for src, dst, *_ in hops[GENERATED_BY]:
                runs[src].add(dst)
        return {version for version, makers in runs.items() if len(makers) > 1}

    def followed_before(self, layers: int) -> dict[EdgeType, int]:
        """How many rows were followed, per type, when that many layers had been expanded."""
        return self.marks[layers] if layers < len(self.marks) else {type: len(hops) for type, hops in self.hops.items()}

    def steps(self, handle: Handle) -> list[tuple[EdgeType, Hop]]:
        """The edges from a start to where a node was first met; empty for a start and for a node not met."""
        steps: list[tuple[EdgeType, Hop]] = []
        state = self.first.get(handle)
        while state is not None and (hop := self.came[state]) is not None:
            type, state = self._step_before(state, hop)
            steps.append((type, hop))
        return steps[::-1]

    def questions(self, states: Sequence[State]) -> list[Question]:
        """What to ask the store about some states."""
        raise NotImplementedError

    def follow(self, question: Question, type: EdgeType, rows: Sequence[Hop]) -> None:
        """Take the rows of one type that lead on: record them, their far ends and the states to expand next."""
        raise NotImplementedError

    def _step_before(self, state: State, hop: Hop) -> tuple[EdgeType, State]:
        raise NotImplementedError

    def _doubted(self) -> set[Handle]:
        """Versions where it matters which of their generations was meant, and an edge does not say."""
        raise NotImplementedError

    def _layer(self) -> None:
        before, self.frontier = self.frontier, []
        self.marks.append({type: len(hops) for type, hops in self.hops.items()})
        self.levels.append([])
        for question in self.questions(before):
            for type, rows in self._ask(question).items():
                self.follow(question, type, rows)
        if self.stopped == "time":  # the whole layer comes with the next page, in its order
            for handle in self.levels.pop():
                del self.first[handle]
            for type, kept in self.marks.pop().items():
                del self.hops[type][kept:]
            self.frontier = before

    def _ask(self, question: Question) -> dict[EdgeType, list[Hop]]:
        ask = self.layers.bound_hops if question.bound else self.layers.hops
        rows: dict[EdgeType, list[Hop]] = {type: [] for type in question.types}
        for start in range(0, len(question.frontier), _CHUNK):
            # One layer is read whatever the time, so that each page gets somewhere; `rows` bounds it.
            if not self.stopped and (self.budget.cancelled() or (len(self.levels) > 2 and self.budget.late())):
                self.stopped = "time"
            if self.stopped:
                break
            chunk = question.frontier[start : start + _CHUNK]
            answer = ask(question.types, chunk, incoming=self.incoming, limit=self.budget.rows + 1)
            for type, got in answer.items():
                self.budget.rows -= len(got)
                if self.budget.rows < 0:
                    self.stopped = "rows"
                    del got[self.budget.rows :]
                    self.budget.rows = 0
                rows[type] += got
        return rows

    def _origin(self, question: Question, rows: Sequence[Hop], near: int, binding: int) -> Origin | None:
        """How to tell which state each row leaves; None where it is always (row[near], row[binding]).

        A row that names no run leaves whichever state of its version was asked about.
        """
        if not question.bound:
            none = self.layers.none
            return lambda hop: (hop[near], none)
        if all(map(itemgetter(binding), rows)):
            return None
        anyone = {pair[0]: pair for pair in question.frontier}
        return lambda hop: (hop[near], hop[binding]) if hop[binding] else anyone[hop[near]]

    def _reach(self, states: Iterable[State], rows: Sequence[Hop], origin: Origin | None = None) -> list[State]:
        """Take states, each with a row that leads to it; answers with those not met before."""
        fresh = _add(self.came, states, rows)
        if origin is not None:
            for state in fresh:
                self._before[state] = origin(cast(Hop, self.came[state]))
        return fresh

    def _meet(self, nodes: Iterable[Handle], states: Sequence[State]) -> None:
        """Show the nodes of states just reached, where they were not met before."""
        self.levels[-1] += _add(self.first, nodes, states)

    def _leads_on(self) -> bool:
        for question in self.questions(self.frontier):
            ask = self.layers.bound_hops if question.bound else self.layers.hops
            for start in range(0, len(question.frontier), _CHUNK):
                chunk = question.frontier[start : start + _CHUNK]
                if self.budget.cancelled() or self.budget.late():
                    return True
                if any(ask(question.types, chunk, incoming=self.incoming, limit=1).values()):
                    return True
        return False

    def _split(self, states: Sequence[State]) -> tuple[list[Handle], list[State], list[Handle]]:
        """Versions of any generation, (version, run) pairs, and runs to leave."""
        runs = [state for state in states if type(state) is not tuple]
        pairs = [state for state in states if type(state) is tuple] if len(runs) < len(states) else []
        versions = [version for version, run in pairs if not run]
        # Where a version is searched as anybody made it, searching it as one run made it adds nothing.
        if versions:
            anyhow = set(versions)
            pairs = [pair for pair in pairs if pair[0] not in anyhow]
        return versions, pairs, runs


class Upstream(Search):
    """Towards causes."""

    incoming = False

    def questions(self, states: Sequence[State]) -> list[Question]:
        """See `Search`."""
        versions, pairs, runs = self._split(states)
        return [
            question
            for question in (
                Question((GENERATED_BY, DERIVED_FROM), versions),
                Question((GENERATED_BY, DERIVED_FROM), pairs, True),
                Question((USED,), runs),
            )
            if question.frontier
        ]

    def follow(self, question: Question, type: EdgeType, rows: Sequence[Hop]) -> None:
        """See `Search`."""
        self.hops[type] += rows
        if type is GENERATED_BY:
            self._into_runs(rows, self._origin(question, rows, 0, 1))
            return
        self._into_versions(rows, self._origin(question, rows, 0, 2) if type is DERIVED_FROM else None)

    def _into_runs(self, rows: Sequence[Hop], origin: Origin | None) -> None:
        left = rows
        if any(map(_EXPLICIT, rows)):
            left = [hop for hop in rows if not hop[4]]
            shown = [hop for hop in rows if hop[4]]
            fresh = self._reach([(None, hop[1]) for hop in shown], shown, origin)
            self._meet(map(_RUN, fresh), fresh)
        fresh = self._reach(map(_DST, left), left, origin)
        self._meet(fresh, fresh)
        self.frontier += fresh

    def _into_versions(self, rows: Sequence[Hop], origin: Origin | None) -> None:
        fresh = self._reach(map(_VERSION_MADE, rows), rows, origin)
        self._meet(map(_VERSION, fresh), fresh)
        self.frontier += fresh
        if not all(map(_GENERATION, rows)):
            self._doubtful.update(hop[1] for hop in rows if not hop[3])

    def _step_before(self, state: State, hop: Hop) -> tuple[EdgeType, State]:
        before = self._before.get(state)
        if type(state) is not tuple or state[0] is None:
            return GENERATED_BY, before or (hop[0], hop[1])
        if hop[0] in self.came:  # only runs are states by their bare handle
            return USED, hop[0]
        return DERIVED_FROM, before or (hop[0], hop[2])

    def _doubted(self) -> set[Handle]:
        waiting = set(self.frontier)
        return {version for version in self._doubtful if (version, self.layers.none) not in waiting}


class Downstream(Search):
    """Towards effects."""

    incoming = True

    def __init__(self, layers: Layers, budget: Budget, starts: Iterable[State], depth: int) -> None:
        super().__init__(layers, budget, starts, depth)
        # Of a run that was started from, every output counts.
        self._roots = set(self.frontier)
        # Outputs that count only if they derive from something on the walk, by (output, run).
        self._explicit: dict[State, Hop] = {}

    def questions(self, states: Sequence[State]) -> list[Question]:
        """See `Search`."""
        versions, pairs, runs = self._split(states)
        return [
            question
            for question in (
                Question((USED, DERIVED_FROM), versions),
                Question((USED, DERIVED_FROM), pairs, True),
                Question((GENERATED_BY,), runs),
            )
            if question.frontier
        ]

    def follow(self, question: Question, type: EdgeType, rows: Sequence[Hop]) -> None:
        """See `Search`."""
        if type is GENERATED_BY:
            self._into_outputs(rows)
            return
        self.hops[type] += rows
        if question.bound:
            self._doubtful.update(hop[1] for hop in rows if not hop[3])
        origin = self._origin(question, rows, 1, 3)
        if type is USED:
            fresh = self._reach(map(_SRC, rows), rows, origin)
            self._meet(fresh, fresh)
        else:
            fresh = self._reach(map(_DERIVED, rows), rows, origin)
            self._meet(map(_VERSION, fresh), fresh)
            if self._explicit:
                self.hops[GENERATED_BY] += [self._explicit.pop(state) for state in fresh if state in self._explicit]
        self.frontier += fresh

    def _into_outputs(self, rows: Sequence[Hop]) -> None:
        followed = rows
        if any(map(_EXPLICIT, rows)):
            followed = []
            for hop in rows:
                if hop[4] and hop[1] not in self._roots and hop[:2] not in self.came:
                    self._explicit[hop[:2]] = hop
                else:
                    followed.append(hop)
        self.hops[GENERATED_BY] += followed
        fresh = self._reach(map(_OUTPUT, followed), followed)
        self._meet(map(_VERSION, fresh), fresh)
        self.frontier += fresh

    def _step_before(self, state: State, hop: Hop) -> tuple[EdgeType, State]:
        before = self._before.get(state)
        if type(state) is not tuple:
            return USED, before or (hop[1], hop[3])
        if hop[1] in self.came:  # only runs are states by their bare handle
            return GENERATED_BY, hop[1]
        return DERIVED_FROM, before or (hop[1], hop[3])

    def _doubted(self) -> set[Handle]:
        return {version for version in self._doubtful if (version, self.layers.none) not in self.came}


def node_of(state: State) -> Handle:
    """The handle a state is about."""
    if type(state) is tuple:
        return state[1] if state[0] is None else state[0]
    return state


def _add(known: dict[Any, Any], keys: Iterable[Any], values: Iterable[Any]) -> list[Any]:
    """Add what is not yet known, the first value of each key; answers with the keys added, in order."""
    before = len(known)
    deque(map(known.setdefault, keys, values), maxlen=0)
    added = list(islice(reversed(known), len(known) - before))
    added.reverse()
    return added
