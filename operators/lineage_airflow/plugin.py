"""The plugin that Airflow finds by its entry point: it registers the listener, nothing else.

Every process of Airflow imports this, the DAG processor and the API server included; so it imports next to nothing.
"""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from lineage_airflow.listener import LineageListener


class LineagePlugin(AirflowPlugin):
    """Registers the listener."""

    name = "weftline"
    listeners = [LineageListener()]  # noqa: RUF012 - Airflow reads a plain list off the class
