"""Walks follow the rules of provenance: on every store, and on random graphs exactly as the brute force does."""

from __future__ import annotations

import itertools
import uuid
from pathlib import Path
from random import Random

import pytest

from fixtures.brute_walk import brute_walk, random_edges
from fixtures.graphs import Graph
from lineage_graph.embedded import EmbeddedGraphStore
from lineage_graph.model import AsOf, Edge, EdgeType
from lineage_graph.neo4j import Neo4jGraphStore
from lineage_graph.store import GraphStore
from lineage_graph.traversal import Direction, Limits, Walk, hidden, leaves, walk
from scale import count, seeded

# What is tested here are the rules; a cold JVM on a busy machine must not cut the answer.
PATIENT = Limits(seconds=60)
UP, DOWN, BOTH = Direction.UP, Direction.DOWN, Direction.BOTH


def found(graph: Graph, walked: Walk) -> dict[str, int]:
    """Depths by short name."""
    names = {graph.id(f"{letter}{n}"): f"{letter}{n}" for letter in "rvfdjwce" for n in range(12)}
    return {names[node]: depth for node, depth in walked.nodes.items()}


def go(store: GraphStore, graph: Graph, root: str, direction: Direction, depth: int = 50) -> Walk:
    return walk(store, graph.project, [graph.id(root)], direction, depth, PATIENT)


def test_upstream_follows_the_arrows_to_sources_and_downstream_back(store: GraphStore, graph: Graph) -> None:
    store.apply(
        [
            graph.delta(
                1, graph.made("v2", "r1"), graph.used("r1", "v1", "r0"), graph.made("v1", "r0"), graph.used("r0", "v0")
            )
        ]
    )
    up = go(store, graph, "v2", UP)
    assert found(graph, up) == {"v2": 0, "r1": 1, "v1": 2, "r0": 3, "v0": 4}
    assert (up.truncated, up.cursor, up.ambiguous, up.unknown) == ("", None, [], [])
    assert found(graph, go(store, graph, "v0", DOWN)) == {"v0": 0, "r0": 1, "v1": 2, "r1": 3, "v2": 4}
    assert found(graph, go(store, graph, "r1", BOTH)) == {"r1": 0, "v2": 1, "v1": 1, "r0": 2, "v0": 3}
    assert found(graph, go(store, graph, "v2", UP, depth=2)) == {"v2": 0, "r1": 1, "v1": 2}
    assert go(store, graph, "v2", UP, depth=2).truncated == "depth"
    assert go(store, graph, "v2", UP, depth=4).truncated == ""


def test_siblings_under_one_parent_share_no_ancestors(store: GraphStore, graph: Graph) -> None:
    part_of = [graph.edge(run, EdgeType.PART_OF, "r9") for run in ("r1", "r2")]
    store.apply(
        [
            graph.delta(
                1,
                *part_of,
                graph.made("v1", "r1"),
                graph.used("r1", "v3"),
                graph.made("v2", "r2"),
                graph.used("r2", "v4"),
            )
        ]
    )
    one, other = found(graph, go(store, graph, "v1", UP)), found(graph, go(store, graph, "v2", UP))
    assert one.keys() == {"v1", "r1", "v3"}
    assert not one.keys() & other.keys()


def test_a_run_that_stated_what_it_derived_from_is_shown_but_not_left(store: GraphStore, graph: Graph) -> None:
    store.apply(
        [
            graph.delta(
                1,
                graph.made("v1", "r1", explicit=True),
                graph.derived("v1", "v3", "r1"),
                graph.made("v2", "r1"),
                graph.used("r1", "v3"),
                graph.used("r1", "v4"),
            )
        ]
    )
    assert found(graph, go(store, graph, "v1", UP)) == {"v1": 0, "r1": 1, "v3": 1}
    assert found(graph, go(store, graph, "v2", UP)) == {"v2": 0, "r1": 1, "v3": 2, "v4": 2}
    assert found(graph, go(store, graph, "r1", UP)) == {"r1": 0, "v3": 1, "v4": 1}
    # v4 was only used for v2; v3 for both
    assert found(graph, go(store, graph, "v4", DOWN)) == {"v4": 0, "r1": 1, "v2": 2}
    assert found(graph, go(store, graph, "v3", DOWN)) == {"v3": 0, "r1": 1, "v1": 1, "v2": 2}
    assert found(graph, go(store, graph, "r1", DOWN)) == {"r1": 0, "v1": 1, "v2": 1}


