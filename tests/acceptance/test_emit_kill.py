"""C1: SIGKILL at any moment loses nothing that `emit` returned for, and leaves no spool that cannot be read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.emit_runs import PRELUDE, end_senders, environment, python, records, run, wait_until
from fixtures.ingest_stub import IngestStub
from lineage.emit import stored
from lineage.emit.delivery import deliver
from lineage.emit.lease import holder
from scale import count, seeded

# Forks fresh children from a process that has emitted nothing; each child says what was acknowledged to it and is
# killed:
# half by the parent at a random time, half by itself right before, inside or after one of its system calls.
NURSERY = (
    PRELUDE
    + r"""
import json, random
from lineage.emit.files import Files

class Deadly(Files):
    def __init__(self, turn, where):
        self.turn, self.where = turn, where

    def strike(self, call, *arguments, torn=None):
        self.turn -= 1
        if self.turn == 0 and self.where == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.turn == 0 and self.where == "inside" and torn is not None:
            torn()
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*arguments)
        if self.turn == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    def make_folder(self, path):
        return self.strike(super().make_folder, path)

    def open_new(self, path):
        return self.strike(super().open_new, path)

    def write(self, fd, data):
        half = bytes(data)[: len(data) // 2]
        return self.strike(super().write, fd, data, torn=lambda: os.write(fd, half))

    def sync(self, fd):
        return self.strike(super().sync, fd)

    def sync_folder(self, path):
        return self.strike(super().sync_folder, path)

def child(fd, files):
    if files is not None:
        emitter._sink = emitter.SpoolSink(files)
    for number in range(100_000):
        sequence = emitter.emit(event(number, padding="p" * (number * 37 % 900)), terminal_of_root=number % 7 == 3)
        os.write(fd, b"%d\n" % sequence)

rng = random.Random(sys.argv[2])
for number in range(int(sys.argv[1])):
    by_itself = number % 2
    turn, where = rng.randrange(1, 60), rng.choice(["before", "inside", "after"])
    lines, delay = rng.randrange(0, 60), rng.random() * 0.002
    receiving, sending = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(receiving)
        child(sending, Deadly(turn, where) if by_itself else None)
    os.close(sending)
    acknowledged = b""
    while True:
        if not by_itself and acknowledged.count(b"\n") >= lines:
            time.sleep(delay)
            os.kill(pid, signal.SIGKILL)
        piece = os.read(receiving, 65536)
        if not piece:
            break
        acknowledged += piece
    os.close(receiving)
    _, status = os.waitpid(pid, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL, status
    told = [int(line) for line in acknowledged.split(b"\n")[:-1]]
    print(json.dumps({"pid": pid, "acknowledged": told}), flush=True)
"""
)


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[IngestStub]:
    with IngestStub(tmp_path / "stub.db") as running:
        yield running


@pytest.mark.full
@pytest.mark.soak
@pytest.mark.timeout(600)
def test_sigkill_at_any_point_loses_nothing_acknowledged(stub: IngestStub, tmp_path: Path) -> None:
    kills = count("C1", ci=200, soak=2000)
    seed = str(seeded("C1").random())
    spool = tmp_path / "spool"
    done = subprocess.run(
        [sys.executable, "-c", NURSERY, str(kills), seed],
        env=environment(spool),
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    victims = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(victims) == kills

    found, refused = stored.segments(str(spool))
    whole_headers = {segment.header.writer.pid: segment.header.client for segment in found}
    for path in refused:  # killed between creating the file and writing its header: nothing was acknowledged yet
        assert os.path.getsize(path) < 200
    report = deliver(str(spool), stub.url, None, timeout=300)
    assert (report.left, report.dead) == (0, 0)
    assert stub.gaps() == []
    stored_sequences: dict[str, set[int]] = {}
    for client, sequence, _ in stub.rows("event"):
        stored_sequences.setdefault(client, set()).add(sequence)
    acknowledged = 0
    for victim in victims:
        told = {sequence for sequence in victim["acknowledged"] if sequence > 0}
        acknowledged += len(told)
        if told:
            assert told <= stored_sequences[whole_headers[victim["pid"]]]
    for sequences in stored_sequences.values():
        assert sequences == set(range(1, max(sequences) + 1))
    assert stub.duplicates == 0
    assert acknowledged > kills * 5
    assert stored.segments(str(spool))[0] == []


@pytest.mark.full
def test_the_sender_survives_sigkill_of_the_whole_process_group(stub: IngestStub, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    env = environment(spool, stub.url, LINEAGE_SENDER_IDLE="5")
    program = """
for i in range(200): emitter.emit(event(i))
print("ready", flush=True)
for i in range(200, 100_000):
    emitter.emit(event(i))
    time.sleep(0.001)
"""
    process = python(program, env, start_new_session=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    assert wait_until(lambda: holder(str(spool), stub.url) is not None, 20)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    process.communicate()
    assert wait_until(lambda: stored.segments(str(spool))[0] == [], 20)
    sequences = [sequence for _, sequence, _ in stub.rows("event")]
    assert sorted(sequences) == list(range(1, max(sequences) + 1))
    assert max(sequences) >= 200
    end_senders(spool, stub.url)


@pytest.mark.full
def test_what_a_killed_process_left_is_sent_by_the_next_one(stub: IngestStub, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    program = """
for i in range(300): emitter.emit(event(i))
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = run(program, environment(spool, stub.url, PATH="/nonexistent", LINEAGE_SENDER_IDLE="0.2"))
    assert killed.returncode == -signal.SIGKILL
    left_behind = len(list(records(spool)))
    assert left_behind + stub.stored() >= 300
    assert run("emitter.emit(event(1000))", environment(spool, stub.url)).returncode == 0
    assert stub.wait_for(301) == 301
    assert wait_until(lambda: stored.segments(str(spool))[0] == [], 20)
    end_senders(spool, stub.url)
