"""XComs as datasets: what a task returned and another one was given.

Owns their names and versions. A value in XCom lives at an address that both sides know without asking: DAG, DAG run,
task, map index, key. So it is the dataset `<dag>.<task>` in namespace `memory` (`<dag>.<task>[key]` for another key
than the returned value), its version is the DAG run with the map index, and connecting the two asks Airflow nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from lineage import diagnostics, events, facets
from lineage.datasets import MEMORY_NAMESPACE
from lineage.digests import describe_value

RETURNED = "return_value"
MAX_MAPPED = 256
"""How many values of a mapped task are named one by one where a later task takes all of them."""


def returned(ti: Any, value: Any) -> list[events.DatasetEntry]:
    """Entries for the value that a task returned, as far as Airflow passes it on."""
    if value is None or not getattr(ti.task, "do_xcom_push", True):
        return []
    index = ti.map_index if ti.map_index is not None else -1
    version = _version(ti.run_id, index)
    found = [_entry(_name(ti.dag_id, ti.task_id, RETURNED), version, value)]
    if getattr(ti.task, "multiple_outputs", False) and isinstance(value, dict):
        found += [_entry(_name(ti.dag_id, ti.task_id, str(key)), version, part) for key, part in value.items()]
    return found


def received(ti: Any) -> list[events.DatasetEntry]:
    """Entries for the values that a task was given by others."""
    found = {}
    for upstream, key in _references(ti):
        name = _name(ti.dag_id, upstream.task_id, key)
        for index in _indexes(ti, upstream):
            version = _version(ti.run_id, index)
            found[name, version] = _entry(name, version)
    return list(found.values())


def _references(ti: Any) -> Iterator[tuple[Any, str]]:
    """The (operator, key) a task refers to, as its DAG states them: in the running task they are values by now."""
    from airflow.sdk.definitions.xcom_arg import XComArg

    stated = ti.task.dag.get_task(ti.task_id)
    fields: Iterable[Any]
    if getattr(stated, "is_mapped", False):
        yield from stated._get_specified_expand_input().iter_references()
        fields = stated.partial_kwargs.values()
    else:
        fields = [getattr(stated, field, None) for field in stated.template_fields]
    for field in fields:
        yield from XComArg.iter_xcom_references(field)
    around = stated.get_closest_mapped_task_group()
    if around is not None:
        yield from around._expand_input.iter_references()


def _indexes(ti: Any, upstream: Any) -> Iterable[int]:
    """Map indexes of the upstream attempts whose values the task was given; -1 for a task that is not mapped."""
    theirs = upstream if getattr(upstream, "is_mapped", False) else upstream.get_closest_mapped_task_group()
    if theirs is None:
        return (-1,)
    stated = ti.task.dag.get_task(ti.task_id)
    if ti.map_index is not None and ti.map_index >= 0 and _in_step(stated, upstream):
        return (ti.map_index,)
    from airflow.sdk.execution_time.task_mapping import get_ti_count_for_task

    count = get_ti_count_for_task(upstream.task_id, ti.dag_id, ti.run_id)
    if count > MAX_MAPPED:
        diagnostics.debug(f"{upstream.task_id} is mapped {count} times: the first {MAX_MAPPED} values are named")
    return range(min(count, MAX_MAPPED))


def _in_step(stated: Any, upstream: Any) -> bool:
    """Whether each mapped attempt takes the value of the upstream attempt with its own index."""
    around = stated.get_closest_mapped_task_group()
    if around is not None and around is upstream.get_closest_mapped_task_group():
        return True
    if not getattr(stated, "is_mapped", False):
        return False
    expanded = [operator for operator, _ in stated._get_specified_expand_input().iter_references()]
    return len(expanded) == 1 and expanded[0] is upstream


def _name(dag_id: str, task_id: str, key: str) -> str:
    return f"{dag_id}.{task_id}" if key == RETURNED else f"{dag_id}.{task_id}[{key}]"


def _version(run_id: str, map_index: int) -> str:
    return run_id if map_index < 0 else f"{run_id}[{map_index}]"


def _entry(name: str, version: str, value: Any = None) -> events.DatasetEntry:
    described = None if value is None else describe_value(value)
    found = {"version": facets.version(version)}
    if described is None:
        return events.entry(MEMORY_NAMESPACE, name, found)
    statistics = None
    if described.rows is not None or described.bytes is not None:
        statistics = {"outputStatistics": facets.output_statistics(described.rows, described.bytes)}
    return events.entry(MEMORY_NAMESPACE, name, {**described.facets, **found}, output_facets=statistics)
