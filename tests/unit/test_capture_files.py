"""Digests of files and folders: what `sha256sum` says, read once, never taken from a cache that could be wrong."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage import digest_cache, files
from lineage.datasets import Dataset
from lineage.digests import describe_dataset
from lineage.fingerprint import Content


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("LINEAGE_HOME", str(folder))
    return folder


def content(path: Path) -> Content:
    found = files.content(str(path))
    assert found is not None
    return found


def spied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every reading of a file for its digest, as it happens."""
    reads: list[str] = []
    real: Any = hashlib.file_digest

    def spy(file: Any, name: str) -> Any:
        reads.append(name)
        return real(file, name)

    monkeypatch.setattr(hashlib, "file_digest", spy)
    return reads


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let the cache's clock stand a minute later than the files' times."""

    def pass_() -> None:
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + 60)

    return pass_


@given(st.binary(max_size=4000))
def test_a_files_digest_is_that_of_its_bytes(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.bin")
        path.write_bytes(data)
        assert content(path) == Content(hashlib.sha256(data).hexdigest(), bytes=len(data))


def test_sha256sum_agrees(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(os.urandom(3_000_000))
    assert content(path).value == subprocess.check_output(["sha256sum", path], text=True).split()[0]


def test_a_folder_is_the_list_of_its_files(tmp_path: Path) -> None:
    for name, data in {"b.txt": b"b", "sub/a.txt": b"a", "sub/deep/ü.txt": b"c", "empty": b""}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    whole = content(tmp_path)
    listing = subprocess.check_output(
        "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum", shell=True, cwd=tmp_path
    )
    assert whole.value == hashlib.sha256(listing).hexdigest()
    assert (whole.exact, whole.bytes) == (True, 3)
    (tmp_path / "b.txt").rename(tmp_path / "c.txt")
    assert content(tmp_path).value != whole.value


def test_a_changed_byte_is_another_digest_even_with_the_same_size_and_time(
    tmp_path: Path, later: Callable[[], None]
) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(b"x" * 300_000)
    moment = time.time() - 3600
    os.utime(path, (moment, moment))
    later()
    first = content(path).value
    assert content(path).value == first
    path.write_bytes(b"y" + b"x" * 299_999)
    os.utime(path, (moment, moment))
    assert content(path).value == hashlib.sha256(path.read_bytes()).hexdigest() != first


def test_a_file_that_has_not_changed_is_read_once(
    tmp_path: Path, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(os.urandom(300_000))
    later()
    reads = spied(monkeypatch)
    values = {content(path).value for _ in range(5)}
    assert len(values) == 1
    assert len(reads) == 1


def test_a_file_of_the_last_two_seconds_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(os.urandom(300_000))
    reads = spied(monkeypatch)
    content(path)
    content(path)
    assert len(reads) == 2


def test_another_process_finds_the_digest_on_disk(
    tmp_path: Path, home: Path, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(os.urandom(300_000))
    later()
    first = content(path).value
    monkeypatch.setattr(digest_cache, "_caches", {})
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: pytest.fail("the file was read again"))
    assert content(path).value == first
    assert (home / "digests" / "files").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["cut", "flip", "front", "zeros", "text", "empty", "folder"])
def test_a_damaged_cache_costs_time_and_nothing_else(
    damage: str, tmp_path: Path, home: Path, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{i}.bin" for i in range(5)]
    for path in paths:
        path.write_bytes(os.urandom(300_000))
    later()
    expected = [content(path).value for path in paths]
    cache = home / "digests" / "files"
    data = bytearray(cache.read_bytes())
    if damage == "cut":
        cache.write_bytes(data[:-7])
    elif damage == "flip":
        data[len(data) // 2] ^= 0xFF
        cache.write_bytes(data)
    elif damage == "front":
        cache.write_bytes(b"xyz" + data)
    elif damage == "zeros":
        cache.write_bytes(bytes(len(data)))
    elif damage == "text":
        cache.write_bytes(b"not a cache at all\n" * 50)
    elif damage == "empty":
        cache.write_bytes(b"")
    else:
        cache.unlink()
        cache.mkdir()
    monkeypatch.setattr(digest_cache, "_caches", {})
    assert [content(path).value for path in paths] == expected


@given(st.binary(max_size=300), st.integers(0, 3))
def test_records_are_found_between_any_damage(noise: bytes, place: int) -> None:
    import struct
    import zlib

    def record(number: int) -> bytes:
        body = struct.pack("<4s5Q32s", b"WDC1", number, 2, 3, 4, 5, bytes([number]) * 32)
        return body + struct.pack("<I", zlib.crc32(body))

    pieces = [record(i) for i in range(3)]
    pieces.insert(place, noise)
    found = digest_cache.read_records(b"".join(pieces))
    assert {key[0] for key, _ in found} >= {0, 1, 2} or b"WDC1" in noise


def test_a_home_that_cannot_be_written_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: Callable[[], None]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("LINEAGE_HOME", str(blocked))
    path = tmp_path / "data.bin"
    path.write_bytes(b"z" * 300_000)
    later()
    assert content(path).value == content(path).value == hashlib.sha256(b"z" * 300_000).hexdigest()


def test_the_cache_file_does_not_grow_without_end(
    tmp_path: Path, later: Callable[[], None], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setattr(digest_cache, "_FILE_LIMIT", 1000)
    monkeypatch.setattr(digest_cache, "DISK_MINIMUM", 0)
    later()
    for number in range(60):
        path = tmp_path / f"{number}"
        path.write_bytes(b"x")
        content(path)
    assert (home / "digests" / "files").stat().st_size <= 1000 + 100


def test_above_the_cap_only_parts_are_read_and_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_DIGEST_BYTES", "1024")
    path = tmp_path / "big.bin"
    path.write_bytes(bytes(5000))
    found = content(path)
    assert found.exact is False
    assert "LINEAGE_DIGEST_BYTES" in str(found.note)
    assert found.value != hashlib.sha256(bytes(5000)).hexdigest()
    described = describe_dataset(Dataset(path))
    assert described.digest is None
    assert described.facets["weftline_digest"]["exact"] is False
    folder = content(tmp_path)
    assert folder.exact is False
    assert "sampled" in str(folder.note)


def test_a_file_that_changes_while_it_is_read_has_no_exact_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "busy.bin"
    path.write_bytes(b"x" * 1000)
    real: Any = hashlib.file_digest

    def busy(file: Any, name: str) -> Any:
        done = real(file, name)
        with path.open("ab") as more:
            more.write(b"y")
        return done

    monkeypatch.setattr(hashlib, "file_digest", busy)
    found = content(path)
    assert found.exact is False
    assert found.note == "changed while it was read"


def test_pipes_devices_and_what_is_not_there_have_no_content(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path / "missing"):
        assert files.content(str(path)) is None
    (tmp_path / "a").write_text("a")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = content(tmp_path)
    assert found.exact is False
    assert "2 entries" in str(found.note) or "3 entries" in str(found.note)


def test_a_link_to_a_file_is_read_through(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").symlink_to("a")
    assert content(tmp_path / "b").value == content(tmp_path / "a").value


def test_threads_reading_the_same_files_agree(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / str(number)).write_bytes(os.urandom(1000))
    answers: list[str | None] = []
    threads = [threading.Thread(target=lambda: answers.append(content(tmp_path).value)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert len(set(answers)) == 1


def test_a_stored_table_tells_schema_and_rows_if_its_library_is_loaded(tmp_path: Path) -> None:
    import pyarrow.parquet  # noqa: F401  (what a user would have done)

    pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}).to_parquet(tmp_path / "t.parquet")
    found = describe_dataset(Dataset(tmp_path / "t.parquet"))
    assert found.rows == 3
    assert [field["name"] for field in found.facets["schema"]["fields"]] == ["a", "b"]
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not really")
    broken = describe_dataset(Dataset(tmp_path / "broken.parquet"))
    assert broken.digest is not None
    assert "schema" not in broken.facets


def test_remote_datasets_are_described_by_what_they_say_alone() -> None:
    found = describe_dataset(Dataset("s3://bucket/key", version="v1", schema={"a": "int"}, description="raw"))
    assert set(found.facets) == {"version", "datasetType", "documentation", "schema"}
    assert found.facets["version"]["datasetVersion"] == "v1"
    assert describe_dataset(Dataset("postgres://h:1", "a.b.c")).facets.keys() == {"datasetType"}
