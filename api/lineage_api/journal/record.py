"""What goes into the journal and what comes back: entries, marks, outcomes.

Owns the media types of records and the immutable values passed between ingest, the writer thread and the sequencer.
Does not touch a database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

EVENT = "application/json"
GAP = "application/vnd.weftline.gap+json"
SERVER = "application/vnd.weftline.server+json"
UNPROJECTABLE = "application/vnd.weftline.unprojectable+json"
"""Stands in for a record that cannot be projected; never journalled, only handed to the projection."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project as the registry knows it."""

    id: int
    uuid: str
    workspace: str
    name: str
    event_key: bytes = field(repr=False, default=b"")

    @property
    def full_name(self) -> str:
        return f"{self.workspace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Registration:
    """A model version an event registers; the sequencer gives it a number.

    Args:
        run: job namespace and run id of the run that registers it.
    """

    namespace: str
    name: str
    scheme: str
    value: str
    tags: dict[str, str]
    run: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A record ready to be journalled.

    Args:
        received: UTC microseconds of this server's clock.
        key: HMAC of the canonical bytes before subject values were lifted.
        packed: zstd of the canonical bytes after that.
        committed: commitment to those bytes under `salt`.
        covers: ranges of sequence numbers this record settles (a gap settles many); none without a client.
    """

    project: Project
    received: int
    principal: str
    media_type: str
    client: str | None
    sequence: int | None
    key: bytes
    packed: bytes
    salt: bytes
    committed: bytes
    covers: tuple[tuple[int, int], ...] = ()
    registrations: tuple[Registration, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """A record of a client that was refused: it is not journalled, but its sequence number counts as settled."""

    project: Project
    client: str
    sequence: int


Item = Entry | Refused


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item: 201 journalled, 200 already known, 409 sequence taken, 0 refused before."""

    status: int
    seq: int


@dataclass(slots=True)
class Committed:
    """Answer to one submission, in the order of its items; `high_water` per client uuid named in it."""

    outcomes: list[Outcome]
    high_water: dict[str, int]

    @property
    def last_seq(self) -> int:
        return max((outcome.seq for outcome in self.outcomes), default=0)


def model_version_body(registration: Registration, number: int, registered: int) -> dict[str, Any]:
    """Server record of an allocated model version number; `registered` in UTC microseconds."""
    return {
        "type": "model_version",
        "model": {"namespace": registration.namespace, "name": registration.name},
        "number": number,
        "version": {"scheme": registration.scheme, "value": registration.value},
        "tags": registration.tags,
        "registered": registered,
        "registered_by": {"namespace": registration.run[0], "runId": registration.run[1]},
    }


def conflict_body(client: str, sequence: int, first: int, second: int) -> dict[str, Any]:
    """Server record of two bodies under one (client, sequence); `first` and `second` are journal numbers."""
    return {"type": "sequence_conflict", "client": client, "sequence": sequence, "first": first, "second": second}
