"""How far a reconciliation has come, on disk: up to when everything was read, and the page of a round cut short.

One small file per Airflow, project and DAG, replaced as a whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from lineage import settings


@dataclass(slots=True)
class Progress:
    """Where to go on.

    Attributes:
        since: RFC 3339; everything that changed before has been read. None at the first round.
        until: what `since` becomes when the round under way is over; None between rounds.
        cursor: Airflow's cursor of the page to read next in that round.
    """

    since: str | None = None
    until: str | None = None
    cursor: str = ""

    @property
    def from_time(self) -> datetime | None:
        """`since` as a time."""
        return None if self.since is None else datetime.fromisoformat(self.since)


class ProgressFile:
    """The file that keeps a `Progress`."""

    def __init__(self, url: str, project: str, dag: str | None) -> None:
        name = hashlib.sha256(f"{url}\n{project}\n{dag or ''}".encode()).hexdigest()[:16]
        self.path: Path = settings.current().home / "airflow" / f"{name}.json"

    def load(self) -> Progress:
        """What was kept; a fresh start where nothing was, or it cannot be read."""
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            return Progress(kept.get("since"), kept.get("until"), str(kept.get("cursor") or ""))
        except (OSError, ValueError, AttributeError):
            return Progress()

    def save(self, progress: Progress) -> None:
        """Replace what is kept."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps(asdict(progress)), encoding="utf-8")
        os.replace(beside, self.path)
