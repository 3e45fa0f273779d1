"""How runs and jobs of Prefect are called in events.

Owns the one rule by which decorator, hooks and subscriber, each in another process, arrive at the same run id and the
same job name. Pure; knows nothing of Prefect but its identifiers.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from lineage import settings
from lineage.orchestrator import Named


def attempt_id(run_id: UUID, attempt: int) -> str:
    """Run id of an attempt, counted from 1: Prefect's own id for the first, one derived from it for each further."""
    return str(run_id) if attempt <= 1 else str(uuid5(run_id, f"attempt {attempt}"))


def flow_run(run_id: UUID, attempt: int, flow: str) -> Named:
    """An attempt of a flow run; its job is called after the flow."""
    return Named(attempt_id(run_id, attempt), flow, settings.current().namespace)


def task_run(run_id: UUID, attempt: int, task: str, flow: str | None) -> Named:
    """An attempt of a task run; its job is `<flow>.<task>`, of a task that runs by itself `<task>`."""
    job = task if flow is None else f"{flow}.{task}"
    return Named(attempt_id(run_id, attempt), job, settings.current().namespace)
