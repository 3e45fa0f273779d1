"""How long-lived processes use Python's garbage collector.

Owns one setting: events are trees that die with their request, so scanning for cycles every few hundred allocations
costs a tenth of the work and finds nothing.
"""

from __future__ import annotations

import gc

_THRESHOLDS = (20_000, 20, 50)


def settle() -> None:
    """Keep what start-up made out of every later collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
