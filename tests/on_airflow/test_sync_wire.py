"""`lineage airflow sync` against an Airflow that limits, refuses or goes away; the service is real."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.server import Server, serving
from on_airflow import rest_stub
from on_airflow.rest_stub import Airflow, Answer
from on_airflow.standalone import BIN, environment_made

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]


@pytest.fixture
def lineage_service(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "data") as server:
        yield server


def _sync(airflow: Airflow, service: Server, **settings: str) -> tuple[int, dict[str, Any], str]:
    environment_made()
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("LINEAGE_", "AIRFLOW"))}
    home = str(service.data.with_name("home"))
    given = {
        "AIRFLOW_API_URL": airflow.url,
        "AIRFLOW_API_TOKEN": "token",
        "LINEAGE_URL": service.url,
        "LINEAGE_HOME": home,
    }
    environment = {**kept, **given, **settings}
    command = [str(BIN / "lineage"), "airflow", "sync", "--json"]
    environment = {name: text for name, text in environment.items() if text}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=110, check=False)
    return ended.returncode, json.loads(ended.stdout) if ended.stdout else {}, ended.stderr


def _runs(service: Server) -> int:
    service.settle()
    return len(service.client.get("/api/v1/runs", params={"limit": 1000}).json()["items"])


def test_a_limited_rate_is_waited_for(lineage_service: Server) -> None:
    def limited(airflow: Airflow, path: str, query: dict[str, str]) -> Answer | None:
        first = sum(1 for asked, _ in airflow.asked if asked == path) == 1
        return (429, {"detail": "slowly"}, {"Retry-After": "0"}) if first else None

    with rest_stub.serving(Airflow(25, page=10, misbehave=limited)) as airflow:
        code, report, said = _sync(airflow, lineage_service)
    assert (code, said) == (0, "")
    assert report["created"] == {"success": 26}
    assert _runs(lineage_service) == 26


def test_a_round_cut_short_goes_on_where_it_was(lineage_service: Server) -> None:
    gone = True

    def refuses(airflow: Airflow, path: str, query: dict[str, str]) -> Answer | None:
        if gone and query.get("cursor") == "20":
            return 403, {"detail": "not any more"}, {}
        return None

    with rest_stub.serving(Airflow(35, page=10, misbehave=refuses)) as airflow:
        code, _, said = _sync(airflow, lineage_service)
        assert code != 0
        assert "not any more" in said
        assert _runs(lineage_service) >= 20
        gone = False
        airflow.asked.clear()
        code, report, said = _sync(airflow, lineage_service)
    assert (code, said) == (0, "")
    assert [query["cursor"] for path, query in airflow.asked if path.endswith("/taskInstances")] == ["20", "30"]
    assert report["task_instances"] == 15
    assert _runs(lineage_service) == 36


def test_a_login_becomes_a_token_or_basic_auth(lineage_service: Server) -> None:
    login = {"AIRFLOW_API_TOKEN": "", "AIRFLOW_API_USER": "ana", "AIRFLOW_API_PASSWORD": "s3cret"}
    with rest_stub.serving(Airflow(1, page=10)) as airflow:
        assert _sync(airflow, lineage_service, **login)[0] == 0
        assert airflow.credentials == {"", "Bearer issued"}

    def issues_none(airflow: Airflow, path: str, query: dict[str, str]) -> Answer | None:
        return (404, {"detail": "Not Found"}, {}) if path == "/auth/token" else None

    with rest_stub.serving(Airflow(1, page=10, misbehave=issues_none)) as airflow:
        assert _sync(airflow, lineage_service, **login)[0] == 0
        assert airflow.credentials == {"", f"Basic {base64.b64encode(b'ana:s3cret').decode()}"}


def test_an_airflow_that_is_not_there_is_unreachable(lineage_service: Server) -> None:
    with rest_stub.serving(Airflow(1, page=10)) as airflow:
        pass
    code, _, said = _sync(airflow, lineage_service)
    assert code == 3
    assert "no Airflow answers" in said
