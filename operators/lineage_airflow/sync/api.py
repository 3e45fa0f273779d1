"""Airflow's public REST API, read page by page through its own client.

Owns signing in, paging, and patience with a server that is busy or limits rates; counts its requests. Answers are plain
dictionaries, as they came: what they mean is `attempts`' business.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from lineage.errors import ServiceRefused, ServiceUnavailable
from lineage.settings import without_userinfo

if TYPE_CHECKING:
    from airflow_client.client import ApiClient

PAGE = 1000
"""Asked for; Airflow answers at most its own `[api] maximum_page_limit`, 100 by default."""
_TRIES = 6
_BUSY = (429, 500, 502, 503, 504)
Row = dict[str, Any]


class AirflowApi:
    """One Airflow.

    Args:
        url: address of its API server, without `/api/v2`.
        token: bearer token, if there is one.
        login: user and password; exchanged for a token where Airflow issues them, else sent as basic auth.

    Every method raises `ServiceUnavailable` when nothing answers, and `ServiceRefused` when Airflow says no.
    """

    def __init__(self, url: str, *, token: str | None = None, login: tuple[str, str] | None = None) -> None:
        self.url = without_userinfo(url)
        self.requests = 0
        self.clock: datetime | None = None
        self._token = token
        self._login = login
        self._client: ApiClient | None = None

    def dag_runs(self, since: datetime | None, dag: str | None) -> Iterator[list[Row]]:
        """DAG runs changed since then, in pages."""
        from airflow_client.client.api.dag_run_api import DagRunApi

        ask = DagRunApi(self._connected()).get_dag_runs_without_preload_content
        yield from self._pages("dag_runs", ask, dag_id=dag or "~", updated_at_gte=since)

    def task_instances(
        self, since: datetime | None, dag: str | None, cursor: str = ""
    ) -> Iterator[tuple[list[Row], str]]:
        """Task instances changed since then, in pages, each with the cursor that continues after it."""
        from airflow_client.client.api.task_instance_api import TaskInstanceApi

        ask = TaskInstanceApi(self._connected()).get_task_instances_without_preload_content
        place = {"dag_id": dag or "~", "dag_run_id": "~", "updated_at_gte": since}
        yield from self._cursored("task_instances", ask, cursor, **place)

    def tries(self, row: Row) -> list[Row]:
        """Every attempt of a task instance."""
        from airflow_client.client.api.task_instance_api import TaskInstanceApi

        api = TaskInstanceApi(self._connected())
        place = {"dag_id": row["dag_id"], "dag_run_id": row["dag_run_id"], "task_id": row["task_id"]}
        if row["map_index"] >= 0:
            ask = api.get_mapped_task_instance_tries_without_preload_content
            return list(self._ask(ask, **place, map_index=row["map_index"])["task_instances"])
        return list(self._ask(api.get_task_instance_tries_without_preload_content, **place)["task_instances"])

    def asset_events(self, since: datetime | None, dag: str | None) -> Iterator[list[Row]]:
        """Asset events since then, in pages."""
        from airflow_client.client.api.asset_api import AssetApi

        ask = AssetApi(self._connected()).get_asset_events_without_preload_content
        yield from self._pages("asset_events", ask, source_dag_id=dag, timestamp_gte=since)

    def dag_run(self, dag_id: str, run_id: str) -> Row:
        """One DAG run."""
        from airflow_client.client.api.dag_run_api import DagRunApi

        return self._ask(
            DagRunApi(self._connected()).get_dag_run_without_preload_content, dag_id=dag_id, dag_run_id=run_id
        )

    def _cursored(self, key: str, ask: Any, cursor: str, **where: Any) -> Iterator[tuple[list[Row], str]]:
        """By Airflow's keyset cursor, which no row that changes meanwhile can disturb; before 3.2 by offset."""
        while True:
            answer = self._ask(ask, **where, limit=PAGE, cursor=cursor)
            rows = answer[key]
            if "next_cursor" not in answer:
                yield from self._by_offset(key, ask, rows, answer, **where)
                return
            cursor = answer["next_cursor"] or ""
            yield rows, cursor
            if not cursor or not rows:
                return

    def _by_offset(
        self, key: str, ask: Any, rows: list[Row], answer: Row, **where: Any
    ) -> Iterator[tuple[list[Row], str]]:
        read = 0
        while True:
            read += len(rows)
            yield rows, ""
            if not rows or read >= (answer.get("total_entries") or 0):
                return
            answer = self._ask(ask, **where, limit=PAGE, offset=read)
            rows = answer[key]

    def _pages(self, key: str, ask: Any, **where: Any) -> Iterator[list[Row]]:
        answer = self._ask(ask, **where, limit=PAGE, order_by=["timestamp" if key == "asset_events" else "id"])
        for rows, _ in self._by_offset(key, ask, answer[key], answer, **where):
            yield rows

    def _ask(self, ask: Any, **arguments: Any) -> Row:
        from airflow_client.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        self.requests += 1
        try:
            answer = ask(**{name: value for name, value in arguments.items() if value is not None})
            body = answer.read()
        except ApiException as error:
            raise ServiceRefused(int(error.status or 0), {"title": "Airflow refused", "detail": error.reason}) from None
        except HTTPError as error:
            raise ServiceUnavailable(f"no Airflow answers at {self.url} ({error})") from None
        if answer.status >= 400:
            raise ServiceRefused(
                answer.status, {"title": f"Airflow refused with {answer.status}", "detail": _said(body)}
            )
        if self.clock is None and answer.headers.get("Date"):
            self.clock = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC) - timedelta(seconds=1)
        return dict(json.loads(body))

    def _connected(self) -> ApiClient:
        if self._client is not None:
            return self._client
        try:
            from airflow_client.client import ApiClient, Configuration
        except ImportError:
            raise ServiceUnavailable('Airflow\'s client is not installed: pip install "weftline[airflow]"') from None
        from urllib3 import Retry

        configuration = Configuration(host=self.url)
        configuration.retries = Retry(
            _TRIES,
            connect=2,
            backoff_factor=0.5,
            status_forcelist=_BUSY,
            respect_retry_after_header=True,
            raise_on_status=False,
        )
        self._client = ApiClient(configuration)
        if self._token is None and self._login is not None:
            self._token = self._issued(self._client, self._login)
        if self._token is not None:
            configuration.access_token = self._token
        elif self._login is not None:
            # Airflow's client knows no basic auth any more, its auth managers still do.
            encoded = b64encode(":".join(self._login).encode()).decode()
            self._client.set_default_header("Authorization", f"Basic {encoded}")
        return self._client

    def _issued(self, client: ApiClient, login: tuple[str, str]) -> str | None:
        """A token for a login, or None where this Airflow issues none."""
        from urllib3.exceptions import HTTPError

        self.requests += 1
        body = {"username": login[0], "password": login[1]}
        headers = {"Content-Type": "application/json"}
        try:
            answer = client.rest_client.request("POST", f"{self.url}/auth/token", headers=headers, body=body)
            said = answer.read()
        except HTTPError as error:
            raise ServiceUnavailable(f"no Airflow answers at {self.url} ({error})") from None
        if answer.status in (404, 405):
            return None
        if answer.status >= 300:
            raise ServiceRefused(answer.status, {"title": "Airflow refuses this login", "detail": _said(said)})
        return str(json.loads(said)["access_token"])


def _said(body: bytes) -> str:
    try:
        return str(json.loads(body).get("detail"))[:300]
    except (ValueError, AttributeError):
        return body[:300].decode("utf-8", "replace")
