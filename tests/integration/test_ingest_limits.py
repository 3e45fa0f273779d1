"""A23: requests made to hurt are refused within a second, cost little memory, and others go on unhindered."""

from __future__ import annotations

import functools
import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from fixtures.run_shapes import run_event
from fixtures.server import Server, eventually, serving

MEMORY = 64 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("limits") / "data") as running:
        for number in range(50):
            assert running.post(run_event("START", number, "warm", number), wait=number == 49).status_code == 201
        yield running


def resident(server: Server) -> int:
    assert server.process is not None
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def head(server: Server, *lines: str) -> bytes:
    start = [f"POST /api/v1/lineage HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json"]
    return ("\r\n".join([*start, *lines]) + "\r\n\r\n").encode()


def status_of(connection: socket.socket) -> int:
    received = b""
    while b"\r\n" not in received:
        part = connection.recv(4096)
        if not part:
            raise AssertionError(f"closed after {received!r}")
        received += part
    return int(received.split(b" ", 2)[1])


@functools.cache
def bombs() -> dict[str, tuple[bytes, dict[str, str], int]]:
    zeros = bytes(200 << 20)
    event = json.dumps(run_event("START", 1, "bomb", 1)).encode()
    lines = b"\n".join([event] * 200_000)
    ndjson = "application/x-ndjson"
    return {
        "gzip bomb": (gzip.compress(zeros, 9), {"Content-Encoding": "gzip"}, 413),
        "zstd bomb": (zstandard.compress(zeros, 3), {"Content-Encoding": "zstd"}, 413),
        "bomb of lines": (zstandard.compress(lines, 3), {"Content-Encoding": "zstd", "Content-Type": ndjson}, 413),
        "deep JSON": (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, {}, 400),
        "deep arrays": (b"[" * 300_000, {}, 400),
        "a million tags": (json.dumps({"tags": [{"k": 1}] * 1_000_000}).encode(), {}, 413),
        "many empty objects": (b"[" + b"{}," * 1_300_000 + b"{}]", {}, 413),
        "too many items": (b"1\n" * 200_000, {"Content-Type": ndjson}, 413),
        "zstd of empty blocks": (
            zstandard.compress(b"")[:5] + b"\0\0\0" * 4_000_000,
            {"Content-Encoding": "zstd"},
            400,
        ),
    }


@pytest.mark.parametrize("name", sorted(bombs()))
def test_a_body_made_to_hurt_is_refused_at_once(server: Server, name: str) -> None:
    body, headers, status = bombs()[name]
    before = resident(server)
    begin = time.monotonic()
    answer = server.client.post(
        "/api/v1/lineage/batch", content=body, headers={"Content-Type": "application/json"} | headers
    )
    assert answer.status_code == status, answer.text[:300]
    assert time.monotonic() - begin < 2
    assert resident(server) - before <= MEMORY


def test_questions_are_bounded_too(server: Server) -> None:
    before = resident(server)
    answer = server.client.post("/api/v1/policy/check", json={"model": "x" * (40 << 20)})
    assert answer.status_code == 413, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert resident(server) - before <= MEMORY


def test_a_gigabyte_is_refused_before_it_is_sent(server: Server) -> None:
    with connect(server) as connection:
        begin = time.monotonic()
        connection.sendall(head(server, f"Content-Length: {1 << 30}"))
        assert status_of(connection) == 413
        assert time.monotonic() - begin < 1


def test_a_gigabyte_in_chunks_is_cut_off(server: Server) -> None:
    before = resident(server)
    chunk = b"%x\r\n%b\r\n" % (1 << 20, bytes(1 << 20))
    with connect(server) as connection:
        connection.sendall(head(server, "Transfer-Encoding: chunked"))
        sent = 0
        try:
            for _ in range(1024):
                connection.sendall(chunk)
                sent += 1
        except OSError:
            pass  # it closed on us, as it should
    assert sent < 200
    assert resident(server) - before <= MEMORY


