"""How long a walk takes on a graph of a million edges, and what ten times the graph changes.

Both stores hold the same graph: each run used two of the last 2,000 outputs and made one, so that the answer at depth
50 has more than 40,000 nodes. Times are of `walk` (search, ids, order) in process, over many starting points, beside a
floor of the same minute (as many rows by one scan; as many round trips). Work is counted for one and the same answer in
a graph and in one ten times as large: pages read without a cache (SQLite) and db hits (Neo4j). Exits 1 when a bar is
missed; times count only while the load average is below 1.5.

`python benchmarks/traversal.py [--edges N] [--stores embedded neo4j]`
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from fixtures.neo4j import shared_server
from lineage_graph.embedded import EmbeddedGraphStore
from lineage_graph.embedded.layers import EmbeddedLayers
from lineage_graph.model import AsOf, Delta, Edge, EdgeKey, EdgeType, Node, NodeKind
from lineage_graph.neo4j import Neo4jGraphStore
from lineage_graph.neo4j.connection import Connection
from lineage_graph.neo4j.layers import Neo4jLayers
from lineage_graph.store import NOW, GraphStore, Layers
from lineage_graph.traversal import Direction, Limits, walk

EDGES_PER_EVENT = 5
BATCH = 500
QUIET_LOAD = 1.5
WIDE = Limits(nodes=100_000, seconds=30)
BARS = {"embedded": {"depth 10 p95": 5.0, "depth 50": 200.0}, "neo4j": {"depth 10 p95": 25.0}}
GROWTH_BAR = 1.2


def node_id(kind: NodeKind, number: int, salt: str) -> str:
    """An id of the form real ones have."""
    digest = hashlib.sha256(f"{salt}{kind}{number}".encode()).digest()[:16]
    return f"{kind.prefix}_{base64.b32encode(digest).decode().rstrip('=').lower()}"


def deltas(events: int, project: str) -> Iterator[Delta]:
    """One delta per event; the first ones are the same in a larger graph."""
    chance = random.Random(1)
    made: list[tuple[str, str]] = []
    job = node_id(NodeKind.JOB_VERSION, 0, project)
    for number in range(events):
        run, version = (node_id(kind, number, project) for kind in (NodeKind.RUN, NodeKind.DATASET_VERSION))
        at = 1_700_000_000_000_000 + number
        edges = [
            Edge(EdgeKey(version, EdgeType.GENERATED_BY, run), valid_from=at),
            Edge(
                EdgeKey(version, EdgeType.VERSION_OF, node_id(NodeKind.DATASET, number % 1000, project)), valid_from=at
            ),
            Edge(EdgeKey(run, EdgeType.RUN_OF, job)),
        ]
        for used, maker in chance.sample(made[-2000:], min(2, len(made))):
            edges.append(Edge(EdgeKey(run, EdgeType.USED, used, maker), generation=maker, valid_from=at))
        made.append((version, run))
        props = {"name": f"part-{number}.parquet", "namespace": "file", "time": at, "state": "COMPLETE"}
        nodes = (
            Node(run, NodeKind.RUN, run.encode(), props),
            Node(version, NodeKind.DATASET_VERSION, b"v" * 60, props),
        )
        yield Delta(project, number + 1, nodes=nodes, edges=tuple(edges))


def load(store: GraphStore, events: int, project: str) -> None:
    """Write a graph and say how fast."""
    started = time.perf_counter()
    batch: list[Delta] = []
    for delta in deltas(events, project):
        batch.append(delta)
        if len(batch) == BATCH:
            store.apply(batch)
            batch = []
    store.apply(batch)
    rate = events / (time.perf_counter() - started)
    print(f"  {events:,} events, {events * EDGES_PER_EVENT:,} edges: {rate:,.0f} events/s")


def timed(work: Callable[[], Any]) -> float:
    """Milliseconds of one call."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


def percentile(times: list[float], share: float) -> float:
    """The value below which `share` of the sorted times lie."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def report(name: str, measured: str, value: float, bar: float | None, floor: float) -> bool:
    """Print one figure; whether its bar is held, as far as the load lets it count."""
    load_average = os.getloadavg()[0]
    said = "" if bar is None else f", bar {bar:g}"
    if bar is not None and load_average >= QUIET_LOAD:
        said += ": not measured, the machine is busy"
    print(f"  {name} {measured}: {value:.1f} ms{said} (floor {floor:.1f} ms, load {load_average:.1f})")
    return bar is None or value <= bar or load_average >= QUIET_LOAD


def measure(name: str, store: GraphStore, events: int, floor: Callable[[int], float]) -> bool:
    """Time walks at several depths from random places of the newer half."""
    chance = random.Random(2)
    held = True
    for depth, repeats in ((10, 200), (50, 9)):
        roots = [node_id(NodeKind.DATASET_VERSION, chance.randrange(events // 2, events), name) for _ in range(repeats)]
        for root in roots[: repeats // 4]:
            walk(store, name, [root], Direction.UP, depth, WIDE)
        times: list[float] = []
        sizes: list[float] = []
        for root in roots:
            started = time.perf_counter()
            found = walk(store, name, [root], Direction.UP, depth, WIDE)
            times.append((time.perf_counter() - started) * 1e3)
            sizes.append(len(found.nodes))
        nodes = percentile(sizes, 0.5)
        base = floor(int(nodes * 1.5))
        bars = BARS[name]
        held &= report(
            name, f"depth {depth}, {nodes:,.0f} nodes, median", percentile(times, 0.5), bars.get(f"depth {depth}"), base
        )
        held &= report(
            name,
            f"depth {depth}, {nodes:,.0f} nodes, p95",
            percentile(times, 0.95),
            bars.get(f"depth {depth} p95"),
            base,
        )
    return held


class CountedPages:
    """The embedded store's walks, each over a connection that has read nothing yet; `work` counts pages read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.work = 0

    @contextmanager
    def layers(self, project: str, as_of: AsOf = NOW) -> Iterator[Layers]:
        """See `GraphStore`."""
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            before = self._reads()
            yield EmbeddedLayers(connection, project, as_of)
            self.work += self._reads() - before

    def _reads(self) -> int:
        return int(Path("/proc/self/io").read_text().split("syscr:")[1].split()[0])


