"""This process's end of the spool: order, rotation, the cap, re-entrant calls, interruptions, deletion, memory."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.emit_runs import event, records, wait_until
from lineage.emit import emitter, lease, stored
from lineage.emit.files import Files
from lineage.emit.flusher import Flusher
from lineage.emit.gaps import Reason
from lineage.emit.payload import encode
from lineage.emit.record import RecordType
from lineage.emit.segment import MEMORY_BYTES
from lineage.emit.spool import DROPPED, QUEUED, SEGMENTS, Spool


def make(root: Path, files: Files | None = None, cap: int = 1 << 30, segment_bytes: int = 1 << 20) -> Spool:
    return Spool(
        [str(root)],
        project="default/default",
        destination="local",
        files=files or Files(),
        cap=cap,
        segment_bytes=segment_bytes,
    )


def sequences(root: Path) -> list[int]:
    return sorted(record.sequence for _, record in records(root))


def payloads(root: Path) -> list[bytes]:
    return [record.payload for _, record in sorted(records(root), key=lambda pair: pair[1].sequence)]


@pytest.fixture
def spool_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The default sink on a folder of its own."""
    monkeypatch.setenv("LINEAGE_SPOOL_DIR", str(tmp_path / "spool"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where records go that find no spool: others' may wait there
    for name in ("LINEAGE_URL", "LINEAGE_DISABLED", "LINEAGE_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    with emitter.use(emitter.SpoolSink()) as sink:
        yield tmp_path / "spool"
        sink.close()


def test_sequences_start_at_one_and_have_no_holes(tmp_path: Path) -> None:
    spool = make(tmp_path)
    assert [spool.append(b"{}") for _ in range(100)] == list(range(1, 101))
    assert sequences(tmp_path) == list(range(1, 101))


def test_a_record_is_in_the_kernel_before_append_returns(tmp_path: Path) -> None:
    spool = make(tmp_path)
    spool.append(b'{"x":1}')
    assert payloads(tmp_path) == [b'{"x":1}']


def test_segments_rotate_and_older_ones_are_sealed(tmp_path: Path) -> None:
    spool = make(tmp_path, segment_bytes=2000)
    for _ in range(50):
        spool.append(b"x" * 100)
    found = sorted((tmp_path / SEGMENTS).iterdir())
    assert len(found) >= 3
    assert sequences(tmp_path) == list(range(1, 51))
    segments, _ = stored.segments(str(tmp_path))
    assert [segment.is_finished(time.time()) for segment in segments] == [True] * (len(found) - 1) + [False]
    assert segments[0].header.first == 1


def test_a_record_larger_than_a_segment_is_stored_whole(tmp_path: Path) -> None:
    spool = make(tmp_path, segment_bytes=2000)
    big = b"y" * 10_000
    assert [spool.append(b"a"), spool.append(big), spool.append(b"b")] == [1, 2, 3]
    assert payloads(tmp_path) == [b"a", big, b"b"]


def test_files_and_folders_are_private(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "spool"
    make(root).append(b"{}")
    assert (root.stat().st_mode & 0o777, (root / SEGMENTS).stat().st_mode & 0o777) == (0o700, 0o700)
    assert {path.stat().st_mode & 0o777 for path in (root / SEGMENTS).iterdir()} == {0o600}


def test_the_cap_drops_and_counts_but_keeps_room_for_starts_and_ends(tmp_path: Path) -> None:
    spool = make(tmp_path, cap=20_000)
    results = [spool.append(b"z" * 1000, lifecycle=False) for _ in range(30)]
    kept = [sequence for sequence in results if sequence != DROPPED]
    assert 15 <= len(kept) <= 20
    assert spool.append(b"END" * 300, lifecycle=True) > 0
    assert spool.append(b"z" * 1000, lifecycle=False) == DROPPED
    for path in (tmp_path / SEGMENTS).iterdir():
        assert path.stat().st_size <= 22_500
    spool.measured(0)
    spool.repair()
    gaps = [record.payload for _, record in records(tmp_path) if record.type == RecordType.GAP]
    assert sum(_json(gap)["count"] for gap in gaps) == 30 - len(kept) + 1
    assert {_json(gap)["reason"] for gap in gaps} == {Reason.SPOOL_FULL}


def test_a_signal_handler_inside_append_neither_deadlocks_nor_loses(tmp_path: Path) -> None:
    class Interrupting(Files):
        def write(self, fd: int, data: bytes | memoryview) -> int:
            written = super().write(fd, data)
            if b"outer" in bytes(data):
                signal.raise_signal(signal.SIGUSR1)
            return written

    spool = make(tmp_path, Interrupting())
    inner: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda *_: inner.append(spool.append(b"inner")))
    try:
        assert [spool.append(b"outer"), spool.append(b"outer")] == [1, 3]
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert inner == [QUEUED, QUEUED]
    assert payloads(tmp_path) == [b"outer", b"inner", b"outer", b"inner"]


def test_a_finaliser_inside_append_neither_deadlocks_nor_loses(spool_dir: Path) -> None:
    class Emits:
        def __del__(self) -> None:
            emitter.emit(event(2))

    class Event(dict[str, object]):
        def get(self, key: str, default: object = None) -> object:  # called on the way into the spool
            garbage = Emits()
            del garbage
            return super().get(key, default)

    assert emitter.emit(Event(event(1))) > 0
    assert len(sequences(spool_dir)) == 2


@pytest.mark.parametrize("moment", ["before", "middle", "after"])
def test_an_interruption_at_any_moment_leaves_no_hole_and_no_repeat(tmp_path: Path, moment: str) -> None:
    class Interrupted(Files):
        armed = False

        def write(self, fd: int, data: bytes | memoryview) -> int:
            if not self.armed:
                return super().write(fd, data)
            self.armed = False
            if moment == "middle":
                super().write(fd, bytes(data)[: len(data) // 2])
            if moment == "after":
                super().write(fd, data)
            raise KeyboardInterrupt

    files = Interrupted()
    spool = make(tmp_path, files)
    spool.append(b"one")
    files.armed = True
    with pytest.raises(KeyboardInterrupt):
        spool.append(b"two")
    spool.append(b"three")
    kept = [b"one", b"two", b"three"] if moment == "after" else [b"one", b"three"]
    assert payloads(tmp_path) == kept
    assert sequences(tmp_path) == list(range(1, len(kept) + 1))


def test_threads_share_one_order(tmp_path: Path) -> None:
    spool = make(tmp_path, segment_bytes=5000)
    threads = [threading.Thread(target=lambda: [spool.append(b"t" * 50) for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sequences(tmp_path) == list(range(1, 1601))


def test_a_deleted_folder_is_written_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "spool"
    spool = make(root)
    for number in range(10):
        spool.append(b"%d" % number)
    shutil.rmtree(root)
    spool.append(b"after")
    spool.repair()
    assert sequences(root) == list(range(1, 12))
    assert payloads(root)[-1] == b"after"


def test_a_deleted_folder_with_rotated_segments_leaves_a_gap(tmp_path: Path) -> None:
    root = tmp_path / "spool"
    spool = make(root, segment_bytes=1000)
    for _ in range(20):
        spool.append(b"r" * 100)
    shutil.rmtree(root)
    spool.repair()
    gaps = [record for _, record in records(root) if record.type == RecordType.GAP]
    told = {n for gap in gaps for n in range(_json(gap.payload)["first"], _json(gap.payload)["last"] + 1)}
    kept = {record.sequence for _, record in records(root) if record.type == RecordType.EVENT}
    assert told | kept == set(range(1, 21))
    assert {_json(gap.payload)["reason"] for gap in gaps} == {Reason.SPOOL_DELETED}


def _json(payload: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(payload)
    return found


def test_without_any_folder_records_stay_in_memory_within_a_cap(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    spool = make(blocked)
    assert spool.append(b"m") == 1
    assert spool.in_memory
    fits = sum(1 for _ in range(40) if spool.append(b"m" * (1 << 20)) != DROPPED)
    assert fits <= MEMORY_BYTES >> 20
    assert spool.untold == 40 - fits


def test_memory_moves_to_disk_when_a_folder_can_be_written_again(tmp_path: Path) -> None:
    blocked = tmp_path / "spool"
    blocked.write_text("in the way")
    spool = make(blocked)
    spool.append(b"one")
    spool.append(b"two")
    blocked.unlink()
    spool.repair()
    spool.append(b"three")
    assert payloads(blocked) == [b"one", b"two", b"three"]
    assert not spool.in_memory


def test_another_users_folder_in_the_temporary_directory_is_not_used(tmp_path: Path) -> None:
    open_to_all = tmp_path / "tmp-spool"
    open_to_all.mkdir(mode=0o777)
    open_to_all.chmod(0o777)
    blocked = tmp_path / "file"
    blocked.write_text("x")
    spool = Spool([str(blocked), str(open_to_all)], project="default/default", destination="local")
    spool.append(b"{}")
    assert spool.in_memory
    assert list(open_to_all.iterdir()) == []


def test_the_flusher_syncs_within_50_ms_and_sleeps_otherwise(tmp_path: Path) -> None:
    synced: list[float] = []

    class Watching(Files):
        def sync(self, fd: int) -> None:
            super().sync(fd)
            synced.append(time.monotonic())

    spool = make(tmp_path, Watching())
    flusher = Flusher(spool, lambda: True)
    spool.append(b"x")
    appended = time.monotonic()
    flusher.kick()
    assert wait_until(lambda: bool(synced), 5)
    assert synced[0] - appended <= 0.5  # 50 ms on a quiet machine; the bound here is for a loaded one
    assert flusher.sync(2.0)


def test_a_last_event_of_a_root_waits_for_its_sync_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hang = threading.Event()

    class Stuck(Files):
        def sync(self, fd: int) -> None:
            hang.wait(20)

    monkeypatch.setenv("LINEAGE_SPOOL_DIR", str(tmp_path / "spool"))
    monkeypatch.delenv("LINEAGE_URL", raising=False)
    sink = emitter.SpoolSink(Stuck())
    started = time.monotonic()
    assert sink.emit(event(1), terminal_of_root=True) == 1
    waited = time.monotonic() - started
    hang.set()
    sink.close()
    assert 0.19 <= waited <= 1.0


def test_disabled_does_nothing(spool_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_DISABLED", "1")
    assert emitter.emit(event(1)) == DROPPED
    assert not spool_dir.exists()


def test_emit_never_raises(spool_dir: Path) -> None:
    assert emitter.emit("not an event") == DROPPED  # type: ignore[arg-type]
    assert emitter.emit(event(1)) == 1


def test_a_small_cap_does_not_fill_up_with_what_is_delivered(spool_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_SPOOL_BYTES", "80000")
    for number in range(100):
        assert emitter.emit(event(number, padding="p" * 100)) > 0
    found, _ = stored.segments(str(spool_dir))
    assert len(found) >= 4
    assert [segment.is_finished(time.time()) for segment in found][:-1] == [True] * (len(found) - 1)


def test_another_project_is_another_client(spool_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emitter.emit(event(1))
    monkeypatch.setenv("LINEAGE_PROJECT", "team/other")
    assert emitter.emit(event(2)) == 1
    found, _ = stored.segments(str(spool_dir))
    assert [segment.header.project for segment in found] == ["default/default", "team/other"]
    assert len({segment.header.client for segment in found}) == 2


def test_status_counts_what_waits(spool_dir: Path) -> None:
    for number in range(7):
        emitter.emit(event(number))
    status = emitter.status()
    assert (status.records, status.dead, status.gaps, status.destination) == (7, 0, 0, "local")
    assert status.oldest is not None
    assert abs(status.oldest - time.time()) < 60


def test_a_sink_can_be_put_in_its_place() -> None:
    class Keeping(emitter.SpoolSink):
        def __init__(self) -> None:
            super().__init__()
            self.events: list[object] = []

        def emit(self, event: object, *, terminal_of_root: bool = False) -> int:
            self.events.append(event)
            return len(self.events)

    with emitter.use(Keeping()) as sink:
        assert emitter.emit(event(1)) == 1
    assert isinstance(sink, Keeping)
    assert sink.events == [event(1)]


def test_the_working_folder_may_be_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setenv("LINEAGE_SPOOL_DIR", "relative/spool")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    sink = emitter.SpoolSink()
    assert sink.emit(event(1)) == 1
    sink.close()
    kept = [record for _, record in records(tmp_path / "tmp" / f"lineage-spool-{os.getuid()}")]
    assert [record.payload for record in kept] == [encode(event(1), 1 << 20)]


def test_looking_at_a_lease_turns_no_sender_away(tmp_path: Path) -> None:
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            lease.is_held(str(tmp_path), "http://x")

    watchers = [threading.Thread(target=look) for _ in range(3)]
    for watcher in watchers:
        watcher.start()
    taken = []
    for _ in range(20):
        mine = lease.Lease(str(tmp_path), "http://x")
        taken.append(mine.acquire())
        mine.release()
    stop.set()
    for watcher in watchers:
        watcher.join()
    assert taken == [True] * 20


def test_a_child_does_not_keep_its_parents_lease(tmp_path: Path) -> None:
    mine = lease.Lease(str(tmp_path), "http://x")
    assert mine.acquire()
    assert lease.holder(str(tmp_path), "http://x") == os.getpid()
    receiving, sending = os.pipe()
    started, starting = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(starting, b"x")
        os.close(sending)
        os.read(receiving, 1)
        os._exit(0)
    assert os.read(started, 1) == b"x"
    for fd in (receiving, started, starting):
        os.close(fd)
    mine.release()
    held = lease.is_held(str(tmp_path), "http://x")
    os.close(sending)
    os.waitpid(child, 0)
    assert not held
