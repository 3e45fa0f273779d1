"""A real Airflow for the tests: `airflow standalone` in an environment of its own, and what a person asks of it.

Owns making that environment (`.venv-airflow`), starting and ending the processes, and the REST calls the tests need. It
listens on the loopback address, keeps everything in a temporary folder, and ends with the process that started it.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2 as httpx

from fixtures.server import eventually, free_port

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv-airflow" / "bin"
DAGS = Path(__file__).parent / "dags"
EXAMPLES = ROOT / "examples" / "airflow"
START_SECONDS = 240.0
RUN_SECONDS = 90.0
_KEEPER = ROOT / "tests" / "fixtures" / "neo4j_server" / "keeper.py"
# The keeper ends one process by its pid; Airflow's is the first of a group, whose others outlive it.
_GROUP = 'setsid "$0" "$@" & p=$!; trap "kill -TERM -$p; sleep 2; kill -KILL -$p" TERM; wait $p; wait $p'
_ADMIN = {"username": "admin", "password": "admin"}


def environment_made() -> None:
    """Make `.venv-airflow` as `make` does, unless it is there and up to date."""
    with open(ROOT / ".git" / "airflow.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "--silent", ".venv-airflow/.made"], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)


def _bundle(name: str, folder: Path) -> dict[str, Any]:
    path = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return {"name": name, "classpath": path, "kwargs": {"path": str(folder)}}


class Standalone:
    """One Airflow.

    Args:
        folder: an empty folder for everything it keeps.
        service: address of the lineage service.
        settings: environment variables on top of those every test has.
        python_path: put before the environment's own packages.
    """

    def __init__(self, folder: Path, service: str, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.work = folder / "work"
        self.work.mkdir(parents=True)
        passwords = folder / "passwords.json"
        passwords.write_text(json.dumps({"admin": "admin"}))
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("LINEAGE_", "AIRFLOW"))}
        self.environment = {
            **kept,
            "PATH": f"{BIN}:{kept['PATH']}",
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
                [_bundle("tests", DAGS), _bundle("ours", EXAMPLES)]
            ),
            "CHURN_FOLDER": str(folder / "work"),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "ml",
            "OPENLINEAGE__TRANSPORT__TYPE": "lineage.emit.transport.SpoolTransport",
            "AIRFLOW_CONN_LINEAGE_DEFAULT": json.dumps({"conn_type": "lineage", "host": service}),
            "LINEAGE_URL": service,
            "LINEAGE_HOME": str(folder / "lineage"),
            "WEFTLINE_TEST_WORK": str(self.work),
            **(settings or {}),
        }
        self.environment = {name: text for name, text in self.environment.items() if text}
        self.version = ""
        self._client = httpx.Client(base_url=self.url, timeout=90, trust_env=False)

    def start(self) -> Standalone:
        """Start every process and wait until DAGs can run."""
        command = [sys.executable, str(_KEEPER), str(os.getpid()), str(self.folder)]
        nothing = subprocess.DEVNULL
        airflow = ["bash", "-c", _GROUP, str(BIN / "airflow"), "standalone"]
        subprocess.run(
            [*command, *airflow], check=True, stdin=nothing, stdout=nothing, stderr=nothing, env=self.environment
        )
        eventually(self._is_healthy, START_SECONDS, f"Airflow's health (log: {self.folder / 'output'})")
        token = self._client.post("/auth/token", json=_ADMIN).json()["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"
        self.version = str(self.get("/version")["version"])
        eventually(lambda: len(self.get("/dags")["dags"]) == 11, START_SECONDS, "the DAGs to be read")
        return self

    def stop(self) -> None:
        """End every process, if that has not been done."""
        self._client.close()
        pid = self.folder / "pid"
        if pid.exists() and Path(f"/proc/{pid.read_text()}").exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)
            eventually(lambda: not Path(f"/proc/{pid.read_text()}").exists(), 30, "the end of Airflow")

    def get(self, path: str, **params: Any) -> Any:
        """GET under Airflow's public API."""
        answer = self._client.get(f"/api/v2{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def patch(self, path: str, body: Any) -> Any:
        """PATCH under Airflow's public API."""
        answer = self._client.patch(f"/api/v2{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def trigger(self, dag: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run of a DAG; its id."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        answer = self._client.post(f"/api/v2/dags/{dag}/dagRuns", json=body)
        assert answer.status_code < 300, answer.text
        return str(answer.json()["dag_run_id"])

    def ended(self, dag: str, run: str, seconds: float = RUN_SECONDS) -> str:
        """Wait for the end of a DAG run; its state."""

        def state() -> str | None:
            found = str(self.get(f"/dags/{dag}/dagRuns/{run}")["state"])
            return found if found in ("success", "failed") else None

        return str(eventually(state, seconds, f"the end of {dag} {run}"))

    def run(self, dag: str, conf: Mapping[str, Any] | None = None) -> tuple[str, str]:
        """Run a DAG to its end; run id and state."""
        started = self.trigger(dag, conf)
        return started, self.ended(dag, started)

    def instances(self, dag: str, run: str) -> dict[tuple[str, int], dict[str, Any]]:
        """Task instances by task and map index."""
        found = self.get(f"/dags/{dag}/dagRuns/{run}/taskInstances", limit=100)["task_instances"]
        return {(item["task_id"], item["map_index"]): item for item in found}

    def lineage(self, *arguments: str, seconds: float = 110) -> subprocess.CompletedProcess[str]:
        """Our command line, as installed beside this Airflow."""
        command = [str(BIN / "lineage"), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, check=False, env=self.environment, cwd=self.folder
        )

    def _is_healthy(self) -> bool:
        output = self.folder / "output"
        pid = self.folder / "pid"
        if pid.exists() and pid.read_text() and not Path(f"/proc/{pid.read_text()}").exists():
            raise AssertionError(f"Airflow ended:\n{output.read_text()[-4000:]}")
        try:
            health = self._client.get("/api/v2/monitor/health").json()
        except (httpx.HTTPError, ValueError):
            time.sleep(0.2)
            return False
        return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))
