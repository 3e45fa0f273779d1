"""What waits in Airflow's triggerer instead of a worker's slot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from lineage.errors import ServiceUnavailable
from lineage_airflow.hooks import LineageHook
from lineage_airflow.waiting import dataset_ref, version_of


class DatasetVersionTrigger(BaseTrigger):
    """Fires when a version of a dataset is there.

    Args:
        dataset: the dataset, as a reference or address.
        since: RFC 3339; only versions made then or later. None for any.
        poke_interval: seconds between two questions.
        lineage_conn_id: the connection.
    """

    def __init__(self, dataset: str, since: str | None, poke_interval: float, lineage_conn_id: str) -> None:
        super().__init__()
        self.dataset = dataset
        self.since = since
        self.poke_interval = poke_interval
        self.lineage_conn_id = lineage_conn_id

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class and arguments, as Airflow keeps them."""
        arguments = {
            "dataset": self.dataset,
            "since": self.since,
            "poke_interval": self.poke_interval,
            "lineage_conn_id": self.lineage_conn_id,
        }
        return "lineage_airflow.triggers.DatasetVersionTrigger", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until the version is there; a service that does not answer is asked again."""
        while True:
            # In a thread: the client is synchronous, and so is Airflow's look-up of a connection.
            try:
                found = await asyncio.to_thread(self._ask)
            except ServiceUnavailable as error:
                self.log.warning("%s", error)
                found = None
            if found is not None:
                yield TriggerEvent(found)
                return
            await asyncio.sleep(self.poke_interval)

    def _ask(self) -> str | None:
        since = None if self.since is None else datetime.fromisoformat(self.since)
        with LineageHook(self.lineage_conn_id).get_conn() as client:
            return version_of(client, dataset_ref(self.dataset), since)
