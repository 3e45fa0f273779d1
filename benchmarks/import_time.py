"""What `import lineage` costs against `import openlineage.client`: CPU seconds and memory, interleaved, each in a
fresh process.

Prints the ratio with its 95 % interval; exits 1 when `import lineage` takes more than a quarter.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys

PAIRS = 20
BAR = 0.25
PROBE = """
import os, resource
{statement}
usage = resource.getrusage(resource.RUSAGE_SELF)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def probe(statement: str) -> tuple[float, int]:
    """CPU seconds and peak kilobytes of an interpreter that runs one statement."""
    out = subprocess.run(
        [sys.executable, "-c", PROBE.format(statement=statement)], check=True, capture_output=True, text=True
    ).stdout.split()
    return float(out[0]), int(out[1])


def main() -> int:
    """Measure and print."""
    bare: list[float] = []
    ratios: list[float] = []
    ours: list[float] = []
    theirs: list[float] = []
    for statement in ("import lineage", "import openlineage.client"):
        probe(statement)  # byte code is compiled before the clock runs
    for _ in range(PAIRS):
        floor = probe("pass")[0]
        mine, peer = probe("import lineage")[0] - floor, probe("import openlineage.client")[0] - floor
        bare.append(floor)
        ours.append(mine)
        theirs.append(peer)
        ratios.append(mine / peer)
    mean = statistics.mean(ratios)
    half = 1.96 * statistics.stdev(ratios) / math.sqrt(len(ratios))
    print(
        f"load average {os.getloadavg()[0]:.2f}, {PAIRS} pairs, bare interpreter {statistics.median(bare) * 1e3:.1f} ms CPU"
    )
    print(f"import lineage            {statistics.median(ours) * 1e3:7.1f} ms CPU (over bare)")
    print(f"import openlineage.client {statistics.median(theirs) * 1e3:7.1f} ms CPU (over bare)")
    print(f"ratio {mean:.3f} [{mean - half:.3f}, {mean + half:.3f}], bar {BAR}")
    memory = probe("from lineage.emit import emitter")[1] - probe("pass")[1]
    print(f"memory of the emitter over a bare interpreter: {memory / 1024:.1f} MB, bar 15")
    return 0 if mean <= BAR and memory <= 15 * 1024 else 1


if __name__ == "__main__":
    sys.exit(main())
