"""Events: one OpenLineage run event as a dictionary, ready to be sent.

Owns the shape that all our run events share. Facets come from `facets`, what they hold from the run; sending is
`emit`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from lineage.facets import EVENT_SCHEMA, PRODUCER

Event = dict[str, Any]
DatasetEntry = dict[str, Any]


def now_text() -> str:
    """The present moment as RFC 3339 in UTC, always with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def run_event(
    event_type: str,
    run_id: str,
    job: Mapping[str, Any],
    run_facets: Mapping[str, Any],
    inputs: Sequence[DatasetEntry] = (),
    outputs: Sequence[DatasetEntry] = (),
    at: str | None = None,
) -> Event:
    """A run event of this moment, or of `at`; `event_type` is START, RUNNING, COMPLETE, FAIL, ABORT or OTHER."""
    event: Event = {
        "eventType": event_type,
        "eventTime": at or now_text(),
        "producer": PRODUCER,
        "schemaURL": EVENT_SCHEMA,
        "run": {"runId": run_id, "facets": run_facets},
        "job": job,
    }
    if inputs:
        event["inputs"] = list(inputs)
    if outputs:
        event["outputs"] = list(outputs)
    return event


def entry(
    namespace: str,
    name: str,
    facets: Mapping[str, Any] | None = None,
    *,
    input_facets: Mapping[str, Any] | None = None,
    output_facets: Mapping[str, Any] | None = None,
) -> DatasetEntry:
    """A dataset as a member of `inputs` or `outputs`."""
    found: DatasetEntry = {"namespace": namespace, "name": name}
    if facets:
        found["facets"] = facets
    if input_facets:
        found["inputFacets"] = input_facets
    if output_facets:
        found["outputFacets"] = output_facets
    return found
