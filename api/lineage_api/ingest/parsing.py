"""From a request body to raw documents: media types, batch framing, our sender's records.

Owns how a body is cut into items and that one item's damage stays its own. Does not validate events and does not
journal.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lineage_api.limits import check_document
from lineage_api.problem import Kind, Problem
from lineage_api.settings import Limits
from lineage_graph.canonical import NotCanonical, loads_exact

JSON = "application/json"
RECORDS = "application/vnd.weftline.records+ndjson"
NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines"})
GAP_REASONS = frozenset({"spool_full", "disk_full", "corrupt", "spool_deleted", "write_error"})
_MAX_SEQUENCE = (1 << 63) - 1

# Enough of a record whose body does not parse to tell whose it is, so that its number counts as settled.
_ENVELOPE = re.compile(rb'\A\s*\{\s*"client"\s*:\s*"([0-9A-Fa-f-]{32,36})"\s*,\s*"sequence"\s*:\s*(\d{1,19})\s*[,}]')


@dataclass(frozen=True, slots=True)
class Gap:
    """Records known to be lost."""

    first: int
    last: int
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class RawItem:
    """One item of a body: an event document, a gap, or what was wrong with it.

    `client` and `sequence` are set whenever they could be read, even for a refused item.
    """

    index: int
    event: Any = None
    gap: Gap | None = None
    client: str | None = None
    sequence: int | None = None
    project: str | None = None
    problem: Problem | None = None


def media_type(header: str | None) -> str:
    """The bare, lower-case media type; JSON where none was named."""
    return (header or JSON).partition(";")[0].strip().lower() or JSON


def document(data: bytes, limits: Limits) -> Any:
    """One JSON document.

    Raises:
        Problem: 400 not canonical JSON, 413 too large.
    """
    check_document(data, limits)
    try:
        return loads_exact(data)
    except NotCanonical as error:
        raise Problem(
            Kind.MALFORMED, f"The document is not JSON this service can keep exactly: {ascii(str(error))[1:-1]}."
        ) from None


def items(data: bytes, kind: str, limits: Limits) -> Iterator[RawItem]:
    """Cut a batch into items, one at a time so that a large batch is never held parsed as a whole.

    Raises:
        Problem: 415 unknown media type, 400 not an array, 413 too many items.
    """
    if kind == RECORDS:
        yield from _lines(data, limits, _record)
    elif kind in NDJSON:
        yield from _lines(data, limits, _event)
    elif kind == JSON:
        yield from _array(data, limits)
    else:
        raise Problem(
            Kind.MEDIA,
            f"A batch is {JSON} (an array), application/x-ndjson or {RECORDS}.",
            [{"path": "Content-Type", "expected": f"{JSON}, application/x-ndjson, {RECORDS}", "got": ascii(kind[:80])}],
        )


def _array(data: bytes, limits: Limits) -> Iterator[RawItem]:
    documents = document(data, limits)
    if not isinstance(documents, list):
        raise Problem(Kind.MALFORMED, "A JSON batch is an array of events; a single event goes to /api/v1/lineage.")
    _bound(len(documents), limits)
    for index, event in enumerate(documents):
        yield RawItem(index, event=event)


def _lines(data: bytes, limits: Limits, read: Any) -> Iterator[RawItem]:
    _bound(data.count(b"\n"), limits)
    index = 0
    begin = 0
    while begin < len(data):
        end = data.find(b"\n", begin)
        end = len(data) if end < 0 else end
        line = data[begin:end]
        begin = end + 1
        if line and not line.isspace():
            yield read(index, line, limits)
            index += 1


def _bound(count: int, limits: Limits) -> None:
    if count > limits.batch_items:
        raise Problem(Kind.TOO_LARGE, f"The batch has {count} items; at most {limits.batch_items} are taken.")


def _event(index: int, line: bytes, limits: Limits) -> RawItem:
    try:
        return RawItem(index, event=document(line, limits))
    except Problem as problem:
        return RawItem(index, problem=problem)


def _record(index: int, line: bytes, limits: Limits) -> RawItem:
    try:
        envelope = document(line, limits)
    except Problem as problem:
        client, sequence = _salvage(line)
        return RawItem(index, client=client, sequence=sequence, problem=problem)
    client, sequence = None, None
    try:
        if not isinstance(envelope, dict):
            raise _bad("$", "an object with client, sequence and event", type(envelope).__name__)
        client, sequence = _client(envelope.get("client")), _number(envelope.get("sequence"), "sequence")
        project = envelope.get("project")
        if project is not None and not isinstance(project, str):
            raise _bad("project", "workspace/project", type(project).__name__)
        if "gap" in envelope:
            return RawItem(index, gap=_gap(envelope["gap"]), client=client, sequence=sequence, project=project)
        if "event" not in envelope:
            raise _bad("event", "an OpenLineage event, or a gap", "nothing")
        return RawItem(index, event=envelope["event"], client=client, sequence=sequence, project=project)
    except Problem as problem:
        return RawItem(index, client=client, sequence=sequence, problem=problem)


def _salvage(line: bytes) -> tuple[str | None, int | None]:
    match = _ENVELOPE.match(line)
    if match is None:
        return None, None
    try:
        return _client(match[1].decode()), _number(int(match[2]), "sequence")
    except Problem:
        return None, None


def _client(value: Any) -> str:
    try:
        return str(uuid.UUID(value))
    except (ValueError, TypeError, AttributeError):
        raise _bad("client", "a uuid", ascii(value)[:60]) from None


def _number(value: Any, path: str, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MAX_SEQUENCE:
        raise _bad(path, f"an integer of at least {least}", ascii(value)[:60])
    return value


def _gap(value: Any) -> Gap:
    if not isinstance(value, dict):
        raise _bad("gap", "an object with first, last, count and reason", type(value).__name__)
    first, last = _number(value.get("first"), "gap.first"), _number(value.get("last"), "gap.last")
    if last < first:
        raise _bad("gap.last", f"at least first ({first})", str(last))
    reason = value.get("reason")
    if reason not in GAP_REASONS:
        raise _bad("gap.reason", "one of " + ", ".join(sorted(GAP_REASONS)), ascii(reason)[:60])
    return Gap(first, last, _number(value.get("count"), "gap.count", 0), reason)


def _bad(path: str, expected: str, got: str) -> Problem:
    return Problem(Kind.REFUSED, f"{path}: expected {expected}.", [{"path": path, "expected": expected, "got": got}])
