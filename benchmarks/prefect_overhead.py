"""CPU of a Prefect flow of 200 short tasks, tracked and plain; bar: at most 1.05 times as much.

Both flows run in turn in one process of `.venv-prefect` (`scripts/setup prefect`), against a Prefect server of its own,
the order changing from pair to pair. Nothing is sent: records wait in a spool of a temporary folder, as while the
service is away.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PYTHON = Path(__file__).resolve().parents[1] / ".venv-prefect/bin/python"
TASKS = 200
PAIRS = 20
WARM = 2
BAR = 1.05


@contextlib.contextmanager
def server(home: Path) -> Iterator[None]:
    """A Prefect server, and the settings that name it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    api = f"http://127.0.0.1:{port}/api"
    os.environ.update(
        PREFECT_HOME=str(home / "prefect"),
        PREFECT_API_URL=api,
        PREFECT_SERVER_ANALYTICS_ENABLED="false",
        PREFECT_LOGGING_LEVEL="WARNING",
        DO_NOT_TRACK="1",
        LINEAGE_HOME=str(home / "lineage"),
        LINEAGE_QUIET="1",
    )
    command = [str(Path(sys.executable).parent / "prefect"), "server", "start", "--no-ui", "--host", "127.0.0.1"]
    with open(home / "server.log", "wb") as log:
        process = subprocess.Popen([*command, "--port", str(port)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 150
        while not _healthy(api):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"Prefect's server did not start:\n{(home / 'server.log').read_text()[-2000:]}")
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _healthy(api: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def measure() -> list[tuple[float, float]]:
    """CPU seconds of (plain, tracked) flows, pair by pair."""
    from prefect import flow, task

    from lineage import tracked_flow, tracked_task

    def work(number: int) -> list[int]:
        return [number, number + 1]

    def body(step: object) -> None:
        assert callable(step)
        for number in range(TASKS):
            step(number)

    plain_task = task(name="work")(work)
    tracked = task(name="work")(tracked_task(work))
    plain_flow = flow(name="plain")(lambda: body(plain_task))
    tracked_one = flow(name="tracked")(tracked_flow(lambda: body(tracked)))
    pairs = []
    for pair in range(WARM + PAIRS):
        spent = {}
        for name in random.sample(["plain", "tracked"], 2):
            start = time.process_time()
            (plain_flow if name == "plain" else tracked_one)()
            spent[name] = time.process_time() - start
        if pair >= WARM:
            pairs.append((spent["plain"], spent["tracked"]))
            print(f"  {spent['plain']:.3f} s plain, {spent['tracked']:.3f} s tracked", flush=True)
    return pairs


def compared(home: Path) -> int:
    """Print the ratio with its interval; 1 if the bar is missed."""
    print(f"{TASKS} tasks, {PAIRS} pairs, load {os.getloadavg()[0]:.1f}", flush=True)
    with server(home):
        pairs = measure()
    ratios = [tracked / plain for plain, tracked in pairs]
    mean, median = statistics.fmean(ratios), statistics.median(ratios)
    spread = 2.09 * statistics.stdev(ratios) / len(ratios) ** 0.5  # Student's t for 19 degrees of freedom
    print(f"tracked / plain CPU: median {median:.3f}, mean {mean:.3f} ± {spread:.3f} (95 %), bar {BAR}")
    print(f"a task costs {statistics.median(plain for plain, _ in pairs) / TASKS * 1000:.2f} ms of CPU plain")
    return 0 if median <= BAR else 1


def main() -> int:
    """Measure in a process of its own, which has left the temporary folder when that is removed."""
    if len(sys.argv) > 1:
        return compared(Path(sys.argv[1]))
    home = Path(tempfile.mkdtemp(prefix="prefect-overhead-"))
    try:
        return subprocess.call([str(PYTHON), __file__, str(home)])
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
