"""What importing the SDK costs against `import openlineage.client`: CPU seconds and memory, each in a fresh process.

Interleaved pairs over a bare interpreter of the same minute, with the 95 % interval of the ratio. `import lineage`
loads its parts when they are first used, so the same is measured with the decorators loaded. Exits 1 when a bar is
missed.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile

PAIRS = 20
RATIO_BAR = 0.25
MEMORY_BAR_MB = 15.0
PEER = "import openlineage.client"
OURS = ("import lineage", "from lineage import log_metric, run, tracked_flow, tracked_task")
AT_WORK = """
from lineage.emit import emitter
text = "y" * 1500
for i in range(20_000):
    emitter.emit({"eventType": "RUNNING", "run": {"runId": str(i)}, "job": {"namespace": "n", "name": "j"}, "x": text})
"""
PROBE = """
import os, resource
{statement}
usage = resource.getrusage(resource.RUSAGE_SELF)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def probe(statement: str) -> tuple[float, int]:
    """CPU seconds and peak kilobytes of an interpreter that runs one statement."""
    with tempfile.TemporaryDirectory() as spool:
        out = subprocess.run(
            [sys.executable, "-c", PROBE.format(statement=statement)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "LINEAGE_SPOOL_DIR": spool},
        ).stdout.split()
    return float(out[0]), int(out[1])


def main() -> int:
    """Measure and print."""
    for statement in (*OURS, PEER):
        probe(statement)  # byte code is compiled before the clock runs
    seconds: dict[str, list[float]] = {statement: [] for statement in (*OURS, PEER)}
    floors: list[float] = []
    for _ in range(PAIRS):
        floors.append(probe("pass")[0])
        for statement, measured in seconds.items():
            measured.append(probe(statement)[0] - floors[-1])
    print(
        f"load {os.getloadavg()[0]:.2f}, {PAIRS} pairs, bare interpreter {statistics.median(floors) * 1e3:.1f} ms CPU"
    )
    print(f"{statistics.median(seconds[PEER]) * 1e3:7.1f} ms CPU  {PEER}")
    met = True
    for statement in OURS:
        ratios = [ours / theirs for ours, theirs in zip(seconds[statement], seconds[PEER], strict=True)]
        mean, half = statistics.mean(ratios), 1.96 * statistics.stdev(ratios) / math.sqrt(PAIRS)
        met = met and mean <= RATIO_BAR
        middle = statistics.median(seconds[statement]) * 1e3
        interval = f"{mean:.3f} [{mean - half:.3f}, {mean + half:.3f}]"
        print(f"{middle:7.1f} ms CPU  {statement}: ratio {interval}, bar {RATIO_BAR}")
    memory = (probe(AT_WORK)[1] - probe("pass")[1]) / 1024
    met = met and memory <= MEMORY_BAR_MB
    print(f"{memory:7.1f} MB over a bare interpreter after 20,000 emits, bar {MEMORY_BAR_MB:g}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
