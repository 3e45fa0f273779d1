"""C16 and C4: the end of a process is bounded and says what is left; odd machines get a spool somewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.emit_runs import PRELUDE, end_senders, environment, records, run, wait_until
from fixtures.fault_proxy import refused_port
from fixtures.ingest_stub import IngestStub
from lineage.emit import stored
from lineage.emit.ending import file_system
from lineage.emit.lease import holder

MEMORY_DISK = Path("/dev/shm")
EMIT = "for i in range(100): emitter.emit(event(i))\n"


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[IngestStub]:
    with IngestStub(tmp_path / "stub.db") as running:
        yield running


@pytest.fixture
def volatile(tmp_path: Path) -> Iterator[Path]:
    """A spool folder on a file system that is only memory."""
    folder = MEMORY_DISK / f"lineage-test-{os.getpid()}-{tmp_path.name}"
    assert file_system(str(MEMORY_DISK)) == "tmpfs"
    yield folder / "spool"
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def timed(program: str, env: dict[str, str]) -> tuple[subprocess.CompletedProcess[str], float]:
    started = time.monotonic()
    return run(program, env), time.monotonic() - started


def test_on_a_disk_the_end_does_not_wait_for_a_dead_service(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{refused_port()}"
    plain = timed(EMIT, environment(tmp_path / "spool", LINEAGE_DISABLED="1"))
    done, seconds = timed(EMIT, environment(tmp_path / "spool", url))
    assert (done.returncode, done.stderr) == (0, "")
    assert seconds - plain[1] < 1.5
    assert len(list(records(tmp_path / "spool"))) == 100
    assert wait_until(lambda: holder(str(tmp_path / "spool"), url) is not None, 20)
    end_senders(tmp_path / "spool", url)


@pytest.mark.full
def test_on_a_memory_disk_the_end_waits_as_long_as_allowed_and_says_what_is_left(volatile: Path) -> None:
    url = f"http://127.0.0.1:{refused_port()}"
    done, seconds = timed(EMIT, environment(volatile, url, LINEAGE_EXIT_TIMEOUT="1.5"))
    assert done.returncode == 0
    assert 1.5 <= seconds <= 4.5
    (said,) = done.stderr.splitlines()
    assert "100 records were not delivered within 1.5 s" in said
    assert "tmpfs" in said
    assert "LINEAGE_SPOOL_DIR" in said
    end_senders(volatile, url)


def test_the_end_may_be_told_not_to_wait_at_all(volatile: Path) -> None:
    url = f"http://127.0.0.1:{refused_port()}"
    done, seconds = timed(EMIT, environment(volatile, url, LINEAGE_EXIT_TIMEOUT="0"))
    assert done.returncode == 0
    assert seconds < 2.0
    assert "100 records were not delivered within 0 s" in done.stderr
    wait_until(lambda: holder(str(volatile), url) is not None, 5)
    end_senders(volatile, url)


@pytest.mark.full
def test_on_a_memory_disk_everything_is_delivered_before_the_end(stub: IngestStub, volatile: Path) -> None:
    done, _ = timed(EMIT, environment(volatile, stub.url))
    assert (done.returncode, done.stderr) == (0, "")
    assert stub.stored() == 100
    end_senders(volatile, stub.url)


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="a pid namespace needs root")
def test_as_pid_1_everything_is_delivered_before_the_container_ends(stub: IngestStub, tmp_path: Path) -> None:
    program = PRELUDE + "assert os.getpid() == 1\n" + EMIT
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", program],
        env=environment(tmp_path / "spool", stub.url),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert stub.stored() == 100


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="a pid namespace needs root")
def test_what_a_container_left_is_taken_by_the_next_one(stub: IngestStub, tmp_path: Path) -> None:
    env = environment(tmp_path / "spool", f"http://127.0.0.1:{refused_port()}", LINEAGE_EXIT_TIMEOUT="0.2")
    container = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c"]
    first = subprocess.run([*container, PRELUDE + EMIT], env=env, capture_output=True, text=True, timeout=60)
    assert "100 records were not delivered" in first.stderr
    for segment in stored.segments(str(tmp_path / "spool"))[0]:
        assert segment.is_finished(time.time()) is True
    again = (
        PRELUDE + "from lineage.emit.delivery import deliver\nprint(deliver(sys.argv[1], sys.argv[2], None).delivered)"
    )
    second = subprocess.run(
        [*container, again, str(tmp_path / "spool"), stub.url], env=env, capture_output=True, text=True, timeout=60
    )
    assert second.stdout == "100\n", second.stderr
    assert stored.segments(str(tmp_path / "spool"))[0] == []


@pytest.mark.full
def test_a_spool_deleted_at_the_end_hangs_nothing_and_loses_nothing_unsaid(stub: IngestStub, tmp_path: Path) -> None:
    program = """
import shutil
emitter.SEGMENT_BYTES = 10_000
for i in range(100): emitter.emit(event(i))
assert emitter.sync(5)
while os.path.exists(os.environ["LINEAGE_SPOOL_DIR"]):  # the sender may be writing in it
    shutil.rmtree(os.environ["LINEAGE_SPOOL_DIR"], ignore_errors=True)
"""
    spool = tmp_path / "spool"
    done, seconds = timed(program, environment(spool, stub.url))
    assert done.returncode == 0, done.stderr
    assert seconds < 10
    assert "deleted while in use" in done.stderr

    def accounted() -> bool:
        told = {n for gap in stub.gaps() for n in range(gap["first"], gap["last"] + 1)}
        arrived = {sequence for _, sequence, _ in stub.rows("event")}
        return told | arrived >= set(range(1, 101))

    assert wait_until(accounted, 30)
    assert {gap["reason"] for gap in stub.gaps()} <= {"spool_deleted"}
    end_senders(spool, stub.url)


def test_a_spool_that_cannot_be_written_moves_to_the_temporary_directory_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "in-the-way").write_text("a file")
    env = environment(tmp_path / "in-the-way", TMPDIR=str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    done = run(EMIT + "print('the result')", env)
    assert (done.returncode, done.stdout) == (0, "the result\n")
    elsewhere = tmp_path / "tmp" / f"lineage-spool-{os.getuid()}"
    assert len(list(records(elsewhere))) == 100
    assert str(elsewhere) in done.stderr
    assert elsewhere.stat().st_mode & 0o777 == 0o700


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="a read-only mount needs root; chmod proves nothing as root")
def test_a_read_only_home_without_home_in_a_deleted_folder_still_delivers(stub: IngestStub, tmp_path: Path) -> None:
    sealed, gone = tmp_path / "sealed", tmp_path / "gone"
    sealed.mkdir()
    gone.mkdir()
    program = f"os.rmdir({str(gone)!r})\n" + EMIT + "print('the result')"
    env = environment(sealed / "spool", stub.url, TMPDIR=str(sealed))
    env.pop("HOME", None)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(sealed)], check=True)
    try:
        done = subprocess.run(
            [sys.executable, "-c", PRELUDE + program], env=env, cwd=gone, capture_output=True, text=True, timeout=60
        )
    finally:
        subprocess.run(["umount", str(sealed)], check=True)
    assert (done.returncode, done.stdout) == (0, "the result\n"), done.stderr
    assert "records stay in memory" in done.stderr
    assert stub.stored() == 100  # from memory, before the end


def test_a_process_with_nothing_to_say_leaves_nothing_behind(tmp_path: Path) -> None:
    done = run("", environment(tmp_path / "spool", "http://127.0.0.1:9"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "spool").exists()
