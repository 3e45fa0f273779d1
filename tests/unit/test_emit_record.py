"""The spool's format: what is packed is read back, and damage costs only what it covers."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.emit.process import this_process
from lineage.emit.record import (
    Damage,
    Record,
    RecordType,
    SegmentHeader,
    Tail,
    pack,
    pack_header,
    scan,
    unpack_header,
)
from lineage.errors import SpoolFormatError, SpoolTooNew
from scale import seeded

HEADER = SegmentHeader("c1", 1, 1, "default/default", "local", this_process(), 1.5)


def frames(payloads: list[bytes], first: int = 1) -> list[bytes]:
    return [pack(first + n, RecordType.EVENT, payload) for n, payload in enumerate(payloads)]


@given(st.lists(st.binary(max_size=200), max_size=30), st.integers(1, 2**48))
def test_records_are_read_back_as_packed(payloads: list[bytes], first: int) -> None:
    found = list(scan(b"".join(frames(payloads, first)), after=first - 1))
    assert [(r.sequence, r.payload) for r in found if isinstance(r, Record)] == [
        (first + n, payload) for n, payload in enumerate(payloads)
    ]
    assert len(found) == len(payloads)


@given(st.lists(st.binary(min_size=1, max_size=100), min_size=1, max_size=10), st.data())
def test_a_torn_end_loses_only_the_torn_record(payloads: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(frames(payloads))
    last = len(frames(payloads)[-1])
    cut = data.draw(st.integers(len(whole) - last + 1, len(whole) - 1))
    found = list(scan(whole[:cut], after=0))
    assert [r.sequence for r in found if isinstance(r, Record)] == list(range(1, len(payloads)))
    assert isinstance(found[-1], Tail)


@given(
    st.lists(st.binary(min_size=1, max_size=100), min_size=3, max_size=12),
    st.integers(1, 2**40),
    st.data(),
)
def test_a_flipped_byte_costs_one_record_and_says_which(payloads: list[bytes], first: int, data: st.DataObject) -> None:
    packed = frames(payloads, first)
    victim = data.draw(st.integers(0, len(packed) - 2))
    position = data.draw(st.integers(0, len(packed[victim]) - 1))
    broken = bytearray(packed[victim])
    broken[position] ^= data.draw(st.integers(1, 255))
    found = list(scan(b"".join([*packed[:victim], bytes(broken), *packed[victim + 1 :]]), after=first - 1))
    kept = [r.sequence for r in found if isinstance(r, Record)]
    assert kept == [first + n for n in range(len(payloads)) if n != victim]
    damage = [d for d in found if isinstance(d, Damage)]
    assert [(d.after, d.resumes) for d in damage] == [(first + victim - 1, first + victim + 1)]


def test_unwritten_pages_are_passed_over_quickly() -> None:
    before, behind = frames([b"a" * 100] * 3), frames([b"b" * 100] * 3, first=20)
    data = b"".join(before) + bytes(8 << 20) + b"".join(behind)
    found = list(scan(data, after=0))
    assert [r.sequence for r in found if isinstance(r, Record)] == [1, 2, 3, 20, 21, 22]
    assert [(d.after, d.resumes) for d in found if isinstance(d, Damage)] == [(3, 20)]


def test_random_noise_never_becomes_a_record() -> None:
    noise = seeded("noise").randbytes(1 << 20)
    assert not [r for r in scan(noise, after=0) if isinstance(r, Record)]


def test_a_long_stretch_of_noise_does_not_hide_what_follows() -> None:
    packed = frames([b"x" * 50] * 4)
    noise = random.Random(7).randbytes(300_000)
    found = list(scan(packed[0] + noise + packed[1] + packed[2], after=0))
    assert [r.sequence for r in found if isinstance(r, Record)] == [1, 2, 3]


def test_a_header_is_read_back() -> None:
    packed = pack_header(HEADER)
    assert unpack_header(packed + b"more") == (HEADER, len(packed))


@pytest.mark.parametrize("cut", [0, 3, 7, 20])
def test_an_incomplete_header_is_refused(cut: int) -> None:
    with pytest.raises(SpoolFormatError):
        unpack_header(pack_header(HEADER)[:cut])


def test_a_newer_version_is_refused_with_the_next_step() -> None:
    import zlib

    body = b'{"format":"weftline-spool","version":2,"anything":1}'
    packed = len(body).to_bytes(4, "big") + zlib.crc32(body).to_bytes(4, "big") + body
    with pytest.raises(SpoolTooNew, match="upgrade"):
        unpack_header(packed)


def test_a_header_carries_no_credential() -> None:
    assert b"token" not in pack_header(HEADER).lower()
