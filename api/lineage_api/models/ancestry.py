"""Everything a version comes from, gathered: what origins tells and policy judges.

Owns one bounded walk towards causes with the content of its nodes, the code, environment and actor of its runs, and
what is attached to them. Does not judge or shape it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lineage_api.deps import Cancellation
from lineage_api.reading import Reading
from lineage_graph.identity import SCHEME_RUN, SCHEME_UNVERSIONED
from lineage_graph.model import Edge, EdgeKey, EdgeType, Node, NodeKind
from lineage_graph.traversal import Direction, Limits, Walk, WalkEdge, leaves, walk

LIMITS = Limits(nodes=5_000, seconds=2.0)
MAX_DEPTH = 100_000
MEMORY = "memory"
"""Namespace of values that only lived in a process."""


@dataclass(frozen=True, slots=True)
class Ancestry:
    """A walk up from `root` with its content.

    Args:
        nodes: every node of the walk, its runs' leaves and what is attached, by id.
        beside: edges to leaves and from attached nodes.
        sources: versions no run is known to have made, nearest first.
        changed: edges of the walk over which a value was handed that was not the same any more by then.
    """

    root: str
    walk: Walk
    nodes: dict[str, Node]
    beside: Sequence[Edge]
    sources: Sequence[Node]
    changed: frozenset[EdgeKey] = frozenset()

    def of_kind(self, kind: NodeKind) -> list[Node]:
        """Nodes of a kind: those of the walk in its order, then the others by id."""
        placed = [self.nodes[node_id] for node_id in self.walk.nodes if node_id in self.nodes]
        others = [node for node_id, node in sorted(self.nodes.items()) if node_id not in self.walk.nodes]
        return [node for node in (*placed, *others) if node.kind is kind]

    @property
    def runs(self) -> list[Node]:
        """Runs of the walk, nearest first."""
        return self.of_kind(NodeKind.RUN)

    @property
    def versions(self) -> list[Node]:
        """Dataset versions of the walk, nearest first."""
        return self.of_kind(NodeKind.DATASET_VERSION)

    def code_of(self, run: str) -> Node | None:
        """The code version a run was built from."""
        for version in self._targets([run], EdgeType.RUN_OF):
            for code in self._targets([version], EdgeType.BUILT_FROM):
                return self.nodes.get(code)
        return None

    def environment_of(self, run: str) -> Node | None:
        """The environment a run ran in."""
        return next((self.nodes.get(found) for found in self._targets([run], EdgeType.RAN_IN)), None)

    def path(self, node: str) -> list[WalkEdge]:
        """A shortest way from the root to a node of the walk."""
        return self.walk.path(node)

    @property
    def handovers_changed(self) -> list[WalkEdge]:
        """The `changed` edges in the walk's order, one for each value that a run took."""
        found: dict[tuple[str, str], WalkEdge] = {}
        for edge in self.walk.edges:
            if edge.key in self.changed:
                taker = edge.src if edge.type is EdgeType.USED else edge.via
                found.setdefault((taker, edge.dst), edge)
        return list(found.values())

    def _targets(self, sources: Iterable[str], type: EdgeType) -> list[str]:
        wanted = set(sources)
        return [edge.key.dst for edge in self.beside if edge.key.type is type and edge.key.src in wanted]


def ancestry(cancellation: Cancellation, reading: Reading, root: str) -> Ancestry:
    """Walk up from a version or run, within `LIMITS`."""
    store, project = reading.store, reading.project
    limits = replace(LIMITS, cancelled=cancellation.cancelled)
    found = walk(store, project, [root], Direction.UP, MAX_DEPTH, limits)
    cancellation.check()
    nodes = store.nodes(project, found.nodes)
    cancellation.check()
    placed = [nodes[node_id] for node_id in found.nodes if node_id in nodes]
    # Who started the whole is only told with the run everything else is part of.
    whole = {str(node.props["root"]) for node in placed if node.props.get("root")}
    beside = leaves(store, project, found.nodes, found.as_of)
    beside += store.edges_from(project, whole, [EdgeType.STARTED_BY], found.as_of)
    attached = store.edges_to(project, found.nodes, [EdgeType.ATTACHED], found.as_of, limit=LIMITS.nodes)
    nodes |= store.nodes(project, {edge.key.dst for edge in beside} | {edge.key.src for edge in attached})
    cancellation.check()
    versions = [node.id for node in placed if node.kind is NodeKind.DATASET_VERSION]
    made = {edge.key.src for edge in store.edges_from(project, versions, [EdgeType.GENERATED_BY], found.as_of)}
    sources = [nodes[version] for version in versions if version not in made]
    handed = [edge.key for edge in found.edges if edge.precision]
    changed = frozenset(e.key for e in store.edges(project, handed, found.as_of) if e.props.get("changed") is True)
    return Ancestry(root, found, nodes, [*beside, *attached], sources, changed)


def is_exact(version: Node) -> bool:
    """Whether an exact content digest of a version is known; sampled digests do not count."""
    return version.props.get("scheme") == "sha256" or bool(version.props.get("digest"))


def is_in_memory(version: Node) -> bool:
    """Whether a version is a value that was handed from task to task and never stored."""
    return version.props.get("namespace") == MEMORY


def is_unbound(version: Node) -> bool:
    """Whether nobody could tell which version was read."""
    return version.props.get("scheme") == SCHEME_UNVERSIONED


def is_named_by_run(version: Node) -> bool:
    """Whether a version is only told apart by the run that made it."""
    return version.props.get("scheme") == SCHEME_RUN


def label(node: Node) -> str:
    """A node in a few words."""
    props = node.props
    if node.kind is NodeKind.RUN:
        return f"run {props.get('job')}"
    if node.kind is NodeKind.CODE_VERSION:
        dirty = "+diff" if props.get("diffDigest") else " dirty" if props.get("dirty") else ""
        return f"code {props.get('name')}{dirty}"
    if node.kind is NodeKind.DATASET_VERSION:
        namespace, name = str(props.get("namespace", "")), str(props.get("name", ""))
        return f"{namespace.rstrip('/')}/{name.lstrip('/')}" if "://" in namespace else name
    return f"{node.kind.value} {props.get('name')}"
