"""Walks stay bounded: pages, time, fan-out, long chains, cycles; and a cursor goes on where a page ended."""

from __future__ import annotations

import time
import uuid
from random import Random

import pytest

from fixtures.brute_walk import random_edges
from fixtures.graphs import Graph
from lineage_graph.embedded import EmbeddedGraphStore
from lineage_graph.errors import BadReference
from lineage_graph.model import Delta, Edge
from lineage_graph.neo4j import Neo4jGraphStore
from lineage_graph.store import GraphStore
from lineage_graph.traversal import Continuation, Direction, Limits, Walk, walk
from scale import count, seeded

UP, DOWN = Direction.UP, Direction.DOWN


def pages(store: GraphStore, graph: Graph, root: str, direction: Direction, depth: int, limits: Limits) -> list[Walk]:
    """All pages of a walk, each cursor taken through its text form."""
    found = [walk(store, graph.project, [graph.id(root)], direction, depth, limits)]
    while (cursor := found[-1].cursor) is not None:
        assert found[-1].truncated in ("nodes", "time")
        again = Continuation.decode(cursor.encode())
        assert again == cursor
        found.append(walk(store, graph.project, [graph.id(root)], direction, depth, limits, cursor=again))
    return found


def check_pages(store: GraphStore, random: Random) -> None:
    graph = Graph(str(uuid.UUID(int=random.getrandbits(128))))
    store.apply([graph.delta(1, *random_edges(graph, random, 8), nodes=[graph.node("v0")])])
    for direction in Direction:
        depth = random.choice([2, 40])
        whole = walk(store, graph.project, [graph.id("v0")], direction, depth, Limits(seconds=60))
        found = pages(store, graph, "v0", direction, depth, Limits(nodes=random.randint(1, 5), seconds=60))
        assert [pair for page in found for pair in page.nodes.items()] == list(whole.nodes.items())
        edges = [edge for page in found for edge in page.edges]
        assert sorted(edges) == whole.edges
        # a page may doubt what a later one finds to be reached whatever the generation
        assert {node for page in found for node in page.ambiguous} >= set(whole.ambiguous)
        assert found[-1].truncated == whole.truncated


def test_pages_add_up_to_the_whole_embedded(embedded_store: EmbeddedGraphStore) -> None:
    random = seeded("pages")
    for _ in range(count("pages-embedded", ci=60, soak=2000)):
        check_pages(embedded_store, random)


@pytest.mark.neo4j
@pytest.mark.full
def test_pages_add_up_to_the_whole_neo4j(neo4j_store: Neo4jGraphStore) -> None:
    random = seeded("pages")
    for _ in range(count("pages-neo4j", ci=10, soak=200)):
        check_pages(neo4j_store, random)


def test_pages_answer_what_was_known_at_the_first(store: GraphStore, graph: Graph) -> None:
    store.apply([graph.delta(1, graph.made("v1", "r1"), graph.used("r1", "v2"), graph.used("r1", "v3"))])
    whole = walk(store, graph.project, [graph.id("v1")], UP, 9, Limits(seconds=60))
    first = walk(store, graph.project, [graph.id("v1")], UP, 9, Limits(nodes=2, seconds=60))
    late = graph.used("r1", "v2")
    store.apply([graph.delta(2, graph.used("r1", "v4"), closed=(late.key,))])
    second = walk(store, graph.project, [graph.id("v1")], UP, 9, Limits(nodes=9, seconds=60), cursor=first.cursor)
    assert first.nodes | second.nodes == whole.nodes
    assert second.as_of == first.as_of == whole.as_of


def chain(graph: Graph, length: int, *, closed_by: str = "") -> Delta:
    """v0 made by r0, which used v1, and so on; the last run uses `closed_by`, if given."""
    edges: list[Edge] = []
    for n in range(length):
        source = f"v{n + 1}" if n + 1 < length or not closed_by else closed_by
        edges += [
            graph.made(f"v{n}", f"r{n}"),
            graph.used(f"r{n}", source, f"r{n + 1}" if source != closed_by else "r0"),
        ]
    return graph.delta(1, *edges)


def fan(graph: Graph, width: int) -> list[Delta]:
    """One run that used `width` versions, each of them used by one more run; in several deltas."""
    deltas: list[Delta] = []
    for start in range(0, width, 20_000):
        names = [(f"v{n}", f"r{n + 1}") for n in range(start, min(start + 20_000, width))]
        edges = [graph.used(run, version) for version, other in names for run in ("r0", other)]
        deltas.append(graph.delta(len(deltas) + 1, *edges))
    return deltas


