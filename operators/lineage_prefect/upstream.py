"""Which runs returned the values that a task is given, as Prefect itself keeps account of futures and results.

Owns the memory of task runs that have run in this process. It tells what identity of objects cannot: numbers, None,
and whatever was read back from storage. Edges are made by the SDK (`lineage.handover`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from lineage.orchestrator import Named

MAX_REMEMBERED = 50_000

_attempts: OrderedDict[UUID, Named] = OrderedDict()
# Not values: what a task waits for, and the task it was called by.
_NO_VALUES = frozenset({"wait_for", "__parents__"})


def remember(run_id: UUID, attempt: Named) -> None:
    """Note the attempt that has the result of a task run: the latest that began, or that a cached result is from."""
    _attempts[run_id] = attempt
    if len(_attempts) > MAX_REMEMBERED:
        _attempts.popitem(last=False)


def forget(run_id: UUID) -> None:
    """Drop a task run whose result is from a run that is not known."""
    _attempts.pop(run_id, None)


def values(task_inputs: Mapping[str, Iterable[Any]] | None) -> dict[str, tuple[Named, ...]]:
    """By argument, the attempts whose results it was given; those of other processes are not known here."""
    found = {}
    for argument, inputs in (task_inputs or {}).items():
        known = tuple(_attempts[item.id] for item in inputs if getattr(item, "id", None) in _attempts)
        if known and argument not in _NO_VALUES:
            found[argument] = known
    return found
