"""The service on demand and `lineage server`: started once, found again, fed from the spool, gone when idle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from fixtures.run_shapes import SHAPES
from fixtures.server import eventually, serving
from lineage_api import embedded
from lineage_api.folder import runtime_of

LINEAGE = [sys.executable, "-c", "from lineage.cli.main import main; main()"]
pytestmark = pytest.mark.full

RECORDING = """
import lineage
with lineage.run("on-demand") as run:
    run.log_param("lr", 0.1)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LINEAGE_HOME", str(tmp_path / "home"))
    for name in ("LINEAGE_URL", "LINEAGE_SPOOL_DIR", "LINEAGE_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path / "home"
    runtime = runtime_of(tmp_path / "home" / "server")
    if runtime is not None and psutil.pid_exists(runtime.pid):
        psutil.Process(runtime.pid).terminate()
        eventually(lambda: not psutil.pid_exists(runtime.pid), 30, "the service to end")


def get(url: str, path: str) -> Any:
    with urllib.request.urlopen(url + path, timeout=10) as answer:
        return json.load(answer)


def test_it_is_started_once_and_found_again(home: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(embedded.ensure_running(home)[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert get(found[0], "/healthz")["pid"] == runtime_of(home / "server").pid  # type: ignore[union-attr]
    assert embedded.ensure_running(home) == (found[0], None)


def test_it_takes_in_what_was_recorded_without_a_service(home: Path) -> None:
    subprocess.run([sys.executable, "-c", RECORDING], check=True, env=dict(os.environ), timeout=60)
    url, _ = embedded.ensure_running(home)
    state = get(url, "/readyz")
    assert state["projected"] >= state["journalled"] >= 2
    runs = get(url, "/api/v1/runs")["items"]
    assert [run["job"]["name"] for run in runs] == ["on-demand"]


def test_it_ends_when_nobody_asks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "IDLE_SECONDS", 1.0)
    embedded.ensure_running(home)
    runtime = runtime_of(home / "server")
    assert runtime is not None
    eventually(lambda: not psutil.pid_exists(runtime.pid), 20, "the idle service to end")
    eventually(lambda: runtime_of(home / "server") is None, 5, "the runtime file to go")


def test_a_stale_runtime_file_is_not_believed(home: Path) -> None:
    (home / "server").mkdir(parents=True)
    stale = {"url": "http://127.0.0.1:9", "pid": os.getpid(), "instance": "gone"}
    (home / "server" / "server.json").write_text(json.dumps(stale))
    url, _ = embedded.ensure_running(home)
    assert url != stale["url"]


def test_why_it_does_not_start_is_said(home: Path) -> None:
    from lineage.errors import ServiceUnavailable

    (home / "server").mkdir(parents=True)
    (home / "server" / "master.key").write_bytes(b"not a key")
    with pytest.raises(ServiceUnavailable, match=r"server\.log"):
        embedded.ensure_running(home)
    assert "master.key" in (home / "server" / "server.log").read_text()


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LINEAGE, "server", *arguments], capture_output=True, text=True, timeout=60)


def test_digest_and_rebuild_from_the_command_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        for shape in SHAPES.values():
            server.client.post("/api/v1/lineage/batch", json=shape())
        journalled, digest = server.settle(), server.digest()
        beside = command("digest", "--data", str(data), "--json")
        assert json.loads(beside.stdout)["digest"] == digest, beside.stderr
        refused = command("rebuild", "--data", str(data))
        assert refused.returncode == 1
        assert server.process is not None
        assert f"process {server.process.pid}" in refused.stderr
    rebuilt = command("rebuild", "--data", str(data), "--json")
    assert json.loads(rebuilt.stdout) == {"replayed": journalled}, rebuilt.stderr
    assert json.loads(command("digest", "--data", str(data), "--json").stdout)["digest"] == digest
    with server.restart():
        assert server.digest() == digest


def test_the_command_line_says_what_is_wrong(tmp_path: Path) -> None:
    assert command("digest", "--data", str(tmp_path)).returncode == 2
    assert command("rebuild", "--data", str(tmp_path / "none")).returncode == 2
    public = command("--host", "0.0.0.0", "--data", str(tmp_path / "data"))
    assert public.returncode == 2
    assert "refusing to bind" in public.stderr
    unknown = command("digest", "--data", str(tmp_path), "--project", "a/b")
    assert unknown.returncode != 0


def test_the_server_command_serves_until_interrupted(tmp_path: Path) -> None:
    data = tmp_path / "data"
    arguments = ["server", "--port", "0", "--data", str(data)]
    with subprocess.Popen([*LINEAGE, *arguments], stderr=subprocess.DEVNULL) as process:
        try:
            runtime = eventually(lambda: runtime_of(data), 60, "the server to publish its address")
            assert get(runtime.url, "/readyz")["ready"] is True
        finally:
            process.send_signal(2)
        assert process.wait(30) == 0
    assert runtime_of(data) is None
