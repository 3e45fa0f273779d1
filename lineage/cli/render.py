"""How answers look in a terminal: escaped names, short ids, ages, tables, lines and JSON.

Owns everything that turns a value into characters a person reads. Names come from users' data, so whatever is printed
passes `safe`: no control or bidirectional character of a name reaches the terminal. Does not ask the service anything.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

Json = dict[str, Any]

_JUST_NOW = 5  # seconds
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_RUN_ID_CUTS = (13, 18, 23, 36)  # a UUIDv7's millisecond with its dash, then one group more each
_STATE_STYLES = {"COMPLETE": "green", "FAIL": "bold red", "ABORT": "yellow", "RUNNING": "cyan", "START": "cyan"}


def safe(text: object) -> str:
    """`text` with every character that could steer a terminal or hide others written out (`\\x1b`, `\\u202e`)."""
    raw = str(text)
    if raw.isprintable() and raw.isascii():
        return raw
    return "".join(_visible(c) for c in raw)


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@lru_cache(maxsize=4)
def console(*, error: bool = False) -> Console:
    """The console of stdout or stderr: no markup, no guessing at highlights, lines never wrapped in a pipe."""
    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() else 10_000
    return Console(stderr=error, markup=False, emoji=False, highlight=False, width=width, soft_wrap=True)


def line(*parts: str | Text) -> None:
    """Print one line; plain strings are escaped."""
    console().print(Text.assemble(*(part if isinstance(part, Text) else safe(part) for part in parts)))


def note(text: str) -> None:
    """Print one line to stderr: progress, hints, refusals."""
    console(error=True).print(Text(safe(text)))


def emit_json(value: object) -> None:
    """Print a document as JSON; everything beyond ASCII is escaped, so no name can steer the terminal."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=True) + "\n")


def dim(text: object) -> Text:
    """Secondary words."""
    return Text(safe(text), style="dim")


def bold(text: object) -> Text:
    """What the line is about."""
    return Text(safe(text), style="bold")


def state(text: str | None) -> Text:
    """A run's state in its colour."""
    shown = text or "UNKNOWN"
    return Text(safe(shown), style=_STATE_STYLES.get(shown, "dim"))


def table(headers: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print aligned columns without lines."""
    grid = Table(box=None, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for header in headers:
        grid.add_column(header, no_wrap=True, overflow="ellipsis")
    for row in rows:
        grid.add_row(*(cell if isinstance(cell, Text) else Text(safe(cell)) for cell in row))
    console().print(grid)


def when(text: str | None, now: datetime | None = None) -> str:
    """An RFC 3339 time as an age ("2 min ago"), as a date when older than a month."""
    if not text:
        return "-"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 0 or seconds >= 30 * 86_400:
        return moment.date().isoformat()
    if seconds < _JUST_NOW:
        return "just now"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{int(seconds)} s ago"


def duration(started: str | None, ended: str | None) -> str:
    """How long a run took, empty while unknown."""
    if not started or not ended:
        return ""
    try:
        seconds = (datetime.fromisoformat(ended) - datetime.fromisoformat(started)).total_seconds()
    except ValueError:
        return ""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"


def count(number: int | None, word: str) -> str:
    """`12,400 rows`, `1 row`; empty when unknown."""
    if number is None:
        return ""
    return f"{number:,} {word if number == 1 else word + 's'}"


def version(scheme: str | None, value: str | None) -> str:
    """A dataset version in few characters: digests are cut, stated versions are not."""
    if scheme == "sha256" and value:
        return f"sha256:{value[:12]}…"
    if scheme == "run":
        return "version of its run"
    if scheme == "unversioned" or not value:
        return "no version known"
    return f"v={value}" if len(value) <= 40 else f"v={value[:39]}…"


def short_run_ids(ids: Collection[str]) -> dict[str, str]:
    """Each run id cut to a beginning that tells it from the others shown."""
    distinct = set(ids)
    for cut in _RUN_ID_CUTS:
        if len({run[:cut] for run in distinct}) == len(distinct):
            return {run: run[:cut] for run in distinct}
    return {run: run for run in distinct}


def number(text: str) -> str:
    """The exact text of a number in at most six significant digits, other texts as they are."""
    try:
        value = float(text)
    except ValueError:
        return text
    return text if len(text) <= 8 else f"{value:.6g}"


def joined(parts: Iterable[str | Text], separator: str = "   ") -> Text:
    """Non-empty parts in one line."""
    shown = [part if isinstance(part, Text) else Text(safe(part)) for part in parts]
    return Text(separator).join(part for part in shown if part.plain)


def completeness_lines(found: Mapping[str, Any]) -> list[str]:
    """What an answer says it does not know, one sentence each; empty when it knows of nothing missing."""
    lines: list[str] = []
    if found.get("truncated"):
        lines.append("the answer is cut: there is more (--depth, --limit)")
    if found.get("ambiguous"):
        lines.append("ambiguous: a version was made more than once and nothing tells which one was read")
    if found.get("inferred"):
        lines.append("inferred: some inputs carry no version; the latest at that time is shown")
    unresolved = found.get("unresolved") or []
    if unresolved:
        names = ", ".join(
            str(item.get("name", item)) if isinstance(item, dict) else str(item) for item in unresolved[:5]
        )
        lines.append(f"unresolved: {names}{', …' if len(unresolved) > 5 else ''}")
    for gap in found.get("gaps") or []:
        lines.append(f"{count(gap['count'], 'record')} known to be lost ({gap['reason']}) by client {gap['client']}")
    silent = found.get("silent_tasks") or []
    if silent:
        names = ", ".join(sorted({str(item.get("job", item)) for item in silent})[:5])
        lines.append(f"no inputs or outputs seen in: {names}")
    return lines
