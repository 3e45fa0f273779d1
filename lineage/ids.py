"""Identifiers of runs: UUIDv7, made here because the standard library has them only from 3.14.

Owns the clock part: within one process no other run shares the millisecond of a root run, so that the first 13
characters of a root's id are enough to name it in a command. Does not know what a run is.
"""

from __future__ import annotations

import os
import time

SHORT = 13
"""Characters of a root run's id that tell it apart: its millisecond, with the dash."""

SHORT_CROWDED = 18
"""The same when roots begin faster than the clock ticks: the millisecond and twelve random bits."""

_MAX_AHEAD_MS = 50


class _Clock:
    """Milliseconds already given out in this process."""

    last = 0
    reserved = 0


def run_id() -> str:
    """A new UUIDv7 for a run inside another one."""
    now = time.time_ns() // 1_000_000
    if now <= _Clock.reserved and _Clock.reserved - now < _MAX_AHEAD_MS:
        now = _Clock.reserved + 1
    _Clock.last = max(_Clock.last, now)
    return _format(now)


def root_run_id() -> tuple[str, int]:
    """A new UUIDv7 for a root run, and how many of its characters name it."""
    now = time.time_ns() // 1_000_000
    if now > _Clock.last:
        short = SHORT
    elif _Clock.last - now < _MAX_AHEAD_MS:
        now, short = _Clock.last + 1, SHORT
    else:
        short = SHORT_CROWDED
    _Clock.last = max(_Clock.last, now)
    _Clock.reserved = max(_Clock.reserved, now)
    return _format(now), short


def _format(milliseconds: int) -> str:
    noise = int.from_bytes(os.urandom(10), "big")  # os.urandom: a user's random.seed() must not repeat our ids
    number = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (noise >> 68) << 64 | 0b10 << 62
    number |= noise & 0x3FFF_FFFF_FFFF_FFFF
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
