"""Who tells that a task begins and ends: Airflow's OpenLineage provider where it is at work, else our listener.

Owns that decision, taken once per attempt when it begins and kept for the process. Where the provider was told to leave
a task out, our listener leaves it out too, and a tracked function in it tells its own beginning and end.
"""

from __future__ import annotations

import sys
from enum import Enum
from typing import Any

from lineage import diagnostics


class Teller(Enum):
    """Who sends START and the end of a run."""

    PROVIDER = "the OpenLineage provider"
    LISTENER = "our listener"
    NOBODY = "nobody: the provider is told to leave it out"


Attempt = tuple[str, str, str, int, int]
_decided: dict[Attempt, Teller] = {}


def attempt(ti: Any) -> Attempt:
    """What tells an attempt apart within this process."""
    return ti.dag_id, ti.run_id, ti.task_id, -1 if ti.map_index is None else ti.map_index, ti.try_number


def decide(ti: Any, task: Any) -> Teller:
    """Who tells of this attempt; to be asked when it begins."""
    found = of_task(ti, task)
    _decided.clear()  # a process runs one attempt at a time
    _decided[attempt(ti)] = found
    return found


def decided(ti: Any) -> Teller | None:
    """What was decided when this attempt began in this process; None if no listener was called then."""
    return _decided.get(attempt(ti))


def of_task(ti: Any, task: Any) -> Teller:
    """Who tells of an attempt of `task`, which may be None where only its row in the database is at hand."""
    if not at_work():
        return Teller.LISTENER
    if task is None:
        return Teller.PROVIDER
    return Teller.PROVIDER if _emits_task(ti, task) else Teller.NOBODY


def of_dag(dag_run: Any) -> Teller:
    """Who tells of a DAG run."""
    if not at_work():
        return Teller.LISTENER
    return Teller.PROVIDER if _emits_dag(dag_run) else Teller.NOBODY


def at_work() -> bool:
    """Whether Airflow has loaded the provider's plugin in this process and it is not switched off."""
    if "airflow.providers.openlineage.plugins.listener" not in sys.modules:
        return False
    from airflow.providers.openlineage import conf

    return not conf.is_disabled()


def _emits_task(ti: Any, task: Any) -> bool:
    try:
        from airflow.providers.openlineage.utils.emission_policy import resolve_task_emission_policy

        return bool(resolve_task_emission_policy(operator=task, dag_id=ti.dag_id, task_id=ti.task_id).emit)
    except Exception as error:
        diagnostics.debug(f"the provider's emission policy cannot be read: {error!r}")
        return True


def _emits_dag(dag_run: Any) -> bool:
    try:
        from airflow.providers.openlineage.utils.emission_policy import resolve_dag_emission_policy

        return bool(resolve_dag_emission_policy(dag_run.dag_id, dag=dag_run.dag).emit)
    except Exception as error:
        diagnostics.debug(f"the provider's emission policy cannot be read: {error!r}")
        return True
