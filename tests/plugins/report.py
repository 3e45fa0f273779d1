"""The end of a test run: minutes per part, counts done and left out, and whether Neo4j was really there.

Owns what is printed after the last test, gathered over xdist workers, and the rule that a run with
LINEAGE_TEST_REQUIRE_NEO4J=1 fails if no test met a Neo4j. Counts are read from what `scale.count` prints; the fixture
that starts Neo4j calls `neo4j_started`. Nothing here selects or skips tests.
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


@dataclass
class _Totals:
    counts: set[str] = field(default_factory=set)  # what scaled tests did and left out
    neo4j: set[str] = field(default_factory=set)  # versions met
    neo4j_tests: int = 0
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))  # folder → test seconds
    left_out: Counter[str] = field(default_factory=Counter)  # folder → deselected tests


_totals = _Totals()
_SCALE = re.compile(r"^\[scale\] (.*)$", re.MULTILINE)


def neo4j_started(version: str) -> None:
    """Note that tests talk to a real Neo4j of this version; called by the fixture that asked the server."""
    _totals.neo4j.add(version)


def _part(nodeid: str) -> str:
    path = PurePath(nodeid.split("::", 1)[0])
    return path.parts[1] if len(path.parts) > 2 else path.name


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    _totals.left_out.update(_part(item.nodeid) for item in items)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _totals.seconds[_part(report.nodeid)] += report.duration
    _totals.counts.update(_SCALE.findall(report.capstdout))
    if report.when == "call" and report.passed and "neo4j" in report.keywords:
        _totals.neo4j_tests += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    worker: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if worker is not None:
        worker["report"] = {
            "neo4j": sorted(_totals.neo4j),
            "left_out": dict(_totals.left_out),
        }
    elif _neo4j_missing() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    said = getattr(node, "workeroutput", {}).get("report", {})
    _totals.neo4j.update(said.get("neo4j", ()))
    _totals.left_out = Counter(said.get("left_out", {})) or _totals.left_out  # each worker deselects the same


def _neo4j_missing() -> bool:
    required = os.environ.get("LINEAGE_TEST_REQUIRE_NEO4J") == "1"
    return required and not (_totals.neo4j and _totals.neo4j_tests)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    write = terminalreporter.write_line
    terminalreporter.section("counts and minutes")
    for text in sorted(_totals.counts):
        write(f"count {text}")
    for part, seconds in sorted(_totals.seconds.items(), key=lambda pair: -pair[1]):
        write(f"{part}: {seconds / 60:.2f} min of test time, {_totals.left_out[part]} tests left out")
    for part in sorted(set(_totals.left_out) - set(_totals.seconds)):
        write(f"{part}: {_totals.left_out[part]} tests left out")
    write(f"neo4j: {', '.join(sorted(_totals.neo4j)) or 'not met'}, {_totals.neo4j_tests} tests passed on it")
    if _neo4j_missing():
        write("FAILED: LINEAGE_TEST_REQUIRE_NEO4J=1, but no test passed on a real Neo4j", red=True)
