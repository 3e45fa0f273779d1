"""Results that Prefect takes from a cache: which run made them.

Owns the memory, within this process, of the run behind each stored result, and the facet of a run that used one. The
run of another process is not known here: its output then is named with the digest of its content, which is the same.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lineage import handover
from lineage.facets import Facet
from lineage.orchestrator import Named
from lineage.runs import Run
from lineage_prefect import facets, upstream

MAX_REMEMBERED = 10_000

_made: OrderedDict[str, Named] = OrderedDict()


def stored(state: Any, run: Named) -> None:
    """Note that `run` made the result of this state, if that result is stored."""
    key = _key(state)
    if key is not None:
        _made[key] = run
        if len(_made) > MAX_REMEMBERED:
            _made.popitem(last=False)


def used(run: Run, task_run: Any, state: Any) -> Facet:
    """The facet of a run that took its result from a cache; the value counts as the original run's from now on."""
    key = _key(state)
    origin = _made.get(key) if key is not None else None
    if origin is not None:
        upstream.remember(task_run.id, origin)
    else:
        upstream.forget(task_run.id)
    value = getattr(state.data, "result", None)
    entries: list[dict[str, Any]] = []
    if value is not None:
        job = origin or Named(run.id, run.job, run.namespace)
        entries = handover.recalled(job, value, origin.run_id if origin is not None else None)
    named = None if origin is None else {"run": {"runId": origin.run_id}, "job": origin.job_entry}
    return facets.cached(key, named, [_reference(entry) for entry in entries])


def _reference(entry: dict[str, Any]) -> dict[str, Any]:
    """A dataset as the facet names it, with its version where the content says it."""
    found = {"namespace": entry["namespace"], "name": entry["name"]}
    digest = (entry.get("facets") or {}).get("weftline_digest") or {}
    if digest.get("exact"):
        found["version"] = f"{digest['algorithm']}:{digest['value']}"
    return found


def _key(state: Any) -> str | None:
    metadata = getattr(state.data, "metadata", None)
    key = getattr(metadata, "storage_key", None)
    return None if key is None else str(key)
