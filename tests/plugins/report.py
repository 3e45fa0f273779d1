"""The end of a test run: minutes per part, counts done and left out, and whether Neo4j, Prefect, … were really there.

Owns what is printed after the last test, gathered over xdist workers, and the rule that a run with
LINEAGE_TEST_REQUIRE_NEO4J=1 (_PREFECT, _AIRFLOW) fails if no test met one. Counts are read from what `scale.count`
prints; the fixture that starts the real thing calls `met`, tests on it carry its name as a marker. Nothing here selects
or skips tests.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import pytest

REAL = ("neo4j", "prefect", "airflow")


@dataclass
class _Totals:
    counts: set[str] = field(default_factory=set)  # what scaled tests did and left out
    met: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in REAL})  # versions
    tests: Counter[str] = field(default_factory=Counter)  # tests passed on each
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))  # folder → test seconds
    left_out: Counter[str] = field(default_factory=Counter)  # folder → deselected tests


_totals = _Totals()
_SCALE = re.compile(r"^\[scale\] (.*)$", re.MULTILINE)


def met(name: str, version: str) -> None:
    """Note that tests talk to a real `name` of this version; called by the fixture that asked it."""
    _totals.met[name].add(version)


def _part(nodeid: str) -> str:
    path = PurePath(nodeid.split("::", 1)[0])
    return path.parts[1] if len(path.parts) > 2 else path.name


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    _totals.left_out.update(_part(item.nodeid) for item in items)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _totals.seconds[_part(report.nodeid)] += report.duration
    _totals.counts.update(_SCALE.findall(report.capstdout))
    if report.when == "call" and report.passed:
        _totals.tests.update(name for name in REAL if name in report.keywords)


def pytest_sessionfinish(session: pytest.Session) -> None:
    worker: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if worker is not None:
        worker["report"] = {
            "met": {name: sorted(versions) for name, versions in _totals.met.items()},
            "left_out": dict(_totals.left_out),
        }
    elif _missing() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    said = getattr(node, "workeroutput", {}).get("report", {})
    for name, versions in said.get("met", {}).items():
        _totals.met[name].update(versions)
    _totals.left_out = Counter(said.get("left_out", {})) or _totals.left_out  # each worker deselects the same


def _missing() -> list[str]:
    """What must have been there, and was not."""
    required = [name for name in REAL if os.environ.get(_switch(name)) == "1"]
    return [name for name in required if not (_totals.met[name] and _totals.tests[name])]


def _switch(name: str) -> str:
    return f"LINEAGE_TEST_REQUIRE_{name.upper()}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    write = terminalreporter.write_line
    terminalreporter.section("counts and minutes")
    for text in sorted(_totals.counts):
        write(f"count {text}")
    for part, seconds in sorted(_totals.seconds.items(), key=lambda pair: -pair[1]):
        write(f"{part}: {seconds / 60:.2f} min of test time, {_totals.left_out[part]} tests left out")
    for part in sorted(set(_totals.left_out) - set(_totals.seconds)):
        write(f"{part}: {_totals.left_out[part]} tests left out")
    for name in REAL:
        write(f"{name}: {', '.join(sorted(_totals.met[name])) or 'not met'}, {_totals.tests[name]} tests passed on it")
    for name in _missing():
        write(f"FAILED: {_switch(name)}=1, but no test passed on a real {name.capitalize()}", red=True)
