"""Airflow's calls to us: a task or DAG run begins or ends, a process stops.

Owns their signatures and the promise that none of them raises, waits for a network or leaves anything behind; what is
told is `lifecycle`'s business, imported at the first call. The same object serves the worker's task process, the
scheduler and the API server.
"""

from __future__ import annotations

import logging
from typing import Any

import pluggy

hookimpl = pluggy.HookimplMarker("airflow")
log = logging.getLogger(__name__)


class LineageListener:
    """Called by Airflow; has no state, so that it may be pickled and forked."""

    @hookimpl
    def on_task_instance_running(self, previous_state: Any, task_instance: Any) -> None:
        """In the task's process, before its operator runs."""
        _tell("task_began", task_instance)

    @hookimpl
    def on_task_instance_success(self, previous_state: Any, task_instance: Any) -> None:
        """In the task's process; in the API server if somebody set the state."""
        _tell("task_ended", task_instance, "success")

    @hookimpl
    def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: Any) -> None:
        """In the task's process; in the scheduler if the task was lost; in the API server if somebody set the state."""
        _tell("task_ended", task_instance, "failed", error)

    @hookimpl
    def on_task_instance_skipped(self, previous_state: Any, task_instance: Any) -> None:
        """In the task's process, if the task skips itself; in the API server if somebody set the state."""
        _tell("task_ended", task_instance, "skipped")

    @hookimpl
    def on_dag_run_running(self, dag_run: Any, msg: str) -> None:
        """In the scheduler."""
        _tell("dag_began", dag_run)

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:
        """In the scheduler; in the API server if somebody set the state."""
        _tell("dag_ended", dag_run, "success", msg)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        """In the scheduler; in the API server if somebody set the state."""
        _tell("dag_ended", dag_run, "failed", msg)

    @hookimpl
    def before_stopping(self, component: Any) -> None:
        """In every process; the task's one ends without running its exit handlers."""
        if type(component).__name__ == "TaskRunnerMarker":
            _tell("task_process_ends")


def _tell(what: str, *arguments: Any) -> None:
    try:
        from lineage_airflow import lifecycle

        getattr(lifecycle, what)(*arguments)
    except Exception:
        log.debug("lineage: %s is not told", what, exc_info=True)
