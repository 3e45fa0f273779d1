"""Values handed from task to task, as inputs and outputs of runs: the edges nobody declared.

Owns the datasets that stand for values in memory (namespace `memory`, named after the job that returned them, with
`[0]` or `[key]` for the parts of a returned tuple, dict or dataclass that is going to be unpacked) and their facets.
Which object is which is `passing`'s business, content digests are `digests`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import CodeType
from typing import TYPE_CHECKING, Any

from lineage import diagnostics, events, facets, passing
from lineage.datasets import MEMORY_NAMESPACE as NAMESPACE
from lineage.datasets import Dataset
from lineage.digests import describe_value
from lineage.holds import holdable, is_atom
from lineage.passing import Arrival, Origin

if TYPE_CHECKING:
    from lineage.runs import Run

MAX_PARTS = 16
MAX_COMPARED = 4 << 20
"""Bytes up to which a value's content is looked at again when it arrives, to see whether it was changed on its way."""


def inputs(arguments: Mapping[str, Any], run_id: str, known: set[tuple[str, str]]) -> list[events.DatasetEntry]:
    """Entries for those `arguments` that other runs returned.

    Args:
        arguments: values by the name they arrived under.
        run_id: the run they arrive in; what it returned itself is no input.
        known: (run, dataset) of inputs it already has; extended.
    """
    found = []
    for arrival in passing.arrivals(arguments):
        key = (arrival.origin.run_id, arrival.origin.dataset)
        if arrival.origin.run_id != run_id and key not in known:
            known.add(key)
            found.append(_input(arrival))
    return found


def outputs(run: Run, value: Any, code: CodeType | None) -> list[events.DatasetEntry]:
    """Entries for the value a run returned, which is registered so that it is known again as an argument.

    Args:
        run: the run.
        value: what it returned.
        code: its function's code, whose literals cannot be told apart from the caller's.
    """
    if isinstance(value, Dataset):
        return []
    if not holdable(value) or passing.constant_of(code, value):
        diagnostics.debug(
            f"{run.job} returned a {type(value).__name__} that cannot be followed: the same object occurs elsewhere "
            "too, as small and literal values do; declare the edge with log_output and log_input"
        )
        return []
    parts = _parts(value)
    if not parts:
        return _whole(run, value)
    found, origins = [], []
    for key, part in parts:
        entry, origin = _output(run, f"{run.job}[{key}]", part)
        if passing.returned_inside(part, (origin,)):
            found.append(entry)
            origins.append(origin)
    if origins:
        passing.returned(value, tuple(origins))
    return found


def _whole(run: Run, value: Any) -> list[events.DatasetEntry]:
    entry, origin = _output(run, run.job, value)
    known = False
    for _, element in passing.elements(value):
        if holdable(element):
            known = passing.returned_inside(element, (origin,)) or known
    known = passing.returned(value, (origin,)) or known  # last: its members are older than itself
    if not known:
        diagnostics.debug(
            f"{run.job} returned a {type(value).__name__} that cannot be followed: it allows no weak reference and is "
            "too big, or not plain enough, to be kept"
        )
    return [entry] if known else []


def stream_output(run: Run, value: Any) -> None:
    """Register one value that a generator yields; all of them are parts of one output without a version of its own."""
    if holdable(value):
        passing.returned(value, (Origin(run.id, run.namespace, run.job, NAMESPACE, run.job),))


def stream_entry(run: Run) -> events.DatasetEntry:
    """The entry of what a generator yielded."""
    return events.entry(NAMESPACE, run.job)


def stream_input(run: Run, argument: str) -> events.DatasetEntry:
    """The entry of a generator that arrived as an argument."""
    passed = facets.passed(run.id, {"namespace": run.namespace, "name": run.job}, argument)
    return events.entry(NAMESPACE, run.job, input_facets={"weftline_passed": passed})


def _parts(value: Any) -> list[tuple[str, Any]]:
    """The parts that are worth a dataset each: few, and with a life of their own; else none."""
    is_tuple = isinstance(value, tuple)
    if not is_tuple and not isinstance(value, dict) and not hasattr(type(value), "__dataclass_fields__"):
        return []
    if isinstance(value, (tuple, dict)) and not 0 < len(value) <= MAX_PARTS:
        return []
    parts = [(key, part) for key, part in passing.elements(value) if holdable(part)]
    things = [
        part for _, part in parts if not is_atom(part) and (is_tuple or not isinstance(part, (list, dict, tuple)))
    ]
    return parts if things and len(parts) <= MAX_PARTS else []


def _output(run: Run, name: str, value: Any) -> tuple[events.DatasetEntry, Origin]:
    described = describe_value(value)
    if described is None:
        return events.entry(NAMESPACE, name), Origin(run.id, run.namespace, run.job, NAMESPACE, name)
    statistics = None
    if described.rows is not None or described.bytes is not None:
        statistics = {"outputStatistics": facets.output_statistics(described.rows, described.bytes)}
    entry = events.entry(NAMESPACE, name, described.facets, output_facets=statistics)
    compared = described.digest if (described.bytes or 0) <= MAX_COMPARED and not is_atom(value) else None
    return entry, Origin(run.id, run.namespace, run.job, NAMESPACE, name, compared)


def _input(arrival: Arrival) -> events.DatasetEntry:
    """The entry of a value that arrived. It names the run that returned it, and by that the version."""
    origin = arrival.origin
    changed = origin.digest is not None and _digest(arrival.value) != origin.digest
    if changed:
        diagnostics.debug(f"{origin.dataset} was changed on its way from {origin.job}; the edge says so")
    job = {"namespace": origin.job_namespace, "name": origin.job}
    passed = facets.passed(origin.run_id, job, arrival.argument, changed=changed)
    return events.entry(origin.namespace, origin.dataset, input_facets={"weftline_passed": passed})


def _digest(value: Any) -> str | None:
    described = describe_value(value)
    return None if described is None else described.digest
