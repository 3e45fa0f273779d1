"""How much a test does: the count for CI or the long one for a soak, chosen by `LINEAGE_TEST_SCALE`, always printed."""

from __future__ import annotations

import os
import random
import secrets


def count(test: str, *, ci: int, soak: int) -> int:
    """How many repetitions to do; prints what is done and what is left out."""
    scale = os.environ.get("LINEAGE_TEST_SCALE", "ci")
    if scale not in ("ci", "soak"):
        raise ValueError(f"LINEAGE_TEST_SCALE is ci or soak, not {scale!r}")
    chosen = soak if scale == "soak" else ci
    left_out = "nothing left out" if chosen >= soak else f"{soak - chosen} more under LINEAGE_TEST_SCALE=soak"
    print(f"[scale] {test}: {chosen} done ({left_out})")
    return chosen


def seeded(test: str) -> random.Random:
    """Randomness for a fault test; prints its seed, and `LINEAGE_TEST_SEED` replays one."""
    seed = os.environ.get("LINEAGE_TEST_SEED") or secrets.token_hex(4)
    print(f"[seed] {test}: LINEAGE_TEST_SEED={seed}")
    return random.Random(f"{test}:{seed}")
