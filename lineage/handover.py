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
    from lineage.orchestrator import Named
    from lineage.runs import Run

MAX_PARTS = 16
MAX_COMPARED = 4 << 20
"""Bytes up to which a value's content is looked at again when it arrives, to see whether it was changed on its way."""


def inputs(
    arguments: Mapping[str, Any],
    run_id: str,
    known: set[tuple[str, str]],
    said: Mapping[str, tuple[Named, ...]] | None = None,
) -> list[events.DatasetEntry]:
    """Entries for those `arguments` that other runs returned.

    Args:
        arguments: values by the name they arrived under.
        run_id: the run they arrive in; what it returned itself is no input.
        known: (run, dataset) of inputs it already has; extended.
        said: by argument, the runs an orchestrator says have returned it; for those arguments no other run counts.
    """
    found = []
    for arrival in passing.arrivals(arguments):
        key = (arrival.origin.run_id, arrival.origin.dataset)
        handed_by = (said or {}).get(arrival.argument.partition("[")[0])
        if handed_by is not None and all(run.run_id != arrival.origin.run_id for run in handed_by):
            continue
        if arrival.origin.run_id != run_id and key not in known:
            known.add(key)
            found.append(_input(arrival))
    return found


def handed(
    said: Mapping[str, tuple[Named, ...]], arguments: Mapping[str, Any], known: set[tuple[str, str]]
) -> list[events.DatasetEntry]:
    """Entries for values of which an orchestrator says which runs returned them, where their identity has not shown it.

    Args:
        said: by argument, the runs that returned it.
        arguments: values by the name they arrived under.
        known: (run, dataset) of inputs that are told already; extended.
    """
    found = []
    for argument, origins in said.items():
        parts = _parts(arguments.get(argument)) if len(origins) == 1 else []
        for origin in origins:
            if any(run_id == origin.run_id for run_id, _ in known):
                continue
            for name in [f"{origin.job}[{key}]" for key, _ in parts] or [origin.job]:
                known.add((origin.run_id, name))
                passed = facets.passed(origin.run_id, origin.job_entry, argument)
                found.append(events.entry(NAMESPACE, name, input_facets={"weftline_passed": passed}))
    return found


def outputs(run: Run, value: Any, code: CodeType | None) -> list[events.DatasetEntry]:
    """Entries for the value a run returned, which is registered so that it is known again as an argument.

    Args:
        run: the run.
        value: what it returned.
        code: its function's code, whose literals cannot be told apart from the caller's.

    Returns:
        The value's entries; of one that cannot be followed, only where an orchestrator keeps account of values.
    """
    if isinstance(value, Dataset):
        return []
    if not holdable(value) or passing.constant_of(code, value):
        diagnostics.debug(
            f"{run.job} returned a {type(value).__name__} that cannot be followed: the same object occurs elsewhere "
            "too, as small and literal values do; declare the edge with log_output and log_input"
        )
        return [_output(run, run.job, value)[0]] if run.itself else []
    parts = _parts(value)
    if not parts:
        return _whole(run, value)
    found, origins = [], []
    for key, part in parts:
        entry, origin = _output(run, f"{run.job}[{key}]", part)
        known = passing.returned_inside(part, (origin,))
        if known or run.itself:
            found.append(entry)
        if known:
            origins.append(origin)
    if origins:
        passing.returned(value, tuple(origins))
    return found


def recalled(job: Named, value: Any, run_id: str | None) -> list[events.DatasetEntry]:
    """Entries for a value that an earlier run returned and that came back from a cache; registered as that run's.

    Args:
        job: a run of the job that returned it.
        value: the value as it came back.
        run_id: the run that returned it; without it the value is known by its content alone.
    """
    found, origins = [], []
    named = [(f"{job.job}[{key}]", part) for key, part in _parts(value)]
    for name, part in named or [(job.job, value)]:
        described = describe_value(part)
        found.append(events.entry(NAMESPACE, name, described.facets if described is not None else None))
        if described is not None or run_id is not None:
            origins.append(Origin(run_id or "", job.namespace, job.job, NAMESPACE, name))
            passing.returned_inside(part, (origins[-1],))
    if named and origins:
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
    return [entry] if known or run.itself else []


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
    described = describe_value(value, brief=True)
    if described is None or described.content is None or described.content.value is None:
        if described is not None and described.content is not None and described.content.note:
            run.lacks(name, described.content.note)
        return events.entry(NAMESPACE, name), Origin(run.id, run.namespace, run.job, NAMESPACE, name)
    statistics = None
    if described.rows is not None or described.bytes is not None:
        statistics = {"outputStatistics": facets.output_statistics(described.rows, described.bytes)}
    entry = events.entry(NAMESPACE, name, described.facets, output_facets=statistics)
    compared = described.digest if (described.bytes or 0) <= MAX_COMPARED and not is_atom(value) else None
    return entry, Origin(run.id, run.namespace, run.job, NAMESPACE, name, compared)


def _input(arrival: Arrival) -> events.DatasetEntry:
    """The entry of a value that arrived. It names the run that returned it, and by that the version.

    Where that run is not known, as of a cached value, the content is the version.
    """
    origin = arrival.origin
    if not origin.run_id:
        described = describe_value(arrival.value)
        return events.entry(origin.namespace, origin.dataset, described.facets if described is not None else None)
    changed = origin.digest is not None and _digest(arrival.value) != origin.digest
    if changed:
        diagnostics.debug(f"{origin.dataset} was changed on its way from {origin.job}; the edge says so")
    job = {"namespace": origin.job_namespace, "name": origin.job}
    passed = facets.passed(origin.run_id, job, arrival.argument, changed=changed)
    return events.entry(origin.namespace, origin.dataset, input_facets={"weftline_passed": passed})


def _digest(value: Any) -> str | None:
    described = describe_value(value, brief=True)
    return None if described is None else described.digest
