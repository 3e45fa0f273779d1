"""What a request may cost: bombs stop at the limit, honest bodies pass, other hosts do not."""

from __future__ import annotations

import asyncio
import gzip
import os
import time
import tracemalloc
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from lineage_api.ingest.parsing import document
from lineage_api.limits import LOOPBACK_NAMES, HostGate, inflate, read_body
from lineage_api.problem import Kind, Problem
from lineage_api.settings import Limits

LIMIT = 1 << 20


@given(st.binary(max_size=5000), st.sampled_from(["gzip", "zstd", "", "identity"]))
def test_inflating_gives_the_body_back(body: bytes, encoding: str) -> None:
    packed = gzip.compress(body) if encoding == "gzip" else zstandard.compress(body) if encoding == "zstd" else body
    assert inflate(packed, encoding, LIMIT) == body


def test_several_members_are_one_body() -> None:
    assert inflate(gzip.compress(b"a") + gzip.compress(b"b"), "gzip", LIMIT) == b"ab"
    assert inflate(zstandard.compress(b"a") + zstandard.compress(b"b"), "zstd", LIMIT) == b"ab"


def test_padding_between_members_is_no_content() -> None:
    padded = gzip.compress(b"a") + bytes(1 << 20) + gzip.compress(b"b") + bytes(1 << 20)
    assert inflate(padded, "gzip", LIMIT) == b"ab"


def test_a_body_of_many_members_is_one_body_up_to_a_bound() -> None:
    member = gzip.compress(b"x" * 1000)
    assert inflate(member * 1000, "gzip", LIMIT) == b"x" * 1_000_000
    empty = gzip.compress(b"")
    before = time.process_time()
    with pytest.raises(Problem) as refused:
        inflate(empty * ((16 << 20) // len(empty)), "gzip", LIMIT)
    assert refused.value.kind is Kind.TOO_LARGE
    assert "gzip members" in refused.value.detail
    assert time.process_time() - before < 5


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_costs_no_more_than_the_limit(encoding: str) -> None:
    zeros = bytes(256 << 20)
    bomb = gzip.compress(zeros, 9) if encoding == "gzip" else zstandard.compress(zeros, 19)
    del zeros
    tracemalloc.start()
    try:
        with pytest.raises(Problem) as refused:
            inflate(bomb, encoding, LIMIT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused.value.kind is Kind.TOO_LARGE
    assert peak < 8 * LIMIT


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_cut_and_damaged_bodies_are_malformed(encoding: str) -> None:
    packed = (gzip.compress if encoding == "gzip" else zstandard.compress)(os.urandom(3000))
    for damaged in (packed[: len(packed) // 2], packed[:-1], b"\x00" + packed[1:], packed + b"x"):
        with pytest.raises(Problem) as refused:
            inflate(damaged, encoding, LIMIT)
        assert refused.value.kind is Kind.MALFORMED


def test_unknown_encodings_are_named() -> None:
    with pytest.raises(Problem) as refused:
        inflate(b"x", "br", LIMIT)
    assert refused.value.kind.status == 415
    assert refused.value.errors[0]["got"] == "'br'"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"[" * 100_000 + b"]" * 100_000, 400),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, 400),
        (b"[" + b"{}," * 500_000 + b"{}]", 413),
        (b"[" + b"0," * 900_000 + b"0]", 413),
        (b'"' + b"x" * (5 << 20) + b'"', 413),
        (b'{"a": NaN}', 400),
        (b'{"a": "\\ud800"}', 400),
        (b'{"a": ' + b"9" * 5000 + b"}", 400),
        (b"", 400),
    ],
    ids=["deep array", "deep object", "many objects", "many numbers", "long", "NaN", "surrogate", "huge int", "empty"],
)
def test_documents_that_cost_too_much_are_refused(data: bytes, status: int) -> None:
    with pytest.raises(Problem) as refused:
        document(data, Limits())
    assert refused.value.kind.status == status


def drain(chunks: list[bytes], headers: list[tuple[bytes, bytes]], limit: int) -> bytes:
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages[-1]["more_body"] = False

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    return asyncio.run(read_body({"headers": headers}, receive, limit))


def test_bodies_are_counted_while_they_arrive() -> None:
    assert drain([b"ab", b"cd"], [], 4) == b"abcd"
    for chunks in ([b"abcde"], [b"ab", b"cde"]):
        with pytest.raises(Problem) as refused:
            drain(chunks, [], 4)
        assert refused.value.kind is Kind.TOO_LARGE
    with pytest.raises(Problem):
        drain([b"never read"], [(b"content-length", b"5")], 4)


def test_a_client_that_goes_away_is_a_timeout() -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    with pytest.raises(Problem) as refused:
        asyncio.run(read_body({"headers": []}, receive, 10))
    assert refused.value.kind is Kind.TIMEOUT


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        (b"127.0.0.1", True),
        (b"127.0.0.1:8642", True),
        (b"localhost:1", True),
        (b"LOCALHOST", True),
        (b"[::1]:8642", True),
        (b"[::1]", True),
        (b"evil.example", False),
        (b"evil.example:8642", False),
        (b"127.0.0.1.evil.example", False),
        (b"localhost:8642@evil.example", False),
        (b"localhost:x", False),
        (b"127.0.0.1:65535", True),
        (b"127.0.0.1:65536", False),
        (b"127.0.0.1:99999999", False),
        (b"[::1]:99999999", False),
        (b"127.0.0.1:0", False),
        (b"127.0.0.1:\xb2", False),
        (b"::1:99999", False),
        (b"", False),
        (b"\xff\xfe", False),
    ],
)
def test_only_requests_for_this_host_pass(host: bytes, passes: bool) -> None:
    seen: list[int] = []
    touched: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(1)

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    gate = HostGate(app, LOOPBACK_NAMES, touched.append)
    for _ in range(2):  # the second time comes from the memory of allowed spellings
        asyncio.run(gate({"type": "http", "headers": [(b"host", host)]}, receive, send))
    assert len(seen) == (2 if passes else 0)
    assert sum(touched) == 0
    if not passes:
        assert sent[0]["status"] == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"host", b"localhost:1"), (b"origin", b"http://localhost:1")], None),
        ([(b"host", b"localhost:1"), (b"origin", b"http://localhost:2")], 403),
        ([(b"host", b"localhost:1"), (b"origin", b"https://evil.example")], 403),
        ([(b"host", b"localhost:1"), (b"origin", b"null")], 403),
        ([(b"host", b"localhost:1"), (b"host", b"evil.example")], 421),
        ([], 421),
    ],
)
def test_pages_of_other_origins_and_doubtful_hosts_are_refused(
    headers: list[tuple[bytes, bytes]], status: int | None
) -> None:
    gate = HostGate(nobody, LOOPBACK_NAMES, lambda step: None)
    problem = gate._check(headers)
    assert (None if problem is None else problem.kind.status) == status


async def nobody(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("not called")
