"""When to try again: full jitter, doubling up to a cap, and the server's own wish where it states one.

Pure arithmetic over a clock's readings; it sleeps nowhere.
"""

from __future__ import annotations

import math
import random
from email.utils import parsedate_to_datetime

BASE_SECONDS = 0.5
CAP_SECONDS = 30.0
LONGEST_RETRY_AFTER = 3600.0
# Clients told the same time must not all come back in the same instant; within 10 % of what the server asked for.
_SPREAD = 0.08


class Backoff:
    """Waiting times of one line to a server."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.failures = 0
        self.due = -math.inf

    def failed(self, now: float, retry_after: float | None) -> None:
        """An attempt failed at monotonic time `now`."""
        if retry_after is not None:
            self.due = now + min(retry_after, LONGEST_RETRY_AFTER) * (1 + self._rng.random() * _SPREAD)
        else:
            self.due = now + self._rng.uniform(0, min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(self.failures, 16)))
        self.failures += 1

    def succeeded(self) -> None:
        """An attempt went through."""
        self.failures = 0
        self.due = -math.inf

    def remaining(self, now: float) -> float:
        """Seconds until the next attempt may be made."""
        return max(0.0, self.due - now)


def retry_after(text: str | None, wall: float) -> float | None:
    """Seconds a `Retry-After` header asks for, at most an hour; None when absent or garbage.

    Args:
        text: the header: seconds or an HTTP date.
        wall: now, in seconds since the epoch, for dates.
    """
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:20]), LONGEST_RETRY_AFTER)
    try:
        seconds = parsedate_to_datetime(text).timestamp() - wall
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER)
