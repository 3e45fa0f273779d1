"""Which sequence numbers of a client are settled: a high-water mark and the ranges seen above it.

Owns the arithmetic only; the sequencer keeps it in the `client` table. Numbers start at 1.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

MAX_AHEAD = 10_000
"""Separate ranges kept above the mark; beyond it the mark stays where it is and the sender asks again."""


@dataclass(slots=True)
class Settled:
    """Every number ≤ `high_water` is settled; `ahead` holds disjoint, sorted, non-adjacent [first, last] above it."""

    high_water: int = 0
    ahead: list[list[int]] = field(default_factory=list)

    def __contains__(self, number: int) -> bool:
        if number <= self.high_water:
            return True
        at = bisect_left(self.ahead, [number + 1]) - 1
        return at >= 0 and self.ahead[at][0] <= number <= self.ahead[at][1]

    def add(self, first: int, last: int) -> None:
        """Settle the numbers from `first` to `last`."""
        if first == self.high_water + 1 and not self.ahead:
            self.high_water = last
            return
        if last <= self.high_water:
            return
        low = bisect_left(self.ahead, [first]) - 1
        start = low if low >= 0 and self.ahead[low][1] >= first - 1 else low + 1
        stop = start
        while stop < len(self.ahead) and self.ahead[stop][0] <= last + 1:
            first, last = min(first, self.ahead[stop][0]), max(last, self.ahead[stop][1])
            stop += 1
        if start == stop and len(self.ahead) >= MAX_AHEAD:
            return
        self.ahead[start:stop] = [[first, last]]
        if self.ahead[0][0] <= self.high_water + 1:
            self.high_water = max(self.high_water, self.ahead[0][1])
            del self.ahead[0]

    def copy(self) -> Settled:
        """An independent copy, to go back to when a transaction fails."""
        return Settled(self.high_water, [list(pair) for pair in self.ahead])
