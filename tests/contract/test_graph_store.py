"""What every graph store promises, on each of them."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.graphs import Graph, ReferenceGraph, histories, in_order, plain
from lineage_graph.embedded import EmbeddedGraphStore
from lineage_graph.errors import StoreUnavailable
from lineage_graph.model import AsOf, Basis, Delta, Edge, EdgeType, NodeKind
from lineage_graph.neo4j import Neo4jGraphStore
from lineage_graph.store import GraphStore
from scale import count

ALL = frozenset(EdgeType)
WRITTEN = frozenset(list(EdgeType)[:5])  # the types that random histories hold, and one more
SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def assert_equal_to(reference: ReferenceGraph, store: GraphStore, graph: Graph) -> None:
    """The store answers every question as the reference does."""
    project = graph.project
    ids = [graph.id(f"{letter}{n}") for letter in "rvd" for n in range(3)]
    assert store.cursor(project) == reference.seq
    expected_nodes = sorted(map(plain, reference.nodes.values()))
    assert sorted(map(plain, store.nodes(project, [*ids, "run_unknown"]).values())) == expected_nodes
    assert sorted(map(plain, store.scan_nodes(project))) == expected_nodes
    half = reference.seq // 2 + 1
    for as_of in (AsOf(), AsOf(valid_at=2), AsOf(known_at=0), AsOf(known_at=reference.seq), AsOf(3, half)):
        expected = reference.edges(as_of)
        assert_same(store.edges_from(project, ids, WRITTEN, as_of), expected)
        assert_same(store.edges_to(project, ids, WRITTEN, as_of), sorted(expected, key=by_target))
        assert_same(store.edges(project, [edge.key for edge in expected[::2]], as_of), expected[::2])
    current = reference.edges()
    degrees = store.degrees(project, ids, WRITTEN)
    for id in ids:
        out = sum(edge.key.src == id for edge in current)
        assert degrees.get(id, (0, 0)) == (out, sum(edge.key.dst == id for edge in current))
    assert sum(store.counts(project).values()) == len(reference.nodes) + len(current)
    assert_scanned(reference, store, project)


def assert_scanned(reference: ReferenceGraph, store: GraphStore, project: str) -> None:
    scanned = sorted(store.scan_edges(project), key=lambda row: by_source(row[4]))
    assert_same([row[4] for row in scanned], reference.edges())
    for *idents, edge in scanned:
        nodes = [reference.nodes.get(id) for id in (edge.key.src, edge.key.dst, edge.key.via, edge.generation)]
        assert idents == [node.ident if node is not None else b"" for node in nodes]


def assert_same(found: list[Edge], expected: list[Edge]) -> None:
    assert list(map(plain, found)) == list(map(plain, expected))


def by_source(edge: Edge) -> tuple[str, ...]:
    return edge.key.src, edge.key.type, edge.key.dst, edge.key.via


def by_target(edge: Edge) -> tuple[str, ...]:
    return edge.key.dst, edge.key.type, edge.key.src, edge.key.via


def check_history(store: GraphStore, data: st.DataObject) -> None:
    graph = Graph(str(uuid.uuid4()))
    reference = ReferenceGraph()
    for batch in data.draw(histories(graph.project)):
        store.apply(batch)
        for delta in batch:
            reference.apply(delta)
        assert_equal_to(reference, store, graph)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW_IS_FINE)
@given(data=st.data())
def test_any_history_of_deltas_ends_as_the_rules_say_embedded(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = EmbeddedGraphStore(tmp_path_factory.mktemp("graph") / "graph.db")
    store.migrate()
    check_history(store, data)
    store.close()


@pytest.mark.neo4j
@pytest.mark.full
def test_any_history_of_deltas_ends_as_the_rules_say_neo4j(neo4j_store: Neo4jGraphStore) -> None:
    @settings(max_examples=count("graph-histories", ci=25, soak=300), deadline=None, suppress_health_check=SLOW_IS_FINE)
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        check_history(neo4j_store, data)

    check()


def test_a_node_comes_back_exactly(store: GraphStore, graph: Graph) -> None:
    props = {
        "name": "Ünï ☃ 𝄞\0", "time": 2**53 + 1, "huge": 2**64 + 1, "minus": -(2**63), "none": None, "yes": True,
        "one": 1, "real": 1.0, "zero": -0.0, "nested": [[1, None], {"a.b": [True, {}]}], "empty": {}, "": "no name",
        "id": "mine", "data": "{}", "ident": 7, "project": None, "metric.auc": "not an attribute",
        "attributes": {"metric.auc": {"type": "float", "text": "0.930"}, "duration": {"type": "int", "text": "12"}},
    }  # fmt: skip
    store.apply([Delta(graph.project, 1, nodes=(graph.node("r1", **props),))])
    (found,) = store.nodes(graph.project, [graph.id("r1")]).values()
    assert repr(in_order(found.props)) == repr(in_order(props))
    assert (found.kind, found.ident) == (NodeKind.RUN, b"r1")


def test_a_number_that_is_none_is_refused_and_nothing_is_written(store: GraphStore, graph: Graph) -> None:
    bad = graph.node("r1", nested={"loss": [float("nan")]})
    with pytest.raises(ValueError, match=r"props\.nested\.loss\[0\] is nan"):
        store.apply([graph.delta(1, graph.used("r2", "v1")), Delta(graph.project, 2, nodes=(bad,))])
    assert store.cursor(graph.project) == 0
    assert store.nodes(graph.project, [graph.id("r2")]) == {}


def test_an_edge_waits_for_its_nodes(store: GraphStore, graph: Graph) -> None:
    edge = graph.made("v1", "r1", explicit=True, basis=Basis.DECLARED, props={"why": None})
    store.apply([Delta(graph.project, 1, edges=(edge,))])
    assert store.nodes(graph.project, [graph.id("v1"), graph.id("r1")]) == {}
    assert list(store.scan_nodes(graph.project)) == []
    assert store.counts(graph.project) == {"GENERATED_BY": 1}
    store.apply([Delta(graph.project, 2, nodes=(graph.node("v1"), graph.node("r1")))])
    assert store.edges_from(graph.project, [graph.id("v1")], ALL) == [edge._replace(known_from=1)]
    assert store.counts(graph.project) == {"GENERATED_BY": 1, "DatasetVersion": 1, "Run": 1}


def test_an_equal_edge_changes_nothing_and_another_leaves_a_past(store: GraphStore, graph: Graph) -> None:
    first, second = graph.used("r1", "v1", "r0"), graph.used("r1", "v1", "r0", valid_from=5)
    store.apply([graph.delta(3, first)])
    store.apply([graph.delta(5, first), graph.delta(8, second)])

    def known(seq: int | None) -> list[Edge]:
        return store.edges_from(graph.project, [graph.id("r1")], ALL, AsOf(known_at=seq))

    assert known(None) == [second._replace(known_from=8)]
    assert known(2) == []
    assert known(3) == known(7) == [first._replace(known_from=3, known_to=8)]
    assert known(8) == [second._replace(known_from=8)]


@pytest.mark.parametrize("at_once", [False, True])
def test_what_is_closed_is_still_known_before(store: GraphStore, graph: Graph, at_once: bool) -> None:
    edge = graph.made("v1", "r1")
    deltas = [graph.delta(1, edge), graph.delta(2, closed=(edge.key,), gone=(graph.id("v1"),))]
    for batch in [deltas] if at_once else [[delta] for delta in deltas]:
        store.apply(batch)
    assert store.edges_to(graph.project, [graph.id("r1")], ALL) == []
    assert store.edges_to(graph.project, [graph.id("r1")], ALL, AsOf(known_at=1)) == [
        edge._replace(known_from=1, known_to=2)
    ]
    assert list(store.nodes(graph.project, [graph.id("v1"), graph.id("r1")])) == [graph.id("r1")]


def test_answers_are_ordered_and_limited_by_key(store: GraphStore, graph: Graph) -> None:
    edges = [graph.used(f"r{n}", f"v{m}") for n in range(5) for m in range(5)]
    store.apply([graph.delta(1, *edges)])
    runs, versions = [graph.id(f"r{n}") for n in range(5)], [graph.id(f"v{n}") for n in range(5)]
    keys = sorted((edge.key.src, edge.key.dst) for edge in edges)
    found = store.edges_from(graph.project, runs, {EdgeType.USED, EdgeType.PART_OF}, limit=7)
    assert [(edge.key.src, edge.key.dst) for edge in found] == keys[:7]
    found = store.edges_to(graph.project, versions, {EdgeType.USED}, limit=7)
    assert [(edge.key.dst, edge.key.src) for edge in found] == sorted((dst, src) for src, dst in keys)[:7]


def test_projects_do_not_meet(store: GraphStore, graph: Graph) -> None:
    other = Graph(str(uuid.uuid4()))
    store.apply([graph.delta(1, graph.used("r1", "v1")), other.delta(4, other.used("r1", "v1"))])
    assert (store.cursor(graph.project), store.cursor(other.project)) == (1, 4)
    assert store.nodes(other.project, [graph.id("r1")]) == {}
    assert store.edges_from(other.project, [graph.id("r1")], ALL) == []
    assert store.degrees(other.project, [graph.id("r1")], ALL) == {}
    with store.layers(other.project) as layers:
        assert layers.handles([graph.id("r1")]) == {}
    store.clear(other.project)
    assert (store.cursor(graph.project), store.cursor(other.project)) == (1, 0)
    assert store.counts(graph.project) == {"Run": 1, "DatasetVersion": 1, "USED": 1}
    assert store.counts(other.project) == {}
    store.apply([other.delta(1, other.used("r1", "v1"))])
    assert store.counts(other.project) == {"Run": 1, "DatasetVersion": 1, "USED": 1}


def test_a_cleared_project_may_be_larger_than_a_step(store: GraphStore, graph: Graph) -> None:
    edges = [graph.used(f"r{n}", "v0") for n in range(6_000)]
    store.apply([graph.delta(1, *edges)])
    store.clear(graph.project)
    assert (store.counts(graph.project), store.cursor(graph.project)) == ({}, 0)
    assert store.edges_to(graph.project, [graph.id("v0")], ALL) == []


def test_a_layer_says_what_the_edges_say(store: GraphStore, graph: Graph) -> None:
    edges = [
        graph.made("v1", "r1"), graph.made("v1", "r2", explicit=True),
        graph.derived("v1", "v2", "r1", "r5"), graph.derived("v1", "v3", "r2"), graph.derived("v1", "v4"),
        graph.used("r3", "v1", "r1", basis=Basis.INFERRED), graph.used("r4", "v1"),
    ]  # fmt: skip
    store.apply([graph.delta(1, *edges)])
    with store.layers(graph.project) as layers:
        of = layers.handles([graph.id(name) for name in ("v1", "r1", "r2", "r3", "r4")])
        v1, r1 = of[graph.id("v1")], of[graph.id("r1")]

        def named(hops: Sequence[tuple[Any, ...]]) -> set[tuple[object, ...]]:
            ids = layers.ids({handle for hop in hops for handle in hop[:4] if handle}) | {layers.none: ""}
            return {(*(ids[handle] for handle in hop[:4]), bool(hop[4]), *hop[5:]) for hop in hops}

        def rows(*chosen: int) -> set[tuple[object, ...]]:
            return {
                (
                    e.key.src,
                    e.key.dst,
                    e.key.via,
                    e.generation,
                    e.explicit,
                    ["", "stated"].index(e.precision),
                    int(e.basis == Basis.INFERRED) * 2,
                )
                for e in (edges[n] for n in chosen)
            }

        def hops(type: EdgeType, *frontier: Any, incoming: bool = False) -> set[tuple[object, ...]]:
            ask = layers.bound_hops if isinstance(frontier[0], tuple) else layers.hops
            answer = ask([type, EdgeType.PART_OF], frontier, incoming=incoming, limit=100)
            assert answer.pop(EdgeType.PART_OF) == []
            return named(answer[type])

        assert hops(EdgeType.GENERATED_BY, v1) == rows(0, 1)
        assert hops(EdgeType.USED, v1, incoming=True) == rows(5, 6)
        assert hops(EdgeType.GENERATED_BY, (v1, r1)) == rows(0)
        assert hops(EdgeType.DERIVED_FROM, (v1, r1)) == rows(2, 4)
        assert hops(EdgeType.USED, (v1, r1), incoming=True) == rows(5, 6)
        assert hops(EdgeType.USED, (v1, of[graph.id("r2")]), incoming=True) == rows(6)
        assert len(layers.hops([EdgeType.USED], [v1], incoming=True, limit=1)[EdgeType.USED]) == 1
        assert layers.seq == 1


def test_readers_answer_while_a_writer_writes(store: GraphStore, graph: Graph) -> None:
    batches = 40
    failures: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                edges = store.edges_from(graph.project, [graph.id("r1")], ALL)
                # every delta adds two edges of r1 at once
                assert len(edges) % 2 == 0
        except BaseException as failure:
            failures.append(failure)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for seq in range(1, batches + 1):
        store.apply([graph.delta(seq, graph.used("r1", f"v{seq}"), graph.used("r1", f"v{seq}", "r2"))])
    done.set()
    for reader in readers:
        reader.join(30)
    assert not failures
    assert len(store.edges_from(graph.project, [graph.id("r1")], ALL)) == 2 * batches


def test_check_passes_on_a_store_that_answers(store: GraphStore) -> None:
    store.check()


def test_an_embedded_store_without_its_folder_says_what_to_check(tmp_path: Path) -> None:
    store = EmbeddedGraphStore(tmp_path / "missing" / "graph.db")
    with pytest.raises(StoreUnavailable, match="check that its folder exists"):
        store.check()


def test_a_neo4j_that_is_not_there_says_what_to_check() -> None:
    store = Neo4jGraphStore("bolt://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match="check that it runs"):
        store.check()
    store.close()


def test_an_edge_takes_few_bytes(tmp_path: Path, graph: Graph) -> None:
    store = EmbeddedGraphStore(tmp_path / "graph.db")
    store.migrate()
    edges = [
        graph.used(f"r{n}", f"v{n + m}", f"r{n + 1000}", valid_from=1_700_000_000_000_000)
        for n in range(2000)
        for m in range(5)
    ]
    store.apply([graph.delta(1, *edges)])
    store.close()
    with sqlite3.connect(tmp_path / "graph.db") as file:
        (size,) = file.execute("SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'edge%'").fetchone()
    file.close()
    assert size / len(edges) <= 120
