"""S11 end to end: a cycle, a wide fan-out and a long chain answer in two seconds or hand out a cursor.

The full 100,000 and 10,000 over both stores are in `contract/test_traversal_bounds.py`; here they are events, and take
as long to send as events do.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.asking import Project
from fixtures.run_shapes import dataset, run_event, run_id, version
from fixtures.server import serving
from scale import count

Json = dict[str, Any]
SECONDS = 2.0
SLACK = 2.0  # other work on a machine of two cores; the walk itself stops at SECONDS


pytestmark = [pytest.mark.full, pytest.mark.soak, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def width() -> int:
    """How many versions one run wrote."""
    return count("S11 fan-out end to end", ci=10_000, soak=100_000)


@pytest.fixture(scope="module")
def length() -> int:
    """How many runs follow one another."""
    return count("S11 chain end to end", ci=2_000, soak=10_000)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, width: int, length: int) -> Iterator[Project]:
    """A server that holds the fan-out, the chain and the cycle."""
    with serving(tmp_path_factory.mktemp("bounds") / "data") as server:
        found = Project(server, "bounds/one")
        _load(found, fan_out(width))
        _load(found, chain(length))
        _load(found, cycle())
        server.settle(1500)
        yield found


def fan_out(width: int) -> Iterator[Json]:
    """One version that a run read, which wrote many others, some thousand an event."""
    size = 5_000
    yield run_event("START", 0, "spread", 1, inputs=[dataset("origin", **version("1"))])
    for first in range(0, width, size):
        parts = [{"namespace": "warehouse", "name": f"part{n}"} for n in range(first, first + size)]
        yield run_event("RUNNING", 1 + first // size, "spread", 1, outputs=parts)
    yield run_event("COMPLETE", 100, "spread", 1)


def chain(length: int) -> Iterator[Json]:
    """Runs, each on what the one before wrote."""
    for n in range(length):
        inputs, outputs = [dataset(f"link{n}", **version("1"))], [dataset(f"link{n + 1}", **version("1"))]
        yield run_event("COMPLETE", 200, "step", 1_000 + n, inputs=inputs, outputs=outputs)


def cycle() -> Iterator[Json]:
    """Three runs in a ring."""
    for n in range(3):
        inputs, outputs = [dataset(f"ring{n}", **version("1"))], [dataset(f"ring{(n + 1) % 3}", **version("1"))]
        yield run_event("COMPLETE", 300, "turn", 500_000 + n, inputs=inputs, outputs=outputs)


def _load(project: Project, events: Iterator[Json]) -> None:
    """Some thousand events a request, so that the projector gets them in large batches too."""
    batch: list[Json] = []
    for event in events:
        batch.append(event)
        if len(batch) == 2_000:
            project.send_unsettled(*batch)
            batch.clear()
    project.send_unsettled(*batch)


def version_of(project: Project, name: str, value: str = "1") -> str:
    return project.resolve(kind="dataset", namespace="warehouse", name=name, version=value)


def timed(project: Project, path: str, **params: Any) -> Json:
    begin = time.monotonic()
    answer = project.get(path, **params)
    took = time.monotonic() - begin
    assert took <= SECONDS + SLACK, f"{path} {params} took {took:.1f} s"
    return answer


@pytest.mark.parametrize("granularity", ["version", "run", "job", "dataset"])
def test_a_fan_out_is_paged(project: Project, width: int, granularity: str) -> None:
    origin = version_of(project, "origin")
    answer = timed(project, "/lineage", root=origin, direction="down", granularity=granularity)
    assert answer["completeness"]["truncated"]
    following = timed(
        project, "/lineage", root=origin, direction="down", granularity=granularity, cursor=answer["next_cursor"]
    )
    if granularity == "version":
        placed = [{node["id"] for node in page["nodes"] if node["depth"] is not None} for page in (answer, following)]
        assert (len(placed[0]), len(placed[1])) == (1000, 1000)
        assert not placed[0] & placed[1]
        assert max(folded["down"] for folded in answer["hidden"].values()) > width - 2_000


def test_one_of_many_siblings_has_one_parent(project: Project) -> None:
    answer = timed(project, "/lineage", root=version_of(project, "part7777", run_id(1)), direction="up")
    assert {node["name"] for node in answer["nodes"] if node["kind"] == "DatasetVersion"} == {"part7777", "origin"}
    assert not answer["completeness"]["truncated"]


def test_impact_runs_and_nodes_of_a_fan_out_are_bounded(project: Project) -> None:
    origin = version_of(project, "origin")
    impact = timed(project, "/impact", root=origin)
    assert len(impact["versions"]) <= 1000
    assert impact["completeness"]["truncated"]
    assert impact["next_cursor"]
    (run,) = timed(project, "/runs", job="spread")["items"]
    detail = timed(project, f"/runs/{run['id']}")
    assert detail["completeness"]["truncated"]
    assert len(detail["edges"]) <= 2_100
    timed(project, f"/nodes/{run['id']}")


def test_a_chain_is_walked_to_its_end_by_cursors(project: Project, length: int) -> None:
    root = version_of(project, f"link{length}")
    seen: set[str] = set()
    answer = timed(project, "/lineage", root=root, direction="up", depth=100_000)
    pages = 1
    while True:
        seen.update(node["name"] for node in answer["nodes"] if node["kind"] == "DatasetVersion")
        cursor = answer["next_cursor"]
        assert answer["completeness"]["truncated"] is (cursor is not None)
        if cursor is None:
            break
        assert pages < 200
        answer = timed(project, "/lineage", root=root, direction="up", depth=100_000, cursor=cursor)
        pages += 1
    assert len(seen) == length + 1
    print(f"chain of {length}: {pages} pages")


@pytest.mark.parametrize("direction", ["up", "down", "both"])
def test_a_cycle_ends(project: Project, direction: str) -> None:
    answer = timed(project, "/lineage", root=version_of(project, "ring0"), direction=direction)
    assert sum(node["kind"] == "Run" for node in answer["nodes"]) == 3
    assert not answer["completeness"]["truncated"]
    assert answer["next_cursor"] is None


def test_a_client_that_goes_away_frees_its_reader_within_a_second(project: Project) -> None:
    origin = version_of(project, "origin")
    connections = []
    for _ in range(40):  # more than there are readers
        connection = socket.create_connection(("127.0.0.1", project.server.port))
        path = f"/api/v1/lineage?root={origin}&direction=down&granularity=dataset"
        head = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{project.server.port}\r\nLineage-Project: {project.name}\r\n\r\n"
        )
        connection.sendall(head.encode())
        connections.append(connection)
    for connection in connections:
        connection.close()
    begin = time.monotonic()
    project.get("/runs", limit=1)
    assert time.monotonic() - begin <= SECONDS + SLACK
