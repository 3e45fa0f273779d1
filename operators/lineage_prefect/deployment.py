"""The version of the code that a deployment runs, as Prefect's server knows it.

Owns one question to Prefect's API, asked once per process by the thread that captures the evidence: no task waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings

from lineage_prefect import deployment_of

SECONDS = 2.0

_running: list[Any] = []


def note(deployment_id: Any) -> None:
    """Remember that this process runs a flow of a deployment."""
    if not _running:
        _running.append(deployment_id)


def code() -> Mapping[str, Any] | None:
    """Repository, commit and branch that the deployment was made from, or clones when it starts; None if unknown."""
    if not _running or not get_current_settings().api.url:
        return None
    with get_client(sync_client=True, httpx_settings={"timeout": SECONDS}) as client:
        return deployment_of.code(client.read_deployment(_running[0]).model_dump(mode="json"))