@pytest.mark.parametrize("count", [200, 100_000])
def test_too_many_headers_are_refused(server: Server, count: int) -> None:
    before = resident(server)
    with connect(server) as connection:
        begin = time.monotonic()
        try:
            connection.sendall(head(server, *(f"X-{number}: x" for number in range(count)), "Content-Length: 0"))
        except OSError:
            pass
        assert status_of(connection) == 431
        assert time.monotonic() - begin < 1
    assert resident(server) - before <= MEMORY


def test_one_endless_header_is_refused(server: Server) -> None:
    with connect(server) as connection:
        begin = time.monotonic()
        try:
            connection.sendall(head(server, "X-Long: " + "x" * (8 << 20)))
        except OSError:
            pass
        assert status_of(connection) == 431
        assert time.monotonic() - begin < 1


@pytest.mark.full
@pytest.mark.parametrize("part", ["head", "body"])
def test_a_client_that_drips_is_cut_off_while_others_are_served(server: Server, part: str) -> None:
    whole = (
        head(server, "X-Slow: " + "x" * 400) if part == "head" else head(server, "Content-Length: 4000") + b"x" * 4000
    )
    limit = 10.0 if part == "head" else 30.0
    connections = [connect(server) for _ in range(20)]
    begin = time.monotonic()
    statuses: list[int] = []

    def drip(connection: socket.socket) -> None:
        at = 0 if part == "head" else len(whole) - 4000
        connection.sendall(whole[:at])
        try:
            while at < len(whole) and time.monotonic() - begin < limit + 10:
                connection.sendall(whole[at : at + 1])
                at += 1
                connection.settimeout(0.2)
                try:
                    received = connection.recv(100)
                    statuses.append(int(received.split(b" ", 2)[1]) if received else 0)
                    return
                except TimeoutError:
                    continue
        except OSError:
            statuses.append(0)

    threads = [threading.Thread(target=drip, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()
    served: list[float] = []
    number = 0
    while any(thread.is_alive() for thread in threads):
        start = time.monotonic()
        number += 1
        assert server.post(run_event("START", number % 3000, f"beside-{part}", number)).status_code == 201
        served.append(time.monotonic() - start)
        time.sleep(0.02)  # a steady trickle, not a flood of its own
    for thread in threads:
        thread.join()
    for connection in connections:
        connection.close()
    assert len(statuses) == 20
    assert set(statuses) <= {408, 0}
    assert 408 in statuses
    assert time.monotonic() - begin < limit + 5
    assert sorted(served)[int(len(served) * 0.95)] < 0.5


def test_a_connection_that_says_nothing_hinders_nobody(server: Server) -> None:
    connections = [connect(server) for _ in range(100)]
    try:
        assert server.post(run_event("START", 7, "quiet", 7)).status_code in (200, 201)
    finally:
        for connection in connections:
            connection.close()


def test_bombs_side_by_side_leave_others_their_answers(server: Server) -> None:
    body, headers, _ = bombs()["zstd bomb"]
    done: list[Any] = []

    def throw() -> None:
        with connect(server) as connection:
            lines = [f"{name}: {value}" for name, value in headers.items()]
            connection.sendall(head(server, *lines, f"Content-Length: {len(body)}") + body)
            done.append(status_of(connection))

    before = resident(server)
    threads = [threading.Thread(target=throw) for _ in range(16)]
    for thread in threads:
        thread.start()
    slowest = 0.0
    for number in range(50):
        begin = time.monotonic()
        assert server.post(run_event("START", number, "beside-bombs", number)).status_code in (200, 201)
        slowest = max(slowest, time.monotonic() - begin)
    for thread in threads:
        thread.join()
    assert done == [413] * 16
    assert slowest < 2
    assert resident(server) - before <= 2 * MEMORY
    eventually(lambda: server.client.get("/readyz").status_code == 200, 10, "readiness")