def test_a_walk_follows_the_generation_that_was_meant(store: GraphStore, graph: Graph) -> None:
    twice = [graph.made("v1", "r1"), graph.used("r1", "v5"), graph.made("v1", "r2"), graph.used("r2", "v6")]
    bound = [graph.made("v7", "r3"), graph.used("r3", "v1", "r1")]
    unbound = [graph.made("v8", "r4"), graph.used("r4", "v1")]
    store.apply([graph.delta(1, *twice, *bound, *unbound)])
    up = go(store, graph, "v7", UP)
    assert found(graph, up).keys() == {"v7", "r3", "v1", "r1", "v5"}
    assert up.ambiguous == []
    up = go(store, graph, "v8", UP)
    assert found(graph, up).keys() == {"v8", "r4", "v1", "r1", "r2", "v5", "v6"}
    assert up.ambiguous == [graph.id("v1")]
    root = go(store, graph, "v1", UP)
    assert found(graph, root).keys() == {"v1", "r1", "r2", "v5", "v6"}
    assert root.ambiguous == []
    down = go(store, graph, "v6", DOWN)
    assert found(graph, down).keys() == {"v6", "r2", "v1", "r4", "v8"}
    assert down.ambiguous == [graph.id("v1")]


def test_columns_are_walked_over_their_own_edges(store: GraphStore, graph: Graph) -> None:
    store.apply([graph.delta(1, graph.derived("f1", "f2", "j1"), graph.derived("f2", "f3", "j2"))])
    assert found(graph, go(store, graph, "f1", UP)) == {"f1": 0, "f2": 1, "f3": 2}
    assert found(graph, go(store, graph, "f3", DOWN)) == {"f3": 0, "f2": 1, "f1": 2}


def test_edges_carry_what_an_answer_shows(store: GraphStore, graph: Graph) -> None:
    edges = [graph.made("v1", "r1", explicit=True), graph.derived("v1", "v2", "r1", "r5", precision="passed")]
    store.apply([graph.delta(1, *edges)])
    walked = go(store, graph, "v1", UP)
    assert {edge.key for edge in edges} == {edge.key for edge in walked.edges}
    for edge in store.edges(graph.project, [edge.key for edge in walked.edges]):
        (shown,) = (shown for shown in walked.edges if shown.key == edge.key)
        assert shown[4:] == (edge.generation, edge.explicit, edge.precision, edge.basis)


def test_answers_are_as_known_and_valid_at_a_moment(store: GraphStore, graph: Graph) -> None:
    old = graph.used("r1", "v1", valid_from=10, valid_to=20)
    store.apply([graph.delta(1, graph.made("v2", "r1"), old)])
    store.apply([graph.delta(2, graph.used("r1", "v3"), closed=(old.key,))])

    def at(valid_at: int | None = None, known_at: int | None = None) -> set[str]:
        as_of = AsOf(valid_at, known_at)
        walked = walk(store, graph.project, [graph.id("v2")], UP, 9, PATIENT, as_of)
        return set(found(graph, walked))

    assert at() == at(known_at=2) == {"v2", "r1", "v3"}
    assert at(known_at=1) == at(valid_at=10, known_at=1) == {"v2", "r1", "v1"}
    assert at(valid_at=9, known_at=1) == at(valid_at=20, known_at=1) == {"v2", "r1"}
    assert at(known_at=0) == {"v2"}


def test_roots_that_are_no_nodes_are_told(store: GraphStore, graph: Graph) -> None:
    store.apply([graph.delta(1, graph.made("v1", "r1"))])
    walked = walk(store, graph.project, [graph.id("v1"), graph.id("v2")], UP, 5, PATIENT)
    assert (found(graph, walked), walked.unknown) == ({"v1": 0, "r1": 1}, [graph.id("v2")])
    assert walk(store, graph.project, [], UP, 5).nodes == {}


def test_folded_neighbours_are_counted_and_leaves_attached(store: GraphStore, graph: Graph) -> None:
    edges = [
        graph.made("v1", "r1"), graph.used("r1", "v2"), graph.used("r2", "v2"), graph.used("r3", "v2"),
        graph.edge("r1", EdgeType.RUN_OF, "w1"), graph.edge("w1", EdgeType.BUILT_FROM, "c1"),
        graph.edge("r1", EdgeType.RAN_IN, "e1"), graph.edge("w1", EdgeType.JOB_VERSION_OF, "j1"),
    ]  # fmt: skip
    store.apply([graph.delta(1, *edges)])
    walked = go(store, graph, "v1", UP)
    assert hidden(store, graph.project, walked) == {graph.id("v2"): (0, 2)}
    assert hidden(store, graph.project, go(store, graph, "v1", UP, depth=1)) == {graph.id("r1"): (1, 0)}
    shown = {edge.key for edge in leaves(store, graph.project, walked.nodes)}
    assert shown == {edge.key for edge in edges[4:7]}


