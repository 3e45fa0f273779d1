"""What our plugin costs a task of Airflow, and how fast `lineage airflow sync` reads; on a real Airflow.

A DAG of short tasks in a row runs in three settings, each in an Airflow of its own, in turn: the OpenLineage provider
with its `http` transport to a healthy service, our plugin idle; our plugin and the spool; the same, the service away.
Bars: ours is not slower than the first (1.10: differences below that are the machine's), the service's absence costs at
most 1.05 times, sync reads 500 task instances a second, and a second round with nothing new asks at most 5 times.
Above load 1.5 times are printed but not judged. Takes some ten minutes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from fixtures.server import Server
from on_airflow.standalone import Standalone, environment_made

ROUNDS = 2
RUNS = 4
INSTANCES = 5000
SPEED_BAR, AWAY_BAR, SYNC_BAR, REQUESTS_BAR = 1.10, 1.05, 500.0, 5
BUSY = 1.5

PROVIDER, OURS, AWAY = "provider, http", "ours, spool", "ours, service away"


def settings(mode: str, url: str) -> dict[str, str]:
    """The variables of a setting."""
    if mode != PROVIDER:
        return {}
    transport = {"type": "http", "url": url, "endpoint": "api/v1/lineage"}
    return {
        "LINEAGE_DISABLED": "1",
        "OPENLINEAGE__TRANSPORT__TYPE": "",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
    }


@contextlib.contextmanager
def airflow(mode: str, service: Server) -> Iterator[Standalone]:
    """A running Airflow in one of the settings."""
    with tempfile.TemporaryDirectory(prefix="weftline-bench-", ignore_cleanup_errors=True) as folder:
        standalone = Standalone(Path(folder), service.url, settings(mode, service.url))
        try:
            yield standalone.start()
        finally:
            standalone.stop()


def seconds_per_task(standalone: Standalone) -> float:
    """From the first task's start to the last one's end, by the number of tasks; median of some DAG runs."""
    found = []
    for _ in range(RUNS + 1):
        run, state = standalone.run("short")
        if state != "success":
            raise SystemExit(f"the DAG run ended as {state}")
        rows = standalone.instances("short", run).values()
        start = min(datetime.fromisoformat(row["start_date"]) for row in rows)
        end = max(datetime.fromisoformat(row["end_date"]) for row in rows)
        found.append((end - start).total_seconds() / len(rows))
    return statistics.median(found[1:])  # the first one imports


def many_instances(standalone: Standalone) -> None:
    """Let Airflow's database hold thousands of ended task instances, as a large mapped task leaves them."""
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ")
    with contextlib.closing(sqlite3.connect(standalone.folder / "airflow.db", timeout=60)) as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("SELECT * FROM task_instance WHERE dag_id = 'short' LIMIT 1").fetchone())
        names = list(row)
        rows = []
        for index in range(INSTANCES):
            mine: dict[str, Any] = {**row, "id": uuid.uuid4().hex, "map_index": index, "updated_at": now}
            rows.append([mine[name] for name in names])
        marks = ", ".join("?" * len(names))
        database.executemany(f"INSERT INTO task_instance ({', '.join(names)}) VALUES ({marks})", rows)
        database.commit()


def synced(standalone: Standalone) -> tuple[dict[str, Any], float]:
    """One round of sync, and its seconds, the command's start included."""
    standalone.environment.update(
        AIRFLOW_API_URL=standalone.url, AIRFLOW_API_USER="admin", AIRFLOW_API_PASSWORD="admin", LINEAGE_PROJECT="b/sync"
    )
    started = time.perf_counter()
    ended = standalone.lineage("airflow", "sync", "--json", seconds=300)
    took = time.perf_counter() - started
    if not ended.stdout:
        raise SystemExit(ended.stderr)
    return json.loads(ended.stdout), took


def main() -> int:
    """Measure, print, judge."""
    environment_made()
    found: dict[str, list[float]] = {PROVIDER: [], OURS: [], AWAY: []}
    bars: list[tuple[str, float, float, bool]] = []
    for _ in range(ROUNDS):
        for mode, times in found.items():
            with tempfile.TemporaryDirectory(prefix="weftline-bench-") as folder:
                data = Path(folder) / "data"
                data.mkdir()
                with Server(data) as service, airflow(mode, service) as standalone:
                    if mode == AWAY:
                        service.kill()
                    times.append(seconds_per_task(standalone))
                    print(f"{mode:20} {times[-1]:.3f} s a task   load {os.getloadavg()[0]:.1f}", flush=True)
                    if mode == OURS and len(times) == ROUNDS:
                        many_instances(standalone)
                        first, took = synced(standalone)
                        second, _ = synced(standalone)
                        speed = first["task_instances"] / took
                        print(f"sync: {first['task_instances']} task instances in {took:.1f} s = {speed:.0f} a second")
                        bars.append(("sync, instances a second", speed, SYNC_BAR, speed >= SYNC_BAR))
                        asked = second["requests"]
                        bars.append(("second sync, requests", asked, REQUESTS_BAR, asked <= REQUESTS_BAR))
    medians = {mode: statistics.median(times) for mode, times in found.items()}
    ours, away = medians[OURS] / medians[PROVIDER], medians[AWAY] / medians[OURS]
    bars.append(("ours / provider with http", ours, SPEED_BAR, ours <= SPEED_BAR))
    bars.append(("service away / healthy", away, AWAY_BAR, away <= AWAY_BAR))
    busy = os.getloadavg()[0] > BUSY + 1  # Airflow itself keeps one core busy
    missed = False
    for name, value, bar, kept in bars:
        counted = name == "second sync, requests" or not busy
        missed = missed or (counted and not kept)
        print(
            f"{name:28} {value:8.2f}  bar {bar:g}  {'kept' if kept else 'missed'}{'' if counted else ', not measured'}"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