class CountedHits:
    """Neo4j's walks with PROFILE; `work` sums db hits."""

    def __init__(self, uri: str) -> None:
        self._connection = Connection(uri, "neo4j", "", None)
        self.work = 0

    @contextmanager
    def layers(self, project: str, as_of: AsOf = NOW) -> Iterator[Layers]:
        """See `GraphStore`."""
        with self._connection.session() as session, session.begin_transaction() as tx:
            self._run = tx.run
            yield Neo4jLayers(self, project, as_of)  # type: ignore[arg-type]

    def run(self, query: Any, **parameters: Any) -> Any:
        """As a transaction's `run`, with the answer read and its db hits counted."""
        plan = self._run("PROFILE " + query, **parameters).consume().profile
        self.work += _hits(plan)
        return self._run(query, **parameters)


def _hits(plan: Any) -> int:
    return int(plan["dbHits"]) + sum(_hits(child) for child in plan.get("children", ()))


def work_of(counting: CountedPages | CountedHits, name: str, events: int) -> list[tuple[str, dict[str, int], int]]:
    """Walks from places that a graph of `events` and a larger one share: direction, answer, counted work."""
    found: list[tuple[str, dict[str, int], int]] = []
    for direction, start in ((Direction.UP, events // 2), (Direction.DOWN, events // 8)):
        before = counting.work
        roots = [node_id(NodeKind.DATASET_VERSION, start + number, name) for number in range(5)]
        answer = walk(cast(GraphStore, counting), name, roots, direction, 10, WIDE)
        found.append((direction, answer.nodes, counting.work - before))
    return found


def compare(
    name: str, small: list[tuple[str, dict[str, int], int]], large: list[tuple[str, dict[str, int], int]]
) -> bool:
    """Print what ten times the graph changes; whether the bar is held."""
    held = True
    for (direction, answer, few), (_, same, many) in zip(small, large, strict=True):
        assert answer == same
        held &= many <= few * GROWTH_BAR
        print(f"  {name} {direction}, {len(answer):,} nodes: work {few:,}, in ten times the graph {many:,}: "
              f"x {many / few:.2f}, bar {GROWTH_BAR}")  # fmt: skip
    return held


def embedded(folder: Path, events: int) -> bool:
    """All figures of the embedded store."""
    paths = [folder / "small.db", folder / "large.db"]
    for path, size in zip(paths, (events // 10, events), strict=True):
        store = EmbeddedGraphStore(path)
        store.migrate()
        load(store, size, "embedded")
        store.close()
    small, large = (work_of(CountedPages(path), "embedded", events // 10) for path in paths)
    held = compare("embedded", small, large)
    store = EmbeddedGraphStore(paths[1])

    def floor(rows: int) -> float:
        with closing(sqlite3.connect(paths[1])) as file:
            return timed(lambda: file.execute("SELECT src, dst, via, generation FROM edge LIMIT ?", (rows,)).fetchall())

    held &= measure("embedded", store, events, floor)
    store.close()
    return held


def neo4j(folder: Path, events: int) -> bool:
    """All figures of Neo4j; the small graph is measured before it grows into the large one."""
    uri = os.environ.get("LINEAGE_TEST_NEO4J_URI") or shared_server(folder, owner=os.getpid(), heap="2g")
    store = Neo4jGraphStore(uri)
    store.migrate()
    store.clear("neo4j")
    load(store, events // 10, "neo4j")
    small = work_of(CountedHits(uri), "neo4j", events // 10)
    load(store, events, "neo4j")
    held = compare("neo4j", small, work_of(CountedHits(uri), "neo4j", events // 10))

    def floor(_: int) -> float:
        return timed(lambda: [store.cursor("none") for _ in range(20)])

    held &= measure("neo4j", store, events, floor)
    store.clear("neo4j")
    store.close()
    return held


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edges", type=int, default=1_000_000, help="500,000 or more")
    parser.add_argument("--stores", nargs="+", choices=["embedded", "neo4j"], default=["embedded", "neo4j"])
    options = parser.parse_args()
    events = options.edges // EDGES_PER_EVENT
    held = True
    with tempfile.TemporaryDirectory(prefix="weftline-bench-") as folder:
        for name in options.stores:
            print(f"{name}:")
            held &= {"embedded": embedded, "neo4j": neo4j}[name](Path(folder), events)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
