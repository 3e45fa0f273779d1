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
    return [event for event in found if "eventType" in event]  # not what the service noted itself


def parent(event: Event) -> str | None:
    """Run id of the event's parent."""
    facet = event["run"]["facets"].get("parent")
    return None if facet is None else str(facet["run"]["runId"])


def told_once(found: list[Event]) -> bool:
    """Whether each run among these events was told to begin exactly once, and to end exactly once."""
    counts: dict[str, Counter[str]] = {}
    for event in found:
        kind = "end" if event["eventType"] in ("COMPLETE", "FAIL", "ABORT") else event["eventType"]
        counts.setdefault(event["run"]["runId"], Counter())[kind] += 1
    return bool(counts) and all(count["START"] == count["end"] == 1 for count in counts.values())
