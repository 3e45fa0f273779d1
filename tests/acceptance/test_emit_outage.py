"""C5 and C11: a simulated three-day outage, its first hour looked at by itself, and clocks that jump."""

from __future__ import annotations

import random
import resource
import time
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from fixtures.emit_runs import event
from fixtures.ingest_stub import Ingest
from lineage.emit import spooldir, stored
from lineage.emit.delivery import Delivery, deliver
from lineage.emit.payload import encode
from lineage.emit.sender import Sender
from lineage.emit.spool import Spool
from lineage.emit.wire import Poster
from scale import count, seeded

HOUR = 3600.0
OUTAGE = 72 * HOUR
URL = "http://service.invalid"


class SimulatedClock:
    """Time that passes only when somebody sleeps; the wall clock may be made to jump."""

    def __init__(self, wall: float = 1_795_000_000.0) -> None:
        self.now = 0.0
        self.offset = wall

    def wall(self) -> float:
        return self.now + self.offset

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def ingest(tmp_path: Path) -> Iterator[Ingest]:
    running = Ingest(tmp_path / "stub.db")
    yield running
    running.close()


class Service(httpx2.BaseTransport):
    """The service as the HTTP client sees it: refuses connections until it heals."""

    def __init__(self, ingest: Ingest, clock: SimulatedClock, heals: float) -> None:
        self.attempts: list[float] = []
        self._ingest = ingest
        self._clock = clock
        self._heals = heals

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.attempts.append(self._clock.now)
        if self._clock.now < self._heals:
            raise httpx2.ConnectError("connection refused", request=request)
        status, headers, body = self._ingest.handle(request.headers, request.read())
        return httpx2.Response(status, headers=headers, stream=httpx2.ByteStream(body))


@pytest.mark.full
@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_three_days_without_a_service_lose_nothing(ingest: Ingest, tmp_path: Path) -> None:
    records = count("C5 records", ci=20_000, soak=1_000_000)
    clock = SimulatedClock()
    service = Service(ingest, clock, OUTAGE)
    root = tmp_path / "spool"
    spool = Spool([str(root)], project="a/b", destination=URL, now=clock.wall)
    payload_bytes, first_hour = 0, 0
    times = array("d", bytes(8 * records))  # all of it now: what the test keeps is not what the spool takes
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Poster(URL, lambda: None, transport=service) as poster:
        delivery = Delivery(str(root), poster, destinations=frozenset({URL}), clock=clock, rng=seeded("C5"))
        for number in range(records):
            due = OUTAGE * number / records
            while clock.now < due:  # the sender's tries go on while records come in
                outcome = delivery.round(clock.now + 60)
                clock.sleep(min(max(outcome.pause, 0.05), due - clock.now))
            payload = encode(event(number, padding="p" * 300), 1 << 20)
            payload_bytes += len(payload)
            started = time.perf_counter()
            assert spool.append(payload) == number + 1
            times[number] = time.perf_counter() - started
            first_hour += clock.now < HOUR
        assert ingest.stored() == 0
        assert spooldir.used_bytes(str(root)) <= 1.2 * payload_bytes
        spool.seal()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
        while stored.segments(str(root))[0] and clock.now < OUTAGE + 4 * HOUR:
            outcome = delivery.round(clock.now + 60)
            clock.sleep(outcome.pause if not outcome.moved else 0)
    numbers = Counter(body["number"] for body in ingest.events())
    assert first_hour > 100
    assert sum(numbers[number] for number in range(first_hour)) == first_hour
    assert numbers == Counter(range(records))
    assert ingest.gaps() == []
    assert stored.segments(str(root))[0] == []
    assert sorted(times)[len(times) * 99 // 100] <= 1e-3
    assert grown <= 20 * 1024
    healed = next(at for at in service.attempts if at >= OUTAGE)
    assert healed - OUTAGE <= 31
    assert len(service.attempts) <= OUTAGE / 10  # polite to a service that is down


def test_the_sender_itself_gives_up_after_a_week_and_leaves_everything(ingest: Ingest, tmp_path: Path) -> None:
    clock = SimulatedClock()
    spool = Spool([str(tmp_path)], project="a/b", destination="http://127.0.0.1:9", now=clock.wall)
    spool.append(encode(event(1), 1 << 20))
    Sender(str(tmp_path), "http://127.0.0.1:9", lambda: None, idle=30, clock=Hurried(clock)).run()
    assert 6.9 * 24 * HOUR <= clock.now <= 7.2 * 24 * HOUR
    status = spooldir.load_state(str(tmp_path), "http://127.0.0.1:9")
    assert status is not None
    assert status.unreachable_since is not None
    assert len(stored.segments(str(tmp_path))[0]) == 1


class Hurried:
    """Sleeps an hour whenever it is asked to sleep."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock

    def wall(self) -> float:
        return self._clock.wall()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(HOUR)


@pytest.mark.parametrize(
    "jump", [-86_400.0, 10 * 365 * 86_400.0, 3600.0, -3600.0], ids=["a day back", "ten years on", "DST on", "DST off"]
)
def test_order_and_delivery_do_not_depend_on_the_wall_clock(jump: float, ingest: Ingest, tmp_path: Path) -> None:
    clock = SimulatedClock()
    service = Service(ingest, clock, heals=10.0)
    spool = Spool([str(tmp_path)], project="a/b", destination=URL, now=clock.wall, segment_bytes=4_000)
    for number in range(100):
        if number == 50:
            clock.offset += jump
        spool.append(encode(event(number), 1 << 20))
    clock.offset -= jump / 2
    report = deliver(str(tmp_path), URL, None, clock=clock, transport=service, rng=random.Random(5), timeout=600)
    assert (report.left, report.reason) == (0, None)
    sequences = {sequence: body["number"] for _, sequence, body in ingest.rows("event")}
    assert sequences == {number + 1: number for number in range(100)}


def test_a_frozen_wall_clock_delays_nothing(ingest: Ingest, tmp_path: Path) -> None:
    class Frozen(SimulatedClock):
        def wall(self) -> float:
            return 1_000_000_000.0

    clock = Frozen()
    spool = Spool([str(tmp_path)], project="a/b", destination=URL, now=clock.wall)
    for number in range(20):
        spool.append(encode(event(number), 1 << 20))
    service = Service(ingest, clock, heals=3.0)
    assert deliver(str(tmp_path), URL, None, clock=clock, transport=service, timeout=600).left == 0
    assert [body["number"] for body in ingest.events()] == list(range(20))
