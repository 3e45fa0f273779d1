"""What Airflow's provider manager is told of this package: the connection type `lineage`. Imports nothing."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """The provider's metadata, in the shape Airflow's schema asks for."""
    return {
        "package-name": "weftline",
        "name": "weftline",
        "description": "Lineage of DAGs: what produced what, from raw data to model.",
        "connection-types": [
            {"connection-type": "lineage", "hook-class-name": "lineage_airflow.hooks.LineageHook"},
        ],
    }
