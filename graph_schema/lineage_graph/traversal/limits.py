"""What bounds a walk, and the account kept while it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Direction(StrEnum):
    """Which way a walk goes: towards causes, towards effects, or each from the roots."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one answer.

    Args:
        nodes: nodes of one page.
        seconds: wall time; a layer of the walk that is not finished by then is left to the next page.
        rows: edges read from the store.
        cancelled: asked between reads; when it says yes, the walk stops as if the time were over.
    """

    nodes: int = 1_000
    seconds: float = 2.0
    rows: int = 500_000
    cancelled: Callable[[], bool] | None = None


DEFAULT_LIMITS = Limits()


class Budget:
    """What is left of the limits while a walk runs."""

    def __init__(self, limits: Limits) -> None:
        self.rows = limits.rows
        self._deadline = time.monotonic() + limits.seconds
        self._cancelled = limits.cancelled

    def late(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self._deadline

    def cancelled(self) -> bool:
        """Whether nobody waits any more."""
        return self._cancelled is not None and self._cancelled()
