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
    """Milliseconds of this process: the latest given out, and the latest that belongs to a root alone."""

    last = 0
    reserved = 0


def run_id() -> str:
    """A new UUIDv7 for a run inside another one."""
    now = max(time.time_ns() // 1_000_000, _Clock.reserved + 1)
    _Clock.last = max(_Clock.last, now)
    return _format(now)


def root_run_id() -> tuple[str, int]:
    """A new UUIDv7 for a root run, and how many of its characters name it."""
    now = time.time_ns() // 1_000_000
    if _Clock.last - now >= _MAX_AHEAD_MS:  # roots come faster than milliseconds: this one shares one
        now = max(_Clock.last, _Clock.reserved + 1)
        _Clock.last = now
        return _format(now), SHORT_CROWDED
    _Clock.last = _Clock.reserved = max(now, _Clock.last + 1)
    return _format(_Clock.reserved), SHORT


def _format(milliseconds: int) -> str:
    noise = int.from_bytes(os.urandom(10), "big")  # os.urandom: a user's random.seed() must not repeat our ids
    number = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (noise >> 68) << 64 | 0b10 << 62
    number |= noise & 0x3FFF_FFFF_FFFF_FFFF
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
