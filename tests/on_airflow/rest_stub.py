"""A server that speaks as much of Airflow's REST API as `lineage airflow sync` asks, and fails as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

DUE = "2026-11-01T00:00:00Z"
Answer = tuple[int, dict[str, Any], dict[str, str]]
Misbehaviour = Callable[["Airflow", str, dict[str, str]], Answer | None]


class Airflow:
    """Rows and what was asked.

    Args:
        instances: how many task instances its one DAG run has.
        page: rows in one answer.
        misbehave: asked first about each request; answers in its place if it wants to.
    """

    def __init__(self, instances: int, page: int, misbehave: Misbehaviour | None = None) -> None:
        self.instances = instances
        self.page = page
        self.misbehave = misbehave
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.credentials: set[str] = set()
        self.url = ""

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        """What a request is answered."""
        self.asked.append((path, query))
        instead = None if self.misbehave is None else self.misbehave(self, path, query)
        if instead is not None:
            return instead
        if path == "/auth/token":
            return 201, {"access_token": "issued"}, {}
        if path.endswith("/taskInstances"):
            first = int(query["cursor"] or 0)
            rows = [self._instance(number) for number in range(first, min(first + self.page, self.instances))]
            more = first + self.page
            return 200, {"task_instances": rows, "next_cursor": str(more) if more < self.instances else None}, {}
        if path.endswith("/dagRuns"):
            return 200, {"dag_runs": [self._dag_run()], "total_entries": 1}, {}
        return 200, {"asset_events": [], "total_entries": 0}, {}

    def _dag_run(self) -> dict[str, Any]:
        times = {"logical_date": DUE, "run_after": DUE, "start_date": DUE, "end_date": "2026-11-01T01:00:00Z"}
        return {"dag_id": "d", "dag_run_id": "r", "state": "success", "conf": {}, **times}

    def _instance(self, number: int) -> dict[str, Any]:
        times = {"start_date": "2026-11-01T00:00:01Z", "end_date": "2026-11-01T00:00:02Z"}
        place = {"dag_id": "d", "dag_run_id": "r", "task_id": "t", "map_index": number}
        return {**place, "state": "success", "try_number": 1, **times}


@contextmanager
def serving(airflow: Airflow) -> Iterator[Airflow]:
    """Serve it on the loopback address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._respond()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._respond()

        def _respond(self) -> None:
            airflow.credentials.add(self.headers.get("Authorization", ""))
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
            status, body, headers = airflow.answer(parts.path.removeprefix("/api/v2"), query)
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, text in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    airflow.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield airflow
    finally:
        server.shutdown()
        server.server_close()
