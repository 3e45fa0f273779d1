"""Ids and names of Airflow's runs, equal to those the OpenLineage provider gives them, with or without it.

Owns the rule from (DAG, run, task, attempt, map index) to run id, job name and namespace, and how a DAG run's
configuration names a parent outside Airflow. It reads only what it is given: a task instance of the worker, of the
scheduler, or a row of the REST API will do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha1
from typing import Any
from uuid import UUID

from lineage import settings
from lineage.orchestrator import Named

_MILLISECONDS = (1 << 48) - 1
_NODE = (1 << 80) - 1


def static_uuid(instant: datetime, data: str) -> str:
    """The id that `openlineage.client.uuid.generate_static_uuid` makes; importing that costs half a second."""
    moment = instant.astimezone(UTC)
    digest = sha1(moment.isoformat().encode() + data.encode(), usedforsecurity=False).digest()
    node = int.from_bytes(digest, "big") >> 84
    number = (int(moment.timestamp() * 1000) & _MILLISECONDS) << 80 | node & _NODE
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0b11 << 62) | 0b10 << 62
    return str(UUID(int=number))


@cache
def namespace() -> str:
    """Namespace of Airflow's jobs: the provider's setting, else that of the SDK."""
    from airflow.sdk.configuration import conf

    return str(conf.get("openlineage", "namespace", fallback="")) or settings.current().namespace


def instant(dag_run: Any) -> datetime:
    """The time a DAG run's ids are made of: a run started by hand has no logical date."""
    found: datetime = dag_run.logical_date or dag_run.run_after
    return found


def dag_run_id(space: str, dag_id: str, moment: datetime, clear_number: int = 0) -> str:
    """Id of a DAG run."""
    return static_uuid(moment, f"{space}.{dag_id}.{clear_number}")


def task_run_id(space: str, dag_id: str, task_id: str, moment: datetime, try_number: int, map_index: int) -> str:
    """Id of one attempt of a task."""
    return static_uuid(moment, f"{space}.{dag_id}.{task_id}.{try_number}.{map_index}")


def dag_named(dag_run: Any) -> Named:
    """A DAG run as events name it."""
    clear_number = getattr(dag_run, "clear_number", 0) or 0
    found = dag_run_id(namespace(), dag_run.dag_id, instant(dag_run), clear_number)
    return Named(found, dag_run.dag_id, namespace())


def task_named(ti: Any, dag_run: Any) -> Named:
    """An attempt of a task as events name it."""
    map_index = -1 if ti.map_index is None else ti.map_index
    found = task_run_id(namespace(), ti.dag_id, ti.task_id, instant(dag_run), ti.try_number, map_index)
    return Named(found, f"{ti.dag_id}.{ti.task_id}", namespace())


def outside(conf: Mapping[str, Any] | None) -> tuple[Named | None, Named | None]:
    """Parent and root that a DAG run's configuration names under `openlineage`; each needs all three of its parts."""
    said = (conf or {}).get("openlineage")
    if not isinstance(said, Mapping):
        return None, None
    parent, root = _named(said, "parent"), _named(said, "rootParent")
    return parent, root


def _named(said: Mapping[str, Any], which: str) -> Named | None:
    run_id, job, space = (said.get(f"{which}{part}") for part in ("RunId", "JobName", "JobNamespace"))
    if not (isinstance(run_id, str) and isinstance(job, str) and isinstance(space, str) and run_id and job and space):
        return None
    try:
        UUID(run_id)
    except ValueError:
        return None
    return Named(run_id, job, space)
