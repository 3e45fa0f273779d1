"""How a body is cut into items: one item's damage stays its own, and whose it was is still known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lineage_api.ingest.parsing import RECORDS, Gap, RawItem, items, media_type
from lineage_api.problem import Kind, Problem
from lineage_api.settings import Limits

CLIENT = "0196c0de-0000-7000-8000-0000000000aa"
LIMITS = Limits()


def record(sequence: Any = 1, client: Any = CLIENT, **members: Any) -> bytes:
    return json.dumps({"client": client, "sequence": sequence, "project": "a/b", **members}).encode()


def cut(*lines: bytes) -> list[RawItem]:
    return list(items(b"\n".join(lines), RECORDS, LIMITS))


def test_records_and_gaps_are_read() -> None:
    gap = {"first": 2, "last": 5, "count": 4, "reason": "disk_full"}
    one, two = cut(record(event={"x": 1}), b"", b"  ", record(6, gap=gap))
    assert (one.index, one.client, one.sequence, one.project, one.event) == (0, CLIENT, 1, "a/b", {"x": 1})
    assert (two.index, two.sequence, two.gap) == (1, 6, Gap(2, 5, 4, "disk_full"))


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (record(event=1, client="nobody"), "client"),
        (record(event=1, client=None), "client"),
        (record(event=1, client=["x"]), "client"),
        (record(0, event=1), "sequence"),
        (record(-1, event=1), "sequence"),
        (record(1.5, event=1), "sequence"),
        (record(True, event=1), "sequence"),
        (record("1", event=1), "sequence"),
        (record(1 << 63, event=1), "sequence"),
        (record(), "event"),
        (record(gap=[]), "gap"),
        (record(gap={"first": 5, "last": 4, "count": 0, "reason": "corrupt"}), "gap.last"),
        (record(gap={"first": 1, "last": 4, "count": 4, "reason": "bored"}), "gap.reason"),
        (record(event=1, project=7), "project"),
        (b"[]", "$"),
    ],
)
def test_a_damaged_record_is_refused_with_its_place(line: bytes, path: str) -> None:
    good, bad, after = cut(record(1, event={}), line, record(2, event={}))
    assert good.problem is None
    assert after.problem is None
    assert bad.problem is not None
    assert bad.problem.kind is Kind.REFUSED
    assert bad.problem.errors[0]["path"] == path


@pytest.mark.parametrize("broken", [b'{"x": NaN}', b'{"x": "\\ud800"}', b'{"x": ', b"[" * 500 + b"]" * 500])
def test_whose_record_it_was_is_known_even_when_it_does_not_parse(broken: bytes) -> None:
    line = b'{"client":"%s","sequence":7,"project":"a/b","event":%s}' % (CLIENT.encode(), broken)
    (item,) = cut(line)
    assert item.problem is not None
    assert item.problem.kind is Kind.MALFORMED
    assert (item.client, item.sequence) == (CLIENT, 7)


def test_a_line_of_nobody_is_refused_alone() -> None:
    item, other = cut(b"\xff\xfe not json", record(event={}))
    assert (item.client, item.sequence) == (None, None)
    assert item.problem is not None
    assert other.problem is None


def test_arrays_and_lines_of_events() -> None:
    array = list(items(b'[{"a":1}, 2, null]', "application/json", LIMITS))
    assert [item.event for item in array] == [{"a": 1}, 2, None]
    lines = list(items(b'{"a":1}\r\n\nnull\n{', "application/x-ndjson", LIMITS))
    assert [item.event for item in lines] == [{"a": 1}, None, None]
    assert [item.problem is None for item in lines] == [True, True, False]


def test_what_is_no_batch_is_refused_whole() -> None:
    for body, kind, expected in [
        (b"{}", "application/json", Kind.MALFORMED),
        (b"[]", "text/csv", Kind.MEDIA),
        (b"{}\n" * (LIMITS.batch_items + 1), "application/x-ndjson", Kind.TOO_LARGE),
        (b"[" + b"1," * LIMITS.batch_items + b"1]", "application/json", Kind.TOO_LARGE),
    ]:
        with pytest.raises(Problem) as refused:
            list(items(body, kind, LIMITS))
        assert refused.value.kind is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("Application/JSON; charset=utf-8", "application/json"),
        (" text/plain ;x", "text/plain"),
    ],
)
def test_media_types_are_bare(header: str | None, expected: str) -> None:
    assert media_type(header) == expected
