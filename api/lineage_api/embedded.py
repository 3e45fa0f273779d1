"""The service on demand, for one user on one machine: started when somebody asks, gone when nobody does.

Owns finding or starting the server of a `LINEAGE_HOME`, handing it the spool's `local` records and waiting until
queries see them. Registered under entry-point group `lineage.embedded`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from lineage.errors import ServiceUnavailable
from lineage_api.folder import Runtime, runtime_of

IDLE_SECONDS = 60.0
START_SECONDS = 60.0
PROJECT_SECONDS = 30.0

_LOCAL = frozenset({"local"})
_POLL = 0.02


def ensure_running(home: str | Path) -> tuple[str, str | None]:
    """Address and token of the service of this home, with everything recorded so far in it.

    Raises:
        ServiceUnavailable: it could not be started; the message names its log.
    """
    home = Path(home)
    data = home / "server"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    runtime = _reachable(data)
    if runtime is None:
        with _starting(data):
            runtime = _reachable(data) or _start(data)
    _take_in(home, runtime.url)
    return runtime.url, None


def _reachable(data: Path) -> Runtime | None:
    """The running server of the folder, asked over HTTP: a pid alone may be somebody else's by now."""
    runtime = runtime_of(data)
    if runtime is None:
        return None
    try:
        answer = _get(runtime.url, "/healthz")
    except (OSError, ValueError):
        return None
    return runtime if answer.get("instance") == runtime.instance else None


def _start(data: Path) -> Runtime:
    log = data / "server.log"
    reader, writer = os.pipe()
    try:
        with open(log, "ab") as output:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "lineage_api.main",
                    f"--data={data}",
                    f"--idle={IDLE_SECONDS}",
                    f"--ready={writer}",
                    "--detach",
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[writer],
                start_new_session=True,
                cwd="/",
            )
        os.close(writer)
        writer = -1
        process.wait()
        line = _read_line(reader, START_SECONDS)
        if not line:
            raise ServiceUnavailable(f"the embedded service did not start; {log} says why")
        found = orjson.loads(line)
        return Runtime(found["url"], found["pid"], found["instance"])
    finally:
        os.close(reader)
        if writer >= 0:
            os.close(writer)


def _take_in(home: Path, url: str) -> None:
    """Deliver the spool's local records and wait until they are projected."""
    from lineage import settings
    from lineage.emit.delivery import deliver

    spool = settings.current().spool_dir if settings.current().home == home else home / "spool"
    if spool.is_dir():
        deliver(str(spool), url, None, destinations=_LOCAL, timeout=PROJECT_SECONDS)
    deadline = time.monotonic() + PROJECT_SECONDS
    target: int | None = None
    while time.monotonic() < deadline:
        state = _get(url, "/readyz")
        target = state["journalled"] if target is None else target
        if state["projected"] >= target:
            return
        time.sleep(_POLL)


def _get(url: str, path: str) -> dict[str, Any]:
    # No proxy: the environment's is for other hosts than this one.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url + path, timeout=5) as response:
            content = response.read()
    except urllib.error.HTTPError as error:
        content = error.read()
    answer: dict[str, Any] = orjson.loads(content)
    return answer


def _read_line(descriptor: int, seconds: float) -> bytes:
    """One line from a pipe; what there is at its end or when the time is over."""
    deadline = time.monotonic() + seconds
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(descriptor, 4096) if ready else b""
        if not part:
            return b""
        line += part
    return line


@contextlib.contextmanager
def _starting(data: Path) -> Iterator[None]:
    """One starter at a time; the others wait for it and find its server."""
    descriptor = os.open(data / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
