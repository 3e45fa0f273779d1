"""What `lineage doctor` finds: one remark with its level, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass

FINE, NOTE, WRONG = "ok", "note", "wrong"
MARKS = {FINE: "✓", NOTE: "·", WRONG: "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `level` is ok, note or wrong."""

    subject: str
    level: str
    text: str
