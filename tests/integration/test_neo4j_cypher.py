"""What somebody with plain Cypher meets in the graph, and how Neo4j runs our queries."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from neo4j import Driver, GraphDatabase

from fixtures.graphs import Graph
from lineage_graph.model import Delta, EdgeType
from lineage_graph.neo4j import Neo4jGraphStore
from lineage_graph.queries import Queries, load_queries
from lineage_graph.traversal import Direction, Limits, walk

pytestmark = pytest.mark.neo4j


@pytest.fixture
def driver(neo4j_uri: str) -> Iterator[Driver]:
    with GraphDatabase.driver(neo4j_uri) as driver:
        yield driver


def ask(driver: Driver, cypher: Any, **parameters: Any) -> list[list[Any]]:
    with driver.session() as session:
        return session.run(cypher, **parameters).values()


def test_current_facts_are_plain_labels_types_and_properties(
    neo4j_store: Neo4jGraphStore, driver: Driver, graph: Graph
) -> None:
    auc = {"metric.auc": {"type": "float", "text": "0.9300"}}
    nodes = [graph.node("r1", name="run", attributes=auc), graph.node("d1", model=True), graph.node("v1", model=True)]
    neo4j_store.apply([graph.delta(1, graph.made("v1", "r1"), graph.used("r1", "v2"), nodes=nodes)])
    project = {"project": graph.project}
    found = ask(driver, "MATCH (r:Run {project: $project}) WHERE r.`metric.auc` > 0.9 RETURN r.name", **project)
    assert found == [["run"]]
    found = ask(
        driver,
        "MATCH (v:ModelVersion {project: $project})-[:GENERATED_BY]->(:Run)-[:USED]->(s:DatasetVersion) "
        "RETURN v.id, s.id",
        **project,
    )
    assert found == [[graph.id("v1"), graph.id("v2")]]
    assert ask(driver, "MATCH (d:Model:Dataset {project: $project}) RETURN d.id", **project) == [[graph.id("d1")]]
    neo4j_store.apply([Delta(graph.project, 2, nodes=(graph.node("d1", model=False),))])
    assert ask(driver, "MATCH (d:Model {project: $project}) RETURN d.id", **project) == []


def test_what_was_retracted_keeps_its_type_aside(neo4j_store: Neo4jGraphStore, driver: Driver, graph: Graph) -> None:
    edge = graph.used("r1", "v1")
    neo4j_store.apply([graph.delta(1, edge), graph.delta(4, closed=(edge.key,), gone=(graph.id("v1"),))])
    rows = ask(
        driver,
        "MATCH (n:Run {project: $p})-[r]->(m) RETURN type(r), r.was, r.known_from, r.known_to, labels(m)",
        p=graph.project,
    )
    assert rows == [["RETRACTED", "USED", 1, 4, ["Entity"]]]


def plans(store: str, queries: Queries) -> Iterator[tuple[str, Any]]:
    for name, text in queries.items():
        filled = text.replace("EdgeType", "USED")
        yield f"{store}/{name}", filled


def operators(plan: dict[str, Any]) -> Iterator[str]:
    yield plan["operatorType"].split("@")[0]
    for child in plan.get("children", ()):
        yield from operators(child)


def test_queries_start_from_ids_and_never_read_a_hub_to_find_one_edge(neo4j_uri: str, driver: Driver) -> None:
    by_key = {
        "edges_at",
        "past_edges_at",
        "replace_edges",
        "drop_edges",
        "generations",
        "generations_as_of",
        "create_edges",
    }
    names = ["ids", "keys", "rows", "frontier"]
    parameters: dict[str, Any] = {name: [] for name in names} | dict.fromkeys(["limit", "seq", "number", "known_at"], 1)
    parameters |= {"project": "p", "type": "USED", "kinds": [], "name": "", "valid_at": None, "after": "", "chunk": 1}
    seen = set()
    for file in ("layers", "read", "write"):
        for name, text in plans(file, load_queries("lineage_graph.neo4j", f"queries/{file}.cypher")):
            with driver.session() as session:
                plan = session.run("EXPLAIN " + text, parameters).consume().plan
            assert plan is not None
            used = set(operators(plan))
            short = name.split("/")[1]
            assert not used & {"AllNodesScan", "NodeByLabelScan", "DirectedAllRelationshipsScan"}, name
            if short in by_key:
                assert "Expand(All)" not in used, name
                seen.add(short)
    assert seen == by_key


def test_two_writers_at_once_write_once(neo4j_uri: str, graph: Graph) -> None:
    deltas = [graph.delta(seq, graph.used("r1", f"v{seq}"), graph.made(f"v{seq}", "r2")) for seq in range(1, 21)]
    stores = [Neo4jGraphStore(neo4j_uri) for _ in range(3)]
    failures: list[BaseException] = []

    def write(store: Neo4jGraphStore) -> None:
        try:
            for delta in deltas:
                store.apply([delta])
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=write, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    assert stores[0].counts(graph.project) == {"Run": 2, "DatasetVersion": 20, "USED": 20, "GENERATED_BY": 20}
    assert stores[0].cursor(graph.project) == 20
    assert len(stores[0].edges_from(graph.project, [graph.id("r1")], {EdgeType.USED})) == 20
    for store in stores:
        store.close()


def test_a_walk_that_met_a_change_answers_for_one_moment(neo4j_store: Neo4jGraphStore, graph: Graph) -> None:
    """While a writer moves a run's input back and forth, a walk shows one or the other, never both or none."""
    first, second = graph.used("r1", "v1"), graph.used("r1", "v2")
    neo4j_store.apply([graph.delta(1, graph.made("v3", "r1"), first, nodes=[graph.node("v2")])])
    done = threading.Event()

    def write() -> None:
        for seq in range(2, 60):
            now, before = (second, first) if seq % 2 == 0 else (first, second)
            neo4j_store.apply([Delta(graph.project, seq, edges=(now,), closed=(before.key,))])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    answers = 0
    while not done.is_set() or not answers:
        found = walk(neo4j_store, graph.project, [graph.id("v3")], Direction.UP, 9, Limits(seconds=60))
        expected = first if found.as_of.known_at is None or found.as_of.known_at % 2 else second
        assert set(found.nodes) == {graph.id("v3"), graph.id("r1"), expected.key.dst}
        answers += 1
    writer.join(60)
