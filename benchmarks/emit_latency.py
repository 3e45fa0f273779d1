"""What one `emit` costs the task: healthy, hung and absent service, beside the floor (one write of the same bytes).

Events of 1.5 to 3 KB, serialising included, the root's last event excluded; each case in a fresh process, cases
interleaved, median of three rounds. Prints percentiles in microseconds with the load average; exits 1 when p50 is
above 100 µs or p99 above 1 ms on a machine that is quiet enough to say so (load 1.5).
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from fixtures.emit_runs import end_starting_sender
from fixtures.ingest_stub import IngestStub

ROUNDS = 3
EMITS = 20_000
P50_BAR = 100.0
P99_BAR = 1000.0
QUIET_LOAD = 1.5

PROBE = r"""
import json, os, sys, time
count = int(sys.argv[1])
def event(i):
    fields = [{"name": f"column_{n}", "type": "DOUBLE", "description": "x" * (i % 40)} for n in range(10)]
    schema = {"_producer": "p", "_schemaURL": "s", "fields": fields}
    dataset = {"namespace": "s3://bucket", "name": f"data/{i % 7}", "facets": {"schema": schema}}
    return {"eventType": "RUNNING", "eventTime": "2026-01-01T00:00:00.000000Z", "producer": "p", "schemaURL": "s",
            "run": {"runId": f"0196c0de-0000-7000-8000-{i:012d}", "facets": {}},
            "job": {"namespace": "default", "name": "train"}, "inputs": [dataset], "outputs": [dataset][: i % 2]}
events = [event(i) for i in range(200)]
times = []
clock = time.perf_counter_ns
if sys.argv[2] == "floor":
    import orjson
    fd = os.open(os.path.join(os.environ["LINEAGE_SPOOL_DIR"]), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for i in range(count):
        started = clock(); os.write(fd, orjson.dumps(events[i % 200])); times.append(clock() - started)
        if i % 20 == 0: time.sleep(0.001)
else:
    from lineage.emit import emitter
    emitter.emit(events[0])
    for i in range(count):
        started = clock(); emitter.emit(events[i % 200]); times.append(clock() - started)
        if i % 20 == 0: time.sleep(0.001)
times.sort()
size = sum(len(json.dumps(e, separators=(",", ":"))) for e in events) / 200
found = {"p50": times[count // 2], "p99": times[count * 99 // 100], "max": times[-1]}
print(json.dumps({**{name: value / 1e3 for name, value in found.items()}, "bytes": size}))
"""


def measure(case: str, url: str | None, folder: Path) -> dict[str, float]:
    """Percentiles of one case in a process of its own."""
    environment = {
        **os.environ,
        "LINEAGE_SPOOL_DIR": str(folder),
        "LINEAGE_SENDER_IDLE": "1",
        "LINEAGE_EXIT_TIMEOUT": "0",
    }
    environment.pop("LINEAGE_URL", None)
    if url:
        environment["LINEAGE_URL"] = url
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(EMITS), case], env=environment, check=True, capture_output=True, text=True
    )
    if url:
        end_starting_sender(folder, url)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> int:
    """Measure and print."""
    results: dict[str, list[dict[str, float]]] = {}
    loads: list[float] = []
    with tempfile.TemporaryDirectory() as base, IngestStub(Path(base) / "stub.db") as stub, socket.socket() as hung:
        hung.bind(("127.0.0.1", 0))
        hung.listen(64)  # accepts in the kernel, never answers
        urls = {
            "floor": None,
            "local": None,
            "healthy": stub.url,
            "hung": f"http://127.0.0.1:{hung.getsockname()[1]}",
            "down": "http://127.0.0.1:9",
        }
        for round_number in range(ROUNDS):
            for case, url in urls.items():
                loads.append(os.getloadavg()[0])
                results.setdefault(case, []).append(measure(case, url, Path(base) / f"{case}-{round_number}"))
    print(
        f"{EMITS} emits of {results['floor'][0]['bytes']:.0f} bytes on average, {ROUNDS} rounds, load {max(loads):.2f}"
    )
    worst = 0.0
    missed = False
    for case, rounds in results.items():
        p50, p99, longest = (statistics.median(r[key] for r in rounds) for key in ("p50", "p99", "max"))
        print(f"{case:8} p50 {p50:7.1f} µs   p99 {p99:8.1f} µs   max {longest:9.1f} µs")
        if case != "floor":
            worst = max(worst, p50)
            missed = missed or p50 > P50_BAR or p99 > P99_BAR
    if max(loads) > QUIET_LOAD:
        print(f"not measured: load average above {QUIET_LOAD}")
        return 0
    print(
        f"bars p50 {P50_BAR:.0f} µs, p99 {P99_BAR:.0f} µs: {'missed' if missed else 'met'} (worst p50 {worst:.1f} µs)"
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
