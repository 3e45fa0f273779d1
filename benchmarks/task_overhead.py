"""What tracking costs a task: CPU time of calls that do nothing, pass a value, or log, beside the bare call.

Each case runs inside a flow with the real spool in a fresh process; cases are interleaved, the median of three rounds
counts. The bar is a no-op task at 0.3 ms of CPU, the flusher's share included. Prints microseconds of CPU per call
with the load average; exits 1 when the no-op is above its bar (CPU time says so on a busy machine too). Call counts of
Python functions per call come with it: they don't vary with the machine.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from fixtures.emit_runs import end_starting_sender

URL = "http://127.0.0.1:9"
ROUNDS = 3
CALLS = 3000
BAR = 300.0

PROBE = r"""
import cProfile, json, pstats, sys, time
from lineage import log_metric, process, run, tracked_task

case, count = sys.argv[1], int(sys.argv[2])

def plain(): pass

@tracked_task
def noop(): pass

@tracked_task
def arguments(x, lr=0.1, name="abc"): pass

@tracked_task
def give(): return [1000, 2000]

@tracked_task
def take(rows): pass

@tracked_task
def logs(): log_metric("auc", 0.9)

cases = {
    "bare": plain,
    "noop": noop,
    "arguments": lambda: arguments(1),
    "passed": lambda: take(give()),
    "metric": logs,
}
call = cases[case]
with run("flow"):
    noop()
    process.wait(10)
    for _ in range(200):
        call()
    before = time.process_time()
    for _ in range(count):
        call()
    cpu = (time.process_time() - before) / count * 1e6
    profile = cProfile.Profile()
    profile.runcall(lambda: [call() for _ in range(100)])
print(json.dumps({"cpu": cpu, "calls": pstats.Stats(profile).total_calls / 100}))
"""

CASES = ("bare", "noop", "arguments", "passed", "metric")


def measure(case: str) -> dict[str, float]:
    """CPU microseconds and function calls per call of one case, in a process of its own."""
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "LINEAGE_HOME": home,
            "LINEAGE_QUIET": "1",
            "LINEAGE_URL": URL,
            "LINEAGE_EXIT_TIMEOUT": "0",
        }
        command = [sys.executable, "-c", PROBE, case, str(CALLS)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=300)
        end_starting_sender(Path(home) / "spool", URL)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> int:
    """Print the table; 1 if a no-op task costs more than its bar."""
    rounds = [{case: measure(case) for case in CASES} for _ in range(ROUNDS)]
    print(f"load {os.getloadavg()[0]:.2f}; {CALLS:,} calls a case, median of {ROUNDS} rounds")
    print(f"{'case':<12}{'CPU µs':>10}{'functions':>12}")
    for case in CASES:
        cpu = statistics.median(found[case]["cpu"] for found in rounds)
        print(f"{case:<12}{cpu:>10.1f}{rounds[0][case]['calls']:>12.0f}")
    noop = statistics.median(found["noop"]["cpu"] for found in rounds)
    print(f"no-op task: {noop:.0f} µs of CPU, bar {BAR:.0f}: {'met' if noop <= BAR else 'NOT met'}")
    return 0 if noop <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
