"""What reached the service, event by event, read from its journal: the wire as the service saw it."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import zstandard

Event = dict[str, Any]


def events(data: Path) -> list[Event]:
    """Every event in the journal of the service on folder `data`, in the order of arrival."""
    with sqlite3.connect(f"file:{data / 'registry.db'}?mode=ro", uri=True) as journal:
        rows = journal.execute("SELECT body FROM journal ORDER BY received, seq").fetchall()
    found = []
    for (body,) in rows:
        document = json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(body))
        found.append(document.get("event", document))
    return [event for event in found if "run" in event]


def of_dag_run(data: Path, dag: str, run: str) -> list[Event]:
    """Events of one DAG run and of its tasks."""
    mine = []
    for event in events(data):
        name = event["job"]["name"]
        if name == dag and run in json.dumps(event["run"]["facets"]):
            mine.append(event)
    root = {event["run"]["runId"] for event in mine}
    return mine + [event for event in events(data) if parent(event) in root]


def parent(event: Event) -> str | None:
    """Run id of the event's parent."""
    facet = event["run"]["facets"].get("parent")
    return None if facet is None else str(facet["run"]["runId"])


def told(found: list[Event]) -> dict[str, Counter[str]]:
    """By run id, how often each type of event was told."""
    counts: dict[str, Counter[str]] = {}
    for event in found:
        counts.setdefault(event["run"]["runId"], Counter())[event["eventType"]] += 1
    return counts
