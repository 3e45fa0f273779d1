"""The one line on stderr at the end of each root run.

Owns what it says and how it is shortened: counts of datasets, the registered model, missing evidence, the command
that shows more, and records that still wait in the spool. `LINEAGE_QUIET=1` silences it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lineage import diagnostics, settings
from lineage.emit import emitter
from lineage.guard import guarded

if TYPE_CHECKING:
    from lineage.runs import Run

MAX_COUNTED = 10_000
MAX_MISSING = 5


class Tally:
    """What a whole tree of runs has touched."""

    __slots__ = ("inputs", "last_error", "missing", "models", "outputs")

    def __init__(self) -> None:
        self.inputs: set[tuple[str, str, str]] = set()
        self.outputs: set[tuple[str, str, str]] = set()
        self.missing: set[tuple[str, str]] = set()
        self.models: dict[str, str | None] = {}
        self.last_error = 0

    def add(self, inputs: Iterable[dict[str, Any]], outputs: Iterable[dict[str, Any]]) -> None:
        """Count the datasets of one event, each version once."""
        for found, entries in ((self.inputs, inputs), (self.outputs, outputs)):
            for entry in entries:
                if len(found) < MAX_COUNTED:
                    found.add((entry["namespace"], entry["name"], _version(entry)))


@guarded
def tell(run: Run, state: str) -> None:
    """Print the line for a root run that is over."""
    now = settings.current()
    if now.quiet or now.disabled:
        return
    parts = [f"{len(run.tally.inputs)} in, {len(run.tally.outputs)} out"]
    parts += [f"model {name}{f' sha256:{digest[:4]}…' if digest else ''}" for name, digest in run.tally.models.items()]
    text = f"tracked: {', '.join(parts)}"
    if run.tally.missing:
        lacks = [f"{what} ({why})" for what, why in sorted(run.tally.missing)]
        more = f" and {len(lacks) - MAX_MISSING} more" if len(lacks) > MAX_MISSING else ""
        text += f"; missing: {', '.join(lacks[:MAX_MISSING])}{more}"
    if state != "COMPLETE":
        text += f"; {state}"
    diagnostics.tell(f"{text} — lineage show {run.short_id}{_waiting()}")


def _waiting() -> str:
    """The clause about records that cannot leave, or nothing."""
    since = emitter.unreachable_since()
    status = emitter.status() if since is not None else None
    if since is None or status is None or not status.records:
        return ""
    clock = datetime.fromtimestamp(since, UTC).astimezone().strftime("%H:%M")
    return (
        f"; {status.records} records wait in the spool (service unreachable since {clock}), they go out by themselves"
        " — lineage spool status"
    )


def _version(entry: dict[str, Any]) -> str:
    """What tells versions of one dataset apart, as far as the entry says."""
    facets = entry.get("facets") or {}
    version, digest = facets.get("version") or {}, facets.get("weftline_digest") or {}
    passed = (entry.get("inputFacets") or {}).get("weftline_passed") or {"run": {}}
    return str(version.get("datasetVersion") or digest.get("value") or passed["run"].get("runId") or "")
