"""C3: each call into the operating system fails in turn; the task notices nothing, the records add up."""

from __future__ import annotations

import errno
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.emit_runs import environment, event, records, run
from lineage import diagnostics
from lineage.emit import emitter
from lineage.emit.files import Files
from lineage.emit.record import RecordType
from lineage.emit.spool import DROPPED

EMITS = 12
SHORT = -1
CODES = {name: getattr(errno, name) for name in ("ENOSPC", "EIO", "EDQUOT", "EMFILE", "ESTALE", "ENOLCK", "EROFS")}


class Failing(Files):
    """Lets calls number `first` to `first + length - 1` fail."""

    def __init__(self, code: int, first: int, length: int) -> None:
        self.calls = 0
        self.hit = 0
        self._code = code
        self._window = range(first, first + length)

    def _turn(self) -> bool:
        self.calls += 1
        if self.calls in self._window:
            self.hit += 1
            if self._code != SHORT:
                raise OSError(self._code, os.strerror(self._code))
            return True
        return False

    def make_folder(self, path: str) -> None:
        self._turn()
        super().make_folder(path)

    def open_new(self, path: str) -> int:
        self._turn()
        return super().open_new(path)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        if self._turn():
            return super().write(fd, bytes(data)[: max(1, len(data) // 3)])
        return super().write(fd, data)

    def size(self, fd: int) -> int:
        self._turn()
        return super().size(fd)

    def truncate(self, fd: int, length: int) -> None:
        self._turn()
        super().truncate(fd, length)

    def sync(self, fd: int) -> None:
        self._turn()
        super().sync(fd)

    def linked(self, fd: int, path: str) -> bool:
        self._turn()
        return super().linked(fd, path)


def task(sink: emitter.Sink) -> tuple[str, list[int]]:
    """A user's function: what it returns must not depend on the disk."""
    taken = []
    with emitter.use(sink):
        for number in range(EMITS):
            taken.append(emitter.emit(event(number), terminal_of_root=number in (4, EMITS - 1)))
        with pytest.raises(ZeroDivisionError):
            emitter.emit(event(0, value=1 / 0))
    return "the result", taken


def add_up(roots: list[Path], taken: list[int], said: list[str]) -> None:
    """Every record is in the spool or in a gap, and nothing is there twice with different content."""
    found: dict[int, bytes] = {}
    lost: set[int] = set()
    for _, record in (pair for root in roots for pair in records(root)):
        assert found.setdefault(record.sequence, record.payload) == record.payload
        if record.type == RecordType.GAP:
            gap = json.loads(record.payload)
            assert gap["count"] == gap["last"] - gap["first"] + 1
            lost |= set(range(gap["first"], gap["last"] + 1))
    assert {sequence for sequence in taken if sequence != DROPPED} <= set(found)
    assert set(found) | lost == set(range(1, max(found, default=0) + 1))
    # A disk that was full to the very end leaves no place for a gap: then it is said.
    told = sum(int(line.split()[1]) for line in said if "were dropped because" in line or "are lost with" in line)
    assert len(lost) + told >= taken.count(DROPPED)


@pytest.mark.parametrize("length", [1, 9], ids=["once", "for a while"])
@pytest.mark.parametrize("name", [*CODES, "short write"])
def test_each_call_in_turn_may_fail(
    name: str, length: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LINEAGE_URL", raising=False)
    for turn in range(1, 500):
        monkeypatch.setenv("TMPDIR", str(tmp_path / f"tmp{turn}"))
        spool_dir = tmp_path / str(turn)
        monkeypatch.setenv("LINEAGE_SPOOL_DIR", str(spool_dir))
        monkeypatch.setattr(diagnostics, "_seen", set())
        monkeypatch.setattr(diagnostics, "_window", [0.0, 0])
        files = Failing(CODES.get(name, SHORT), turn, length)
        sink = emitter.SpoolSink(files)
        result, taken = task(sink)
        sink.close()
        said = capsys.readouterr().err.splitlines()
        assert result == "the result"
        assert max(Counter(said).values(), default=0) <= 1, said
        assert all(line.startswith("lineage: ") for line in said)
        add_up([spool_dir, tmp_path / f"tmp{turn}" / f"lineage-spool-{os.getuid()}"], taken, said)
        if not files.hit:
            print(f"[scale] C3 {name} {length}: {turn - 1} calls failed in turn")
            assert turn > EMITS
            return
    pytest.fail("the program makes more calls than that")


def test_a_real_limit_on_file_size_is_survived(tmp_path: Path) -> None:
    program = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
taken = [emitter.emit(event(i, padding="p" * 500)) for i in range(200)]
assert -1 not in taken, taken
print("the result")
"""
    done = run(program, environment(tmp_path / "spool"))
    assert (done.returncode, done.stdout) == (0, "the result\n"), done.stderr
    assert sorted(record.sequence for _, record in records(tmp_path / "spool")) == list(range(1, 201))
    assert "Traceback" not in done.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB; needs the right to mount, which the test's own machine has."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root; RLIMIT_FSIZE above covers the rest")
def test_a_really_full_disk_drops_counts_and_tells_when_space_returns(small_disk: Path) -> None:
    program = """
import pathlib
filler = pathlib.Path(sys.argv[1])
filler.write_bytes(bytes(600_000))
taken = [emitter.emit(event(i, padding="p" * 1500)) for i in range(600)]
dropped = taken.count(-1)
assert dropped, taken
filler.unlink()
later = emitter.emit(event(1000))
assert later > 0
assert emitter.sync(5)
print(dropped)
"""
    done = run(program, environment(small_disk / "spool", TMPDIR="/proc"), str(small_disk / "filler"))
    assert done.returncode == 0, done.stderr
    found = [record for _, record in records(small_disk / "spool")]
    gaps = [json.loads(record.payload) for record in found if record.type == RecordType.GAP]
    assert sum(gap["count"] for gap in gaps) == int(done.stdout)
    assert {gap["reason"] for gap in gaps} == {"disk_full"}
    kept = {record.sequence for record in found}
    assert kept | {n for gap in gaps for n in range(gap["first"], gap["last"] + 1)} == set(range(1, max(kept) + 1))
    assert done.stderr.count("being dropped") == 1
