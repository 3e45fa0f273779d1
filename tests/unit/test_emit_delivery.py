"""What each answer of the service does to the records, and when a segment may go: against a real HTTP server."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.emit_runs import event
from fixtures.ingest_stub import IngestStub, Scripted
from lineage.emit import dead, delivery, stored
from lineage.emit.delivery import deliver
from lineage.emit.payload import encode
from lineage.emit.process import this_process
from lineage.emit.record import RecordType, SegmentHeader, pack, pack_header
from lineage.emit.spool import SEGMENTS, Spool
from lineage.emit.stored import HINT


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[IngestStub]:
    with IngestStub(tmp_path / "stub.db") as running:
        yield running


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def fill(root: Path, events: int, *, sealed: bool = True, segment_bytes: int = 1 << 20, project: str = "a/b") -> Spool:
    spool = Spool([str(root)], project=project, destination="local", segment_bytes=segment_bytes)
    for number in range(events):
        spool.append(encode(event(number, client=spool.client), 1 << 20))
    if sealed:
        spool.seal()
    return spool


def files(root: Path) -> list[Path]:
    return sorted((root / SEGMENTS).glob("*.seg"))


def numbers(stub: IngestStub) -> list[int]:
    return [body["number"] for body in stub.events()]


def test_everything_arrives_in_order_and_the_segment_goes(stub: IngestStub, root: Path) -> None:
    fill(root, 1234)
    report = deliver(str(root), stub.url, "secret", destinations={"local"})
    assert (report.delivered, report.dead, report.left, report.reason) == (1234, 0, 0, None)
    assert numbers(stub) == list(range(1234))
    assert list((root / SEGMENTS).iterdir()) == []
    assert {request.authorization for request in stub.requests} == {"Bearer secret"}
    assert {request.project for request in stub.requests} == {"a/b"}
    assert max(request.records for request in stub.requests) <= delivery.BATCH_RECORDS


def test_a_living_writers_segment_is_delivered_but_stays(stub: IngestStub, root: Path) -> None:
    spool = fill(root, 10, sealed=False)
    assert deliver(str(root), stub.url, None).left == 0
    assert len(files(root)) == 1
    spool.append(encode(event(10), 1 << 20))
    assert deliver(str(root), stub.url, None).delivered == 2  # the last known one again, to check its claim
    assert numbers(stub) == list(range(11))
    assert stub.duplicates == 1


def test_only_segments_for_the_destination_are_taken(stub: IngestStub, root: Path) -> None:
    fill(root, 3)
    other = Spool([str(root)], project="a/b", destination="https://elsewhere")
    other.append(encode(event(99), 1 << 20))
    assert deliver(str(root), stub.url, None, destinations={"local"}).delivered == 3
    assert len(files(root)) == 1
    assert deliver(str(root), stub.url, None).delivered == 1


def test_projects_travel_apart(stub: IngestStub, root: Path) -> None:
    fill(root, 3, project="one/x")
    fill(root, 3, project="two/y")
    stub.refuse = lambda line: 403 if line["project"] == "one/x" else None
    report = deliver(str(root), stub.url, None, timeout=1)
    assert (report.delivered, report.left) == (3, 3)
    assert {request.project for request in stub.requests} == {"one/x", "two/y"}


@pytest.mark.parametrize("status", [401, 403, 404, 405, 408, 429, 500, 502, 503, 504, 301])
def test_answers_that_say_nothing_about_the_records_keep_them(stub: IngestStub, root: Path, status: int) -> None:
    fill(root, 5)
    stub.script.append(Scripted(status, {"Location": "/elsewhere"}))
    report = deliver(str(root), stub.url, None, timeout=0.3)
    if report.left:
        assert str(status) in str(report.reason)
    assert deliver(str(root), stub.url, None, timeout=20).left == 0
    assert numbers(stub) == list(range(5))
    assert dead.letters(str(root)) == []


@pytest.mark.parametrize("body", [b"", b"<html>log in</html>", b"[]", b'{"items": 3}', b'{"items": [{"index": 0'])
def test_a_success_that_is_no_batch_answer_keeps_the_records(stub: IngestStub, root: Path, body: bytes) -> None:
    fill(root, 5)
    stub.script.append(Scripted(200, body=body))
    report = deliver(str(root), stub.url, None, timeout=20)
    assert (report.left, stub.stored()) == (0, 5)


def test_items_the_answer_leaves_out_are_sent_again(stub: IngestStub, root: Path) -> None:
    fill(root, 5)
    items = [{"index": 0, "status": 201}, {"index": 3, "status": 201}, {"index": 77, "status": 201}, {"index": "x"}]
    stub.script.append(Scripted(207, body=json.dumps({"items": items}).encode()))
    deliver(str(root), stub.url, None, timeout=20)
    assert numbers(stub) == [1, 2, 4]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_record_is_kept_apart_with_the_reason_and_others_pass(
    stub: IngestStub, root: Path, status: int
) -> None:
    spool = fill(root, 20)
    stub.refuse = lambda line: status if line["event"]["number"] == 0 else None
    report = deliver(str(root), stub.url, None)
    assert (report.delivered, report.dead, report.left) == (19, 1, 0)
    assert numbers(stub) == list(range(1, 20))
    (letter,) = dead.letters(str(root))
    assert (letter.client, letter.sequence, letter.status) == (spool.client, 1, status)
    assert letter.reason["title"] == "refused"
    assert json.loads(letter.payload)["number"] == 0
    assert files(root) == []


@pytest.mark.parametrize("status", [400, 413])
def test_a_batch_refused_as_a_whole_is_split_until_the_culprit_is_alone(
    stub: IngestStub, root: Path, status: int
) -> None:
    fill(root, 100)

    handle = stub.handle

    def touchy(headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
        import zstandard

        text = zstandard.ZstdDecompressor().decompressobj().decompress(body)
        if b'"number":37,' in text:
            return status, {}, b'{"title": "too much"}'
        return handle(headers, body)

    stub.handle = touchy  # type: ignore[method-assign]
    report = deliver(str(root), stub.url, None)
    assert (report.delivered, report.dead, report.left) == (99, 1, 0)
    assert [json.loads(letter.payload)["number"] for letter in dead.letters(str(root))] == [37]


def test_a_conflict_counts_as_delivered(stub: IngestStub, root: Path) -> None:
    fill(root, 3)
    kept = root.parent / "copy"
    shutil.copytree(root, kept)
    deliver(str(root), stub.url, None)
    path = files(kept)[0]
    with path.open("rb") as file:
        segment = stored.StoredSegment(str(path))
        file.seek(0)
    path.write_bytes(
        pack_header(segment.header)
        + b"".join(pack(n, RecordType.EVENT, encode(event(n + 100), 1 << 20)) for n in (1, 2, 3))
        + pack(3, RecordType.SEAL, b"")
    )
    report = deliver(str(kept), stub.url, None)
    assert (report.delivered, report.left) == (3, 0)
    assert numbers(stub) == [0, 1, 2]


def test_refused_records_go_out_again_on_demand(stub: IngestStub, root: Path) -> None:
    fill(root, 5)
    stub.refuse = lambda line: 422 if line["event"]["number"] in (1, 3) else None
    deliver(str(root), stub.url, None)
    stub.refuse = lambda line: None
    assert dead.retry(str(root)) == 2
    assert dead.letters(str(root)) == []
    assert deliver(str(root), stub.url, None).delivered == 2
    assert sorted(numbers(stub)) == list(range(5))
    assert dead.retry(str(root)) == 0


def test_a_record_kept_item_by_item_waits_while_later_ones_pass(stub: IngestStub, root: Path) -> None:
    fill(root, 10)
    stub.refuse = lambda line: 503 if line["event"]["number"] == 4 else None
    report = deliver(str(root), stub.url, None, timeout=0.5)
    assert (report.delivered, report.left) == (9, 1)
    stub.refuse = lambda line: None
    assert deliver(str(root), stub.url, None).left == 0
    assert sorted(numbers(stub)) == list(range(10))


def test_a_torn_end_of_a_dead_writer_is_passed_over(stub: IngestStub, root: Path) -> None:
    write_segment(root, [b'{"number":0}', b'{"number":1}'], tail=pack(3, RecordType.EVENT, b'{"number":2}')[:-4])
    report = deliver(str(root), stub.url, None)
    assert (report.delivered, report.left) == (2, 0)
    assert files(root) == []
    assert stub.gaps() == []


def test_a_damaged_middle_is_quarantined_and_told(stub: IngestStub, root: Path) -> None:
    write_segment(root, [b'{"number":%d}' % n for n in range(10)])
    path = files(root)[0]
    data = bytearray(path.read_bytes())
    at = data.index(b'{"number":4}')
    data[at : at + 4] = b"XXXX"
    path.write_bytes(data)
    report = deliver(str(root), stub.url, None)
    assert (report.delivered, report.left) == (10, 0)
    assert numbers(stub) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert stub.gaps() == [{"first": 5, "last": 5, "count": 1, "reason": "corrupt"}]
    (kept,) = (root / "quarantine").iterdir()
    assert b"XXXX" in kept.read_bytes()
    assert files(root) == []


def test_two_senders_tell_the_same_gap(stub: IngestStub, root: Path, tmp_path: Path) -> None:
    write_segment(root, [b'{"number":%d}' % n for n in range(5)])
    path = files(root)[0]
    data = bytearray(path.read_bytes())
    data[data.index(b'{"number":2}')] ^= 0xFF
    path.write_bytes(data)
    shutil.copytree(root, tmp_path / "copy")
    deliver(str(root), stub.url, None)
    deliver(str(tmp_path / "copy"), stub.url, None)
    assert len(stub.gaps()) == 1
    assert stub.duplicates == 5


def write_segment(root: Path, payloads: list[bytes], *, tail: bytes = b"", **header: Any) -> Path:
    """A segment of a process that is gone."""
    gone = replace(this_process(), pid=2**22 - 3, started="1")
    fields: dict[str, Any] = {
        "client": "11111111-2222-4333-8444-555555555555",
        "index": 1,
        "first": 1,
        "project": "a/b",
        "destination": "local",
        "writer": gone,
        "created": time.time(),
    }
    head = pack_header(SegmentHeader(**(fields | header)))
    (root / SEGMENTS).mkdir(parents=True, exist_ok=True)
    path = root / SEGMENTS / f"{fields['client']}-{len(files(root)) + 1:06d}.seg"
    path.write_bytes(head + b"".join(pack(n, RecordType.EVENT, p) for n, p in enumerate(payloads, 1)) + tail)
    return path


def test_a_foreign_hosts_segment_is_taken_only_after_it_stopped_growing(stub: IngestStub, root: Path) -> None:
    foreign = replace(this_process(), host="elsewhere", boot="another")
    path = write_segment(root, [b'{"number":0}'], writer=foreign)
    assert deliver(str(root), stub.url, None).delivered == 0
    quiet = time.time() - stored.QUIET_SECONDS - 1
    os.utime(path, (quiet, quiet))
    assert deliver(str(root), stub.url, None).delivered == 1
    assert files(root) == []


def test_a_sealed_segment_of_another_container_is_taken_at_once(stub: IngestStub, root: Path) -> None:
    foreign = replace(this_process(), namespace="pid:[1]")
    write_segment(root, [b'{"number":0}'], writer=foreign, tail=pack(1, RecordType.SEAL, b""))
    assert deliver(str(root), stub.url, None).delivered == 1
    assert files(root) == []


def test_a_hint_saves_resending_but_is_not_believed(stub: IngestStub, root: Path) -> None:
    fill(root, 50, sealed=False)
    deliver(str(root), stub.url, None)
    assert len(list((root / SEGMENTS).glob(f"*{HINT}"))) == 1
    stub.forget_all()
    report = deliver(str(root), stub.url, None)
    assert report.left == 0
    assert sorted(numbers(stub)) == list(range(50))


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"start": 1, "after": 99}', b'{"start": "x"}', b'{"start": 10000000, "after": 3}']
)
def test_a_nonsense_hint_loses_nothing(stub: IngestStub, root: Path, content: bytes) -> None:
    fill(root, 20, sealed=False)
    (path,) = files(root)
    Path(f"{path}{HINT}").write_bytes(content)
    deliver(str(root), stub.url, None)
    assert sorted(numbers(stub)) == list(range(20))


def test_spools_of_every_released_format_are_delivered(stub: IngestStub, tmp_path: Path) -> None:
    kept = Path(__file__).parents[1] / "fixtures" / "spools"
    formats = sorted(folder.name for folder in kept.iterdir())
    assert formats == ["1"]
    for name in formats:
        shutil.copytree(kept / name, tmp_path / name)
        report = deliver(str(tmp_path / name), stub.url, None)
        assert (report.delivered, report.left) == (5, 0)
    assert numbers(stub) == [1, 2, 3, 8]
    assert stub.gaps() == [{"first": 4, "last": 6, "count": 3, "reason": "disk_full"}]


def test_whatever_a_user_emits_its_neighbours_are_delivered(stub: IngestStub, root: Path) -> None:
    spool = fill(root, 1, sealed=False)
    ring: dict[str, Any] = {}
    ring["ring"] = ring
    for value in (float("nan"), "\ud800", 10**4999, ring, object(), "x" * 50_000_000, "a\0b", {1: {2: {3}}}):
        spool.append(encode(event(-1, value=value), 1 << 20))
        spool.append(encode(event(1), 1 << 20))
    report = deliver(str(root), stub.url, None)
    assert (report.delivered, report.dead, report.left) == (17, 0, 0)


def test_a_newer_format_is_left_alone(stub: IngestStub, root: Path) -> None:
    path = write_segment(root, [b"{}"])
    import zlib

    body = b'{"format":"weftline-spool","version":99}'
    path.write_bytes(len(body).to_bytes(4, "big") + zlib.crc32(body).to_bytes(4, "big") + body)
    os.utime(path, (1, 1))
    assert deliver(str(root), stub.url, None).delivered == 0
    assert files(root) == [path]


def test_an_old_damaged_header_is_set_aside(stub: IngestStub, root: Path) -> None:
    path = write_segment(root, [b"{}"])
    path.write_bytes(b"\xff" * 100)
    os.utime(path, (1, 1))
    fill(root, 2)
    assert deliver(str(root), stub.url, None).delivered == 2
    assert files(root) == []
    assert [kept.name for kept in (root / "quarantine").iterdir()] == [path.name]


def test_a_file_that_ended_inside_its_header_goes_when_nobody_can_be_writing_it(stub: IngestStub, root: Path) -> None:
    path = write_segment(root, [b"{}"])
    path.write_bytes(path.read_bytes()[:20])
    deliver(str(root), stub.url, None)
    assert files(root) == [path]
    os.utime(path, (1, 1))
    deliver(str(root), stub.url, None)
    assert files(root) == []
    assert not (root / "quarantine").exists()


def test_without_a_place_for_refused_records_they_stay(stub: IngestStub, root: Path) -> None:
    fill(root, 3)
    (root / dead.FILE).mkdir()
    stub.refuse = lambda line: 422 if line["event"]["number"] == 1 else None
    report = deliver(str(root), stub.url, None, timeout=0.5)
    assert (report.delivered, report.dead, report.left) == (2, 0, 1)
    (root / dead.FILE).rmdir()
    assert deliver(str(root), stub.url, None).dead == 1


def test_many_small_segments_share_requests(stub: IngestStub, root: Path) -> None:
    for _ in range(60):
        fill(root, 3)
    assert deliver(str(root), stub.url, None).delivered == 180
    assert len(stub.requests) <= 3


def test_gap_records_of_the_writer_are_told(stub: IngestStub, root: Path) -> None:
    write_segment(
        root, [b'{"number":0}'], tail=pack(5, RecordType.GAP, b'{"first":2,"last":4,"count":3,"reason":"disk_full"}')
    )
    assert deliver(str(root), stub.url, None).delivered == 2
    assert stub.gaps() == [{"first": 2, "last": 4, "count": 3, "reason": "disk_full"}]


def test_user_and_password_in_the_address_serve_where_there_is_no_token(stub: IngestStub, root: Path) -> None:
    fill(root, 1)
    deliver(str(root), stub.url.replace("http://", "http://ana:p%40ss@"), None)
    fill(root, 1)
    deliver(str(root), stub.url.replace("http://", "http://ana:p%40ss@"), "token")
    assert [request.authorization for request in stub.requests] == ["Basic YW5hOnBAc3M=", "Bearer token"]


def test_an_empty_or_missing_spool_is_nothing_to_do(stub: IngestStub, root: Path) -> None:
    assert deliver(str(root), stub.url, None).delivered == 0
    fill(root, 0)
    assert deliver(str(root), stub.url, None).left == 0
