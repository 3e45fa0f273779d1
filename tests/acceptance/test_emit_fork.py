"""C8: children by fork, spawn and forkserver, ending in every way: nothing is lost, nothing about them changes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import forking
from fixtures.emit_runs import end_senders, environment, run, wait_until
from fixtures.ingest_stub import IngestStub
from lineage.emit import stored
from scale import count

METHODS = ["fork", "spawn", "forkserver"]
ENDINGS = [
    "return",
    "sys.exit",
    "os._exit",
    "SIGTERM",
    "SIGINT",
    "SIGKILL",
    "exception",
    "daemon thread",
    "interpreter shutdown",
]
LONGEST_DELAY = 2.0
TESTS = Path(forking.__file__).parents[1]


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[IngestStub]:
    with IngestStub(tmp_path / "stub.db") as running:
        yield running


def launch(method: str, ending: str, env: dict[str, str], acknowledged: Path) -> tuple[int, str, str, float]:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "fixtures.forking", method, ending, str(acknowledged)],
        env=env | {"PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout, anonymous(done.stderr), time.monotonic() - started


def anonymous(text: str) -> str:
    """Tracebacks without what differs from run to run: process names, and code positions of an interruption."""
    text = re.sub(r"ForkServerProcess-\d+|ForkProcess-\d+|SpawnProcess-\d+|Process-\d+", "P", text)
    return re.sub(r'  File ".*?", line \d+, in .*\n(    .*\n)*', "", text)


@pytest.mark.full
@pytest.mark.soak
@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("method", METHODS)
def test_every_cell(method: str, ending: str, stub: IngestStub, tmp_path: Path) -> None:
    rounds = count(f"C8 {method} {ending}", ci=1, soak=100)
    spool = tmp_path / "spool"
    plain = launch(method, ending, environment(spool, LINEAGE_DISABLED="1"), tmp_path / "nothing")
    for number in range(rounds):
        acknowledged = tmp_path / f"acknowledged{number}"
        tracked = launch(method, ending, environment(spool, stub.url), acknowledged)
        assert tracked[:3] == plain[:3]
        assert tracked[3] - plain[3] <= LONGEST_DELAY
        promised = {
            (client, int(sequence))
            for client, sequence in (line.split() for line in acknowledged.read_text().splitlines())
        }
        assert len(promised) >= 10 + forking.EMITS
        # Parent and child; what a finaliser emits after the end of the program has a client of its own.
        assert len({client for client, _ in promised}) == (3 if (method, ending) == ("spawn", ENDINGS[-1]) else 2)

        def arrived(promised: set[tuple[str, int]] = promised) -> bool:
            return promised <= {(client, sequence) for client, sequence, _ in stub.rows("event")}

        assert wait_until(arrived, 20)
    assert stub.gaps() == []
    end_senders(spool, stub.url)


@pytest.mark.full
def test_a_raw_fork_in_the_middle_of_threads_that_emit_hangs_nobody(stub: IngestStub, tmp_path: Path) -> None:
    program = """
stop = threading.Event()
def work():
    while not stop.is_set(): emitter.emit(event(1))
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
pids = []
for i in range(40):
    pid = os.fork()
    if pid == 0:
        for n in range(20): assert emitter.emit(event(n), terminal_of_root=n == 19) == n + 1
        os._exit(0)
    pids.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
stop.set()
for thread in threads: thread.join()
print(codes)
"""
    spool = tmp_path / "spool"
    done = run(program, environment(spool, stub.url), seconds=60)
    assert (done.returncode, done.stdout) == (0, f"{[0] * 40}\n"), done.stderr
    assert wait_until(lambda: stored.segments(str(spool))[0] == [], 60)
    by_client: dict[str, set[int]] = {}
    for client, sequence, _ in stub.rows("event"):
        by_client.setdefault(client, set()).add(sequence)
    assert len(by_client) == 41
    assert sum(len(sequences) == 20 for sequences in by_client.values()) >= 40
    assert all(sequences == set(range(1, max(sequences) + 1)) for sequences in by_client.values())
    end_senders(spool, stub.url)


def test_a_child_that_never_emits_writes_nothing(tmp_path: Path) -> None:
    program = """
emitter.emit(event(1))
pid = os.fork()
if pid == 0: sys.exit(0)
os.waitpid(pid, 0)
"""
    spool = tmp_path / "spool"
    done = run(program, environment(spool))
    assert (done.returncode, done.stderr) == (0, "")
    found, _ = stored.segments(str(spool))
    assert len(found) == 1
    assert found[0].header.writer.pid != os.getpid()
