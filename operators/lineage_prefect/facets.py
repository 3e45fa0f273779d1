"""Facets of runs that Prefect orchestrates: ours, and the standard ones nothing else of the SDK sends.

Owns their shapes; where the values come from is `surroundings`', `caching`'s and `watch`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lineage import __version__
from lineage.facets import PRODUCER, Facet, own_schema

_STANDARD = "https://openlineage.io/spec/facets/"


def prefect(details: Mapping[str, Any]) -> Facet:
    """`weftline_prefect`: how Prefect names the run; members that are None are left out."""
    known = {key: value for key, value in details.items() if value not in (None, [])}
    return {"_producer": PRODUCER, "_schemaURL": own_schema("PrefectRunFacet"), **known}


def cached(key: str | None, run: Mapping[str, Any] | None, outputs: list[dict[str, Any]]) -> Facet:
    """`weftline_cached`: the run took its result from a cache; `run` and `outputs` are those that made it."""
    facet: Facet = {"_producer": PRODUCER, "_schemaURL": own_schema("CachedRunFacet"), "outputs": outputs}
    if key is not None:
        facet["key"] = key
    if run is not None:
        facet.update(run)
    return facet


def engine(version: str) -> Facet:
    """Standard `processing_engine`."""
    address = f"{_STANDARD}1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet"
    names = {"name": "prefect", "version": version, "openlineageAdapterVersion": __version__}
    return {"_producer": PRODUCER, "_schemaURL": address, **names}


def nominal_time(start: datetime) -> Facet:
    """Standard `nominalTime`: when the run was scheduled for."""
    address = f"{_STANDARD}1-0-1/NominalTimeRunFacet.json#/$defs/NominalTimeRunFacet"
    text = start.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
    return {"_producer": PRODUCER, "_schemaURL": address, "nominalStartTime": text}