@pytest.mark.full
def test_a_chain_of_ten_thousand_is_answered_or_goes_on(store: GraphStore, graph: Graph) -> None:
    length = 10_000
    store.apply([chain(graph, length)])
    started = time.monotonic()
    seen: dict[str, int] = {}
    found = pages(store, graph, "v0", UP, 100_000, Limits(nodes=50_000, seconds=2.0))
    for page in found:
        assert not seen.keys() & page.nodes.keys()
        seen.update(page.nodes)
    assert len(seen) == 2 * length + 1
    assert list(seen.values()) == list(range(2 * length + 1))
    assert time.monotonic() - started < 2.5 * len(found)


def test_a_chain_cut_by_time_goes_on_from_where_it_stopped(store: GraphStore, graph: Graph) -> None:
    length = 60
    store.apply([chain(graph, length)])
    seen: dict[str, int] = {}
    found = pages(store, graph, "v0", UP, 100_000, Limits(seconds=0))
    # a layer each, whatever the time, with the edge that led there; the last finds nothing more
    assert [len(page.edges) for page in found] == [1] * 2 * length + [0]
    for page in found:
        assert not seen.keys() & page.nodes.keys()
        seen.update(page.nodes)
    assert len(seen) == 2 * length + 1


def test_a_cycle_ends(store: GraphStore, graph: Graph) -> None:
    store.apply([chain(graph, 50, closed_by="v0")])
    for direction in Direction:
        walked = walk(store, graph.project, [graph.id("v0")], direction, 100_000, Limits(seconds=60))
        assert (len(walked.nodes), walked.truncated) == (100, "")


def test_a_cycle_cut_by_time_ends_at_its_depth(embedded_store: EmbeddedGraphStore, graph: Graph) -> None:
    embedded_store.apply([chain(graph, 50, closed_by="v0")])
    found = pages(embedded_store, graph, "v0", UP, 400, Limits(seconds=0))
    assert set().union(*(page.nodes for page in found)) == {
        graph.id(f"{letter}{n}") for n in range(50) for letter in "rv"
    }
    assert max(depth for page in found for depth in page.nodes.values()) <= 400


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_fan_of_a_hundred_thousand_is_answered_in_pages(store: GraphStore, graph: Graph) -> None:
    width = 100_000
    for delta in fan(graph, width):
        store.apply([delta])
    for direction, depth in ((UP, 1), (Direction.BOTH, 3)):
        started = time.monotonic()
        first = walk(store, graph.project, [graph.id("r0")], direction, depth, Limits(nodes=1_000))
        assert time.monotonic() - started < 4.0
        assert (len(first.nodes), first.truncated) == (1_000, "nodes")
        second = walk(
            store, graph.project, [graph.id("r0")], direction, depth, Limits(nodes=1_000), cursor=first.cursor
        )
        assert len(second.nodes) == 1_000
        assert not first.nodes.keys() & second.nodes.keys()
        assert len(second.edges) >= 1_000
    whole = walk(store, graph.project, [graph.id("r0")], UP, 1, Limits(nodes=2 * width, seconds=20))
    assert len(whole.nodes) == width + 1


def test_a_layer_too_wide_to_read_says_so(store: GraphStore, graph: Graph) -> None:
    store.apply(fan(graph, 50))
    cut = walk(store, graph.project, [graph.id("r0")], UP, 1, Limits(rows=20, seconds=60))
    assert (len(cut.nodes), cut.truncated, cut.cursor) == (21, "rows", None)


def test_a_version_made_by_many_is_walked_by_the_one_that_was_meant(store: GraphStore, graph: Graph) -> None:
    many = [graph.made("v0", f"r{n}") for n in range(2_000)]
    store.apply([graph.delta(1, *many, graph.made("v2", "r9999"), graph.used("r9999", "v0", "r7"))])
    walked = walk(store, graph.project, [graph.id("v2")], UP, 9, Limits(rows=4, seconds=60))
    assert walked.nodes == {graph.id("v2"): 0, graph.id("r9999"): 1, graph.id("v0"): 2, graph.id("r7"): 3}


@pytest.mark.parametrize("text", ["", "x", "!!", "bnVsbA", "WzEsMl0", "WzEsMiwtMSxbXV0", "W3RydWUsMCwwLFtdXQ", "ünï"])
def test_a_cursor_that_does_not_parse_is_refused(text: str) -> None:
    with pytest.raises(BadReference, match="start again without it"):
        Continuation.decode(text)
