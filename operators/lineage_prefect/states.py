"""What a state of Prefect's means for the attempt of a run it belongs to.

Owns the one table of states, for hooks and subscriber alike. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

_OPENINGS = ("Task run encountered an exception", "Flow run encountered an exception")


class Told(NamedTuple):
    """What is told of an attempt: type of the event, a word for an end that is no plain success or failure."""

    type: str
    outcome: str | None
    attempt: int


def ending(state_type: str, name: str | None) -> tuple[str, str | None] | None:
    """Event type and outcome of a state that ends an attempt; None for any other."""
    match state_type:
        case "COMPLETED":
            return "COMPLETE", "cached" if name == "Cached" else None
        case "FAILED":
            return "FAIL", "timed_out" if name == "TimedOut" else None
        case "CRASHED":
            return "FAIL", "crashed"
        case "CANCELLED":
            return "ABORT", "cancelled"
        case "SCHEDULED" if name == "AwaitingRetry":
            return "FAIL", None
        case "PAUSED" if name == "Suspended":
            return "ABORT", "paused"
        case _:
            return None


def told(state: Mapping[str, Any], run_count: int) -> list[Told]:
    """What an event's state tells, of which attempts.

    Args:
        state: `type` and `name`.
        run_count: how often the run had begun when it entered the state.
    """
    state_type, name = str(state.get("type")), state.get("name")
    attempt = max(run_count, 1)
    if state_type == "RUNNING":
        # Retrying at once is one state: the end of an attempt and the beginning of the next.
        failed = [Told("FAIL", None, attempt - 1)] if name == "Retrying" and attempt > 1 else []
        return [*failed, Told("START", None, attempt)]
    found = ending(state_type, name)
    return [] if found is None else [Told(*found, attempt)]


def message(state: Mapping[str, Any]) -> str | None:
    """What went wrong, without the words that Prefect puts before those of the exception; None if that is not said."""
    text = state.get("message")
    if not text:
        return None
    for opening in _OPENINGS:
        text = text.removeprefix(opening)
    return str(text).removeprefix(": ").strip()
