"""The part of `lineage doctor` that sends something: a test event, on the way every record takes, into the graph.

Owns that journey and the look-up of an orchestrator's own checks (entry-point group `lineage.doctor`: a function that
answers findings, and the namespace of its jobs). Judging an orchestrator's configuration is its integration's business.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from importlib.metadata import entry_points
from typing import NamedTuple

from lineage import facets, ids, settings
from lineage.cli.findings import FINE, NOTE, WRONG, Finding
from lineage.client import Client, NotFound
from lineage.emit import emitter
from lineage.errors import LineageError, UsageError
from lineage.events import run_event

JOB = "weftline.doctor"
_SECONDS = 30.0


class Checked(NamedTuple):
    """What an integration says: what it found, and the namespace of the orchestrator's jobs."""

    findings: list[Finding]
    namespace: str


def orchestrator(name: str) -> Iterator[Finding]:
    """An orchestrator's own checks, then a test event.

    Raises:
        UsageError: there is no such integration.
    """
    points = {point.name: point for point in entry_points(group="lineage.doctor")}
    if name not in points:
        raise UsageError(f"no such orchestrator: {name}; there are {', '.join(sorted(points))}")
    try:
        with redirect_stdout(sys.stderr):  # orchestrators log there while they are imported
            check: Callable[[], Checked] = points[name].load()
            found = check()
    except ImportError as error:
        yield Finding(name, WRONG, f"{error.name or error} cannot be imported here: run this in {name}'s environment")
        return
    yield from found.findings
    yield from round_trip(found.namespace)


def round_trip(namespace: str) -> Iterable[Finding]:
    """Send a run on the way that every record takes, and look for it in the graph."""
    now = settings.current()
    if now.url is None:
        return [Finding("test event", NOTE, "not sent: LINEAGE_URL is not set, records wait for the embedded service")]
    run_id, started = ids.run_id(), time.monotonic()
    for event_type in ("START", "COMPLETE"):
        found = {"weftline_run": facets.run("side_effect", None, [])}
        event = run_event(event_type, run_id, {"namespace": namespace, "name": JOB}, found)
        emitter.emit(event, terminal_of_root=event_type == "COMPLETE")
    left = emitter.drain(_SECONDS)
    if left.left:
        return [Finding("test event", WRONG, f"not delivered within {_SECONDS:g} s: {left.reason}")]
    try:
        with Client(now.url, now.token(), now.project) as client:
            while time.monotonic() < started + _SECONDS:
                try:
                    client.run(run_id)
                except NotFound:
                    time.sleep(0.1)
                    continue
                took = time.monotonic() - started
                return [
                    Finding("test event", FINE, f"sent through the spool and found in the graph after {took:.1f} s")
                ]
    except LineageError as error:
        return [Finding("test event", WRONG, f"delivered, but not found: {error}")]
    return [
        Finding("test event", WRONG, f"delivered, but not in the graph after {_SECONDS:g} s: is the projector behind?")
    ]