def agree(store: GraphStore, graph: Graph, edges: list[Edge], random: Random) -> None:
    """Walks over `edges` from some roots equal the brute force, and every node's path is a way from a root to it."""
    names = [f"{letter}{n}" for letter in "rv" for n in range(8)]
    for direction in (UP, DOWN):
        for _ in range(4):
            roots = [graph.id(name) for name in random.sample(names, random.choice([1, 1, 2]))]
            depth = random.choice([1, 2, 3, 5, 40])
            walked = walk(store, graph.project, roots, direction, depth, PATIENT)
            expected = brute_walk(edges, set(roots) - set(walked.unknown), direction is UP, depth)
            assert walked.nodes == expected.depths
            assert list(walked.nodes) == sorted(walked.nodes, key=lambda node: (walked.nodes[node], node))
            assert {edge.key for edge in walked.edges} == expected.edges
            assert set(walked.ambiguous) == expected.ambiguous
            for node, distance in walked.nodes.items():
                assert_leads(walked, node, distance, direction, roots)


def assert_leads(walked: Walk, node: str, distance: int, direction: Direction, roots: list[str]) -> None:
    path = walked.path(node)
    assert len(path) == distance
    ends = [(edge.src, edge.dst) if direction is UP else (edge.dst, edge.src) for edge in path]
    for (_, reached), (left, _) in itertools.pairwise(ends):
        assert reached == left
    assert (ends[-1][1] if ends else node) == node
    assert (ends[0][0] if ends else node) in roots
    assert {edge.key for edge in path} <= {edge.key for edge in walked.edges}


def random_graph(store: GraphStore, random: Random) -> tuple[Graph, list[Edge]]:
    graph = Graph(str(uuid.UUID(int=random.getrandbits(128))))
    edges = random_edges(graph, random, 8)
    store.apply([graph.delta(1, *edges)])
    return graph, edges


def test_walks_equal_the_brute_force_embedded(embedded_store: EmbeddedGraphStore) -> None:
    random = seeded("walks")
    for _ in range(count("walks-embedded", ci=200, soak=5000)):
        graph, edges = random_graph(embedded_store, random)
        agree(embedded_store, graph, edges, random)


@pytest.mark.neo4j
@pytest.mark.full
def test_walks_equal_the_brute_force_neo4j(neo4j_store: Neo4jGraphStore) -> None:
    random = seeded("walks")
    for _ in range(count("walks-neo4j", ci=25, soak=500)):
        graph, edges = random_graph(neo4j_store, random)
        agree(neo4j_store, graph, edges, random)


def test_downstream_is_upstream_backwards(embedded_store: EmbeddedGraphStore) -> None:
    random = seeded("symmetry")
    for _ in range(count("symmetry", ci=60, soak=2000)):
        graph, edges = random_graph(embedded_store, random)
        nodes = {end for edge in edges for end in (edge.key.src, edge.key.dst)}
        ways = {
            direction: {
                (root, node): depth
                for root in nodes
                for node, depth in walk(embedded_store, graph.project, [root], direction, 40).nodes.items()
            }
            for direction in (UP, DOWN)
        }
        assert ways[UP] == {(node, root): depth for (root, node), depth in ways[DOWN].items()}


def test_what_was_known_is_walked_as_it_was_known(embedded_store: EmbeddedGraphStore, tmp_path: Path) -> None:
    random = seeded("known")
    for _ in range(count("known-at", ci=20, soak=400)):
        graph = Graph(str(uuid.UUID(int=random.getrandbits(128))))
        roots = [graph.id(f"v{n}") for n in range(8)]
        nodes = [graph.node(f"{letter}{n}") for letter in "rv" for n in range(8)]
        answers: dict[int, list[object]] = {}
        held: list[Edge] = []
        for seq in range(1, 5):
            edges = random_edges(graph, random, 8)
            closed = tuple({edge.key for edge in held} - {edge.key for edge in edges})
            embedded_store.apply([graph.delta(seq, *edges, nodes=nodes, closed=closed)])
            held = edges
            answers[seq] = [everything(embedded_store, graph, roots, None)]
        for seq, answer in answers.items():
            assert answer == [everything(embedded_store, graph, roots, seq)]


def everything(store: GraphStore, graph: Graph, roots: list[str], known_at: int | None) -> list[object]:
    walks = [
        walk(store, graph.project, [root], way, 40, Limits(), AsOf(known_at=known_at))
        for root in roots
        for way in Direction
    ]
    return [(walked.nodes, walked.edges, walked.ambiguous) for walked in walks]
