"""A real Prefect server, one for all tests here, and flows run against it as users run them: as scripts of their own.

Prefect has an environment of its own, `.venv-prefect`, which `scripts/setup prefect` makes. Where it is missing the
tests fail: a run that met no Prefect has shown nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.asking import Project
from fixtures.command import Outcome
from fixtures.server import eventually, free_port
from on_prefect.story import story
from plugins.report import met

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv-prefect" / "bin"
FLOWS = Path(__file__).resolve().parent / "flows"
START_SECONDS = 150.0


class Prefect:
    """Scripts of one test, on the shared Prefect server and on a project of the service.

    Args:
        api: address of Prefect's API.
        project: where their lineage goes.
        folder: the test's own.
    """

    def __init__(self, api: str, home: Path, project: Project, folder: Path) -> None:
        self.api = api
        self.project = project
        self.folder = folder
        self.home = home
        self.service = project.server.url

    @property
    def environment(self) -> dict[str, str]:
        """What the scripts see."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LINEAGE_", "PREFECT_"))}
        return {
            **kept,
            "CHURN_FOLDER": str(self.folder),
            **quiet(self.home),
            "PREFECT_API_URL": self.api,
            "PREFECT_LOCAL_STORAGE_PATH": str(self.folder / "results"),
            "LINEAGE_HOME": str(self.folder / "lineage"),
            "LINEAGE_URL": self.service,
            "LINEAGE_PROJECT": self.project.name,
            "LINEAGE_EXIT_TIMEOUT": "20",
        }

    def start(self, script: str, *arguments: str, lineage: bool = True) -> subprocess.Popen[str]:
        """Start one of the scripts in `flows`, or `prefect` or `lineage`; without recording if not `lineage`."""
        program = (
            [str(BIN / script)] if script in ("prefect", "lineage") else [str(BIN / "python"), str(FLOWS / script)]
        )
        return subprocess.Popen(
            [*program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment if lineage else {**self.environment, "LINEAGE_DISABLED": "1"},
            cwd=self.folder,
            start_new_session=True,
        )

    def run(self, script: str, *arguments: str, code: int | None = 0, lineage: bool = True) -> Outcome:
        """Run one of them to its end, which must have the exit code `code`."""
        with self.start(script, *arguments, lineage=lineage) as process:
            out, err = process.communicate(timeout=110)
        assert code is None or process.returncode == code, err[-4000:]
        return Outcome(process.returncode, out, err)

    def watch(self) -> dict[str, int]:
        """Read back what Prefect's server has to tell, from the beginning, and have it in the graph."""
        shutil.rmtree(self.folder / "lineage" / "prefect", ignore_errors=True)
        read: dict[str, int] = self.run("lineage", "prefect", "watch", "--once", "--json").json
        assert self.run("lineage", "spool", "sync").code == 0
        self.project.server.settle()
        return read

    def watched(self, flow: str) -> list[str]:
        """The story of a flow after another look at Prefect's server."""
        self.watch()
        return story(self.project, flow)

    def wait_for_runs(self, count: int, over: bool = True) -> None:
        """Wait until the service knows of so many runs, all of them over."""

        def enough() -> bool:
            runs = self.project.get("/runs", limit=1000)["items"]
            return len(runs) >= count and (not over or all(run["ended_at"] for run in runs))

        eventually(enough, 60, f"{count} runs")
        self.project.server.settle()


def quiet(home: Path) -> dict[str, str]:
    """Settings of Prefect's for a server and flows that call nobody and say little."""
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_CLI_PROMPT": "false",
        "DO_NOT_TRACK": "1",
    }


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address of the API of a real Prefect server, and its home."""
    if not (BIN / "prefect").exists():
        pytest.fail(".venv-prefect is missing: scripts/setup prefect")
    home = tmp_path_factory.mktemp("prefect")
    port = free_port()
    with open(home / "server.log", "wb") as log:
        process = subprocess.Popen(
            [str(BIN / "prefect"), "server", "start", "--no-ui", "--host", "127.0.0.1", "--port", str(port)],
            stdout=log,
            stderr=log,
            env={**os.environ, **quiet(home)},
        )
    api = f"http://127.0.0.1:{port}/api"

    def healthy() -> bool:
        assert process.poll() is None, (home / "server.log").read_text()[-4000:]
        try:
            with urllib.request.urlopen(f"{api}/health", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False

    try:
        eventually(healthy, START_SECONDS, "Prefect's server")
        with urllib.request.urlopen(f"{api}/admin/version", timeout=5) as answer:
            met("prefect", json.load(answer))
        yield api, home
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture
def prefect(prefect_server: tuple[str, Path], asking: Project, tmp_path: Path) -> Prefect:
    """Prefect, with the lineage of this test in a project of its own."""
    return Prefect(*prefect_server, asking, tmp_path)
