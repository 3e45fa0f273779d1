"""What an OpenLineage document must hold to be placed, and the small readers everything downstream shares.

Owns validation at the door (`parse_event`), event time, and `registrations`. Refuses only what cannot be placed:
missing or wrong-typed required members, an unparseable eventTime, names over the limit. Everything else that is odd
is accepted and becomes a finding in `facts`.
Source: OpenLineage 2-0-2 (`BaseEvent`, `RunEvent`, `JobEvent`, `DatasetEvent`); 1-x documents have the same members.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal, TypeGuard

from lineage_graph.errors import EventRefused
from lineage_graph.identity import SCHEME_DIGEST, SCHEME_RUN, SCHEME_VERSION, run_version_value
from lineage_graph.names import normalise

EventKind = Literal["run", "job", "dataset"]

MAX_NAME = 4096
"""Characters in one name, namespace or run id."""

MAX_DATASETS = 200_000
"""Inputs or outputs in one event."""

EVENT_TYPES = frozenset({"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"})

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def parse_event(event: Any) -> EventKind:
    """Check that the document can be placed and say which of the three kinds it is.

    Raises:
        EventRefused: with the JSON path, what belongs there and what was found.
    """
    if not isinstance(event, dict):
        raise EventRefused("$", "an OpenLineage event object", _describe(event))
    for member in ("eventTime", "producer", "schemaURL"):
        _text(event.get(member), member)
    event_time(event["eventTime"])
    if event.get("run") is not None:
        return _parse_run_event(event)
    if event.get("job") is not None:
        _named(event["job"], "job")
        _datasets(event, "inputs")
        _datasets(event, "outputs")
        return "job"
    if event.get("dataset") is not None:
        _named(event["dataset"], "dataset")
        return "dataset"
    raise EventRefused("$", "a `run` and `job`, a `job`, or a `dataset` member", "none of them")


def _parse_run_event(event: dict[str, Any]) -> EventKind:
    run = event["run"]
    if not isinstance(run, dict):
        raise EventRefused("run", "an object", _describe(run))
    _text(run.get("runId"), "run.runId")
    if event.get("job") is None:
        raise EventRefused("job", "an object with namespace and name", "nothing")
    _named(event["job"], "job")
    event_type = event.get("eventType")
    if event_type is not None and not isinstance(event_type, str):
        raise EventRefused("eventType", "one of START, RUNNING, COMPLETE, ABORT, FAIL, OTHER", _describe(event_type))
    _datasets(event, "inputs")
    _datasets(event, "outputs")
    return "run"


def event_time(text: str) -> tuple[int, bool]:
    """UTC microseconds since the epoch, and whether the text named its time zone (without one it is read as UTC).

    Raises:
        EventRefused: not an ISO 8601 date and time.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
        zoned = moment.tzinfo is not None
        if not zoned:
            moment = moment.replace(tzinfo=dt.UTC)
        return (moment - _EPOCH) // _MICROSECOND, zoned
    except (ValueError, OverflowError):
        raise EventRefused(
            "eventTime", "an ISO 8601 date and time such as 2026-05-01T12:00:00Z", repr(text[:60])
        ) from None


def registrations(event: dict[str, Any]) -> list[tuple[str, str, str, str, dict[str, str], tuple[str, str]]]:
    """Model versions that a run event registers: (namespace, name, version scheme, version value, tags, run)."""
    found = []
    run = (event["job"]["namespace"], event["run"]["runId"])
    for output in event.get("outputs") or ():
        facet = facet_of(output, "weftline_modelRegistration")
        if facet is None:
            continue
        namespace, name = normalise(output["namespace"], output["name"])
        scheme, value = stated_version(output) or (
            SCHEME_RUN,
            run_version_value(*run),
        )
        tags = facet.get("tags")
        kept = {k: v for k, v in tags.items() if isinstance(v, str)} if isinstance(tags, dict) else {}
        found.append((namespace, name, scheme, value, kept, run))
    return found


def stated_version(dataset: dict[str, Any]) -> tuple[str, str] | None:
    """(scheme, value) that the producer states for a dataset: its version facet, else an exact content digest."""
    facet = facet_of(dataset, "version")
    if facet is not None and is_text(facet.get("datasetVersion")):
        return SCHEME_VERSION, facet["datasetVersion"]
    facet = facet_of(dataset, "weftline_digest")
    if facet is not None and facet.get("exact") is True and is_text(facet.get("value")):
        return SCHEME_DIGEST, facet["value"].lower()
    return None


def facet_of(owner: Any, name: str, group: str = "facets") -> dict[str, Any] | None:
    """A facet by name when it is an object and not marked deleted, else None."""
    facets = owner.get(group)
    if not isinstance(facets, dict):
        return None
    facet = facets.get(name)
    if not isinstance(facet, dict) or facet.get("_deleted") is True:
        return None
    return facet


def names_any(owner: dict[str, Any], names: frozenset[str], group: str = "facets") -> bool:
    """Whether a group of facets has one of these; cheaper than to ask for each, and mostly it has none."""
    facets = owner.get(group)
    return isinstance(facets, dict) and not names.isdisjoint(facets)


def is_text(value: Any) -> TypeGuard[str]:
    """A non-empty string within the name limit."""
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME


def _text(value: Any, path: str) -> None:
    if not is_text(value):
        raise EventRefused(path, f"a string of 1 to {MAX_NAME} characters", _describe(value))


def _named(value: Any, path: str) -> None:
    if not isinstance(value, dict):
        raise EventRefused(path, "an object with namespace and name", _describe(value))
    _text(value.get("namespace"), f"{path}.namespace")
    _text(value.get("name"), f"{path}.name")


def _datasets(event: dict[str, Any], member: str) -> None:
    values = event.get(member)
    if values is None:
        return
    if not isinstance(values, list):
        raise EventRefused(member, "an array of datasets", _describe(values))
    if len(values) > MAX_DATASETS:
        raise EventRefused(member, f"at most {MAX_DATASETS} datasets", str(len(values)))
    for index, value in enumerate(values):
        if not (isinstance(value, dict) and is_text(value.get("namespace")) and is_text(value.get("name"))):
            _named(value, f"{member}[{index}]")


def _describe(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"a string of {len(value)} characters"
    names = {dict: "an object", list: "an array", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)
