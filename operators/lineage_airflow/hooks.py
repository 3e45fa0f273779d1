"""The hook of connection type `lineage`: which service an operator talks to.

Owns the reading of the connection: `host` is the service's address, or host, port and schema are; `password` is the
token; extra `project` the project. Without such a connection the `LINEAGE_*` variables count, as everywhere else.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk.bases.hook import BaseHook

from lineage import settings
from lineage.client import Client
from lineage.errors import LineageError, UsageError

DEFAULT_CONNECTION = "lineage_default"


class LineageHook(BaseHook):
    """A client of the lineage service.

    Args:
        lineage_conn_id: the connection.
    """

    conn_name_attr = "lineage_conn_id"
    default_conn_name = DEFAULT_CONNECTION
    conn_type = "lineage"
    hook_name = "Lineage (weftline)"

    def __init__(self, lineage_conn_id: str = DEFAULT_CONNECTION) -> None:
        super().__init__()
        self.lineage_conn_id = lineage_conn_id

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """What Airflow's form for the connection shows."""
        return {
            "hidden_fields": ["login"],
            "relabeling": {"host": "Address", "password": "Token", "schema": "Scheme"},
            "placeholders": {"host": "https://lineage.internal", "extra": '{"project": "default/default"}'},
        }

    def get_conn(self) -> Client:
        """A client for the service and project the connection names.

        Raises:
            UsageError: neither the connection nor LINEAGE_URL names a service.
        """
        now = settings.current()
        try:
            found = self.get_connection(self.lineage_conn_id)
        except Exception:
            # Airflow has a class of its own for this in each of its parts, and none that all of them share.
            if now.url is None:
                raise UsageError(f"no connection {self.lineage_conn_id!r}, and LINEAGE_URL is not set") from None
            return Client(now.url, now.token(), now.project)
        project = found.extra_dejson.get("project") or now.project
        return Client(_address(found), found.password or now.token(), str(project))

    def test_connection(self) -> tuple[bool, str]:
        """Whether the service answers; for the button in Airflow's form."""
        try:
            with self.get_conn() as client:
                page = client.runs(limit=1)
        except LineageError as error:
            return False, str(error)
        return True, f"{client.url} answers, at record {page['as_of']}"


def _address(found: Any) -> str:
    host = str(found.host or "")
    if "://" in host:
        return host
    port = f":{found.port}" if found.port else ""
    return f"{found.schema or 'http'}://{host}{port}"
