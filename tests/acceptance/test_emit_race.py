"""C9: many writers in one spool, some of them killed, and two senders that race for every segment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.emit_runs import environment, python, wait_until
from fixtures.ingest_stub import IngestStub
from lineage.emit import stored
from lineage.emit.delivery import deliver
from scale import count, seeded

WRITERS = 8
KILLED = 2

SENDER = """
import sys, time
from lineage.emit.delivery import deliver
delivered = 0
while not sys.stdin.closed:
    report = deliver(sys.argv[1], sys.argv[2], None, timeout=5)
    delivered += report.delivered
    print(delivered, flush=True)
    time.sleep(0.01)
"""

WRITER = """
emitter.SEGMENT_BYTES = 100_000
acknowledged = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
sys.stdin.readline()
for i in range(int(sys.argv[1])):
    sequence = emitter.emit(event(i, padding="p" * 200))
    os.write(acknowledged, b"%s %d\\n" % (emitter.client_id().encode(), sequence))
"""


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[IngestStub]:
    with IngestStub(tmp_path / "stub.db") as running:
        yield running


@pytest.mark.full
@pytest.mark.soak
@pytest.mark.timeout(600)
def test_eight_writers_and_two_racing_senders_deliver_each_record_once(stub: IngestStub, tmp_path: Path) -> None:
    events = count("C9 records a process", ci=2_000, soak=10_000)
    rng = seeded("C9")
    spool = tmp_path / "spool"
    env = environment(spool)
    senders = [
        subprocess.Popen([sys.executable, "-c", SENDER, str(spool), stub.url], env=env, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    writers = [
        python(WRITER, env, str(events), str(tmp_path / f"acknowledged{n}"), stdin=subprocess.PIPE)
        for n in range(WRITERS)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    victims = rng.sample(range(WRITERS), KILLED)
    for number in victims:
        target = rng.randrange(events // 2)
        wait_until(lambda n=number, t=target: lines(tmp_path / f"acknowledged{n}") >= t, 60)  # type: ignore[misc]
        os.kill(writers[number].pid, signal.SIGKILL)
    for number, writer in enumerate(writers):
        writer.communicate(timeout=120)
        assert writer.returncode == (-signal.SIGKILL if number in victims else 0)
    assert wait_until(lambda: stored.segments(str(spool))[0] == [], 120)
    for sender in senders:
        sender.terminate()
        sender.communicate()
    promised = {
        (client, int(sequence))
        for number in range(WRITERS)
        for client, sequence in (line.split() for line in (tmp_path / f"acknowledged{number}").read_text().splitlines())
    }
    arrived = {(client, sequence) for client, sequence, _ in stub.rows("event")}
    assert promised <= arrived
    assert len(arrived) - len(promised) <= KILLED
    assert len(arrived) >= (WRITERS - KILLED) * events
    assert stub.gaps() == []
    assert deliver(str(spool), stub.url, None).delivered == 0
    print(f"[scale] C9: {len(arrived)} records once, {stub.duplicates} sent twice by the race")


def lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
