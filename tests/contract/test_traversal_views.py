"""A walk shown as versions, runs, jobs, datasets and columns."""

from __future__ import annotations

from fixtures.graphs import Graph
from lineage_graph.model import Basis, Edge, EdgeType
from lineage_graph.store import GraphStore
from lineage_graph.traversal import Direction, Granularity, Limits, View, view, walk

Drawn = dict[tuple[str, str], tuple[str, Basis]]


def pipeline(graph: Graph) -> list[Edge]:
    """v1 of d1 → r1 (job j1) → v2 of d2, passed to → r2 (job j2) → v3 and v4 of d3, v4 stated to be from v2 alone."""
    containment = [graph.edge(f"v{n}", EdgeType.VERSION_OF, f"d{min(n, 3)}") for n in (1, 2, 3, 4)]
    for n in (1, 2):
        containment += [
            graph.edge(f"r{n}", EdgeType.RUN_OF, f"w{n}"),
            graph.edge(f"w{n}", EdgeType.JOB_VERSION_OF, f"j{n}"),
        ]
    return [
        *containment,
        graph.used("r1", "v1", basis=Basis.INFERRED),
        graph.made("v2", "r1"),
        graph.used("r2", "v2", "r1", precision="passed"),
        graph.used("r2", "v5"),
        graph.made("v3", "r2"),
        graph.made("v4", "r2", explicit=True),
        graph.derived("v4", "v2", "r2", "r1"),
    ]


def shown(
    store: GraphStore, graph: Graph, root: str, way: Direction, granularity: Granularity
) -> tuple[set[str], Drawn]:
    names = {graph.id(f"{letter}{n}"): f"{letter}{n}" for letter in "rvdjf" for n in range(9)}
    walked = walk(store, graph.project, [graph.id(root)], way, 20, Limits(seconds=60))
    drawn: View = view(store, graph.project, walked, granularity)
    assert not drawn.truncated
    edges = {(names[edge.src], names[edge.dst]): (edge.precision, edge.basis) for edge in drawn.edges}
    return {names[node] for node in drawn.nodes}, edges


def test_versions_gain_what_co_occurred_where_nothing_better_is_known(store: GraphStore, graph: Graph) -> None:
    store.apply([graph.delta(1, *pipeline(graph))])
    nodes, edges = shown(store, graph, "v3", Direction.UP, Granularity.VERSION)
    assert nodes == {"v3", "r2", "v2", "v5", "r1", "v1"}
    added = {pair for pair, (precision, _) in edges.items() if precision == "co-occurring"}
    assert added == {("v3", "v2"), ("v3", "v5"), ("v2", "v1")}
    assert edges["v3", "v2"] == ("co-occurring", Basis.INFERRED)
    _, edges = shown(store, graph, "v4", Direction.UP, Granularity.VERSION)
    assert edges["v4", "v2"] == ("stated", Basis.OBSERVED)
    assert ("v4", "v5") not in edges


def test_runs_and_jobs_meet_where_one_used_what_the_other_made(store: GraphStore, graph: Graph) -> None:
    store.apply([graph.delta(1, *pipeline(graph))])
    for root in ("v3", "v4"):
        nodes, edges = shown(store, graph, root, Direction.UP, Granularity.RUN)
        assert nodes == {"r1", "r2"}
        assert set(edges) == {("r2", "r1")}
        nodes, edges = shown(store, graph, root, Direction.UP, Granularity.JOB)
        assert (nodes, set(edges)) == ({"j1", "j2"}, {("j2", "j1")})
    nodes, edges = shown(store, graph, "v1", Direction.DOWN, Granularity.JOB)
    assert nodes == {"j1", "j2"}
    # the best precision of the ways between the two
    assert edges == {("j2", "j1"): ("stated", Basis.OBSERVED)}


def test_datasets_derive_as_their_versions_do(store: GraphStore, graph: Graph) -> None:
    store.apply([graph.delta(1, *pipeline(graph))])
    nodes, edges = shown(store, graph, "v1", Direction.DOWN, Granularity.DATASET)
    assert nodes == {"d1", "d2", "d3"}
    assert edges == {("d2", "d1"): ("co-occurring", Basis.INFERRED), ("d3", "d2"): ("stated", Basis.OBSERVED)}
    nodes, _ = shown(store, graph, "v3", Direction.UP, Granularity.DATASET)
    assert nodes == {"d1", "d2", "d3", "v5"}  # nobody knows which dataset v5 is a version of


def test_columns_are_their_walk(store: GraphStore, graph: Graph) -> None:
    store.apply([graph.delta(1, graph.derived("f1", "f2", "j1"), graph.derived("f2", "f3", "j2"))])
    nodes, edges = shown(store, graph, "f1", Direction.UP, Granularity.COLUMN)
    assert nodes == {"f1", "f2", "f3"}
    assert set(edges) == {("f1", "f2"), ("f2", "f3")}


def test_a_run_over_many_partitions_draws_one_edge_between_datasets(store: GraphStore, graph: Graph) -> None:
    edges = [graph.made("v0", "r1"), graph.edge("v0", EdgeType.VERSION_OF, "d0")]
    for n in range(1, 9):
        edges += [graph.used("r1", f"v{n}"), graph.edge(f"v{n}", EdgeType.VERSION_OF, "d1")]
    store.apply([graph.delta(1, *edges)])
    nodes, drawn = shown(store, graph, "v0", Direction.UP, Granularity.DATASET)
    assert (nodes, drawn) == ({"d0", "d1"}, {("d0", "d1"): ("co-occurring", Basis.INFERRED)})
