"""A sensor that waits for data by its lineage: until a version of a dataset is known to be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk.bases.sensor import BaseSensorOperator, PokeReturnValue
from airflow.sdk.configuration import conf

from lineage.events import entry
from lineage_airflow.hooks import DEFAULT_CONNECTION, LineageHook
from lineage_airflow.telling import tell
from lineage_airflow.triggers import DatasetVersionTrigger
from lineage_airflow.waiting import dataset_ref, version_of


class DatasetVersionSensor(BaseSensorOperator):
    """Wait for a version of a dataset; the version becomes the task's value, and an input of its run.

    Args:
        dataset: the dataset: an address, or `dataset:<namespace>#<name>`, with `@version` for one certain version.
        since: RFC 3339; without a version, wait for one made then or later. Default the time the DAG run is for.
        lineage_conn_id: the connection.
        deferrable: wait in the triggerer; default as Airflow is configured.
    """

    template_fields: Sequence[str] = ("dataset", "since")

    def __init__(
        self,
        *,
        dataset: str,
        since: str | None = None,
        lineage_conn_id: str = DEFAULT_CONNECTION,
        deferrable: bool | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.dataset = dataset
        self.since = since
        self.lineage_conn_id = lineage_conn_id
        configured = conf.getboolean("operators", "default_deferrable", fallback=False)
        self.deferrable = configured if deferrable is None else deferrable

    def execute(self, context: Mapping[str, Any]) -> Any:
        """Wait, in a worker or in the triggerer."""
        if not self.deferrable:
            return super().execute(context)
        found = self._version(context)
        if found is not None:
            return self._arrived(context, found)
        trigger = DatasetVersionTrigger(self.dataset, self._since(context), self.poke_interval, self.lineage_conn_id)
        limit = None if self.timeout is None else timedelta(seconds=float(self.timeout))
        return self.defer(trigger=trigger, method_name="resumed", timeout=limit)

    def poke(self, context: Mapping[str, Any]) -> PokeReturnValue:
        """Ask once."""
        found = self._version(context)
        return PokeReturnValue(found is not None, None if found is None else self._arrived(context, found))

    def resumed(self, context: Mapping[str, Any], event: str) -> str:
        """The trigger has fired."""
        return self._arrived(context, event)

    def _version(self, context: Mapping[str, Any]) -> str | None:
        since = self._since(context)
        with LineageHook(self.lineage_conn_id).get_conn() as client:
            moment = None if since is None else datetime.fromisoformat(since)
            return version_of(client, dataset_ref(self.dataset), moment)

    def _since(self, context: Mapping[str, Any]) -> str | None:
        if self.since:
            return self.since
        dag_run = context["dag_run"]
        return str((dag_run.logical_date or dag_run.run_after).isoformat())

    def _arrived(self, context: Mapping[str, Any], version: str) -> str:
        wanted = dataset_ref(self.dataset)
        tell(context, inputs=[entry(wanted.namespace or "", wanted.name)])
        return version
