"""The names of datasets and models as questions spell them, and the spelling they are kept under.

Owns trying the spellings a name may have, so that lists, references and models read a name alike. The rules of
spelling are `lineage_graph.names`'; names of jobs and runs are kept as they were sent and not touched here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from lineage_graph.model import NodeKind
from lineage_graph.names import normalise
from lineage_graph.projection.catalog import Catalog, Entity, Filters

_URI = re.compile(r"(?P<namespace>[A-Za-z][A-Za-z0-9+.\-]*://[^/]*)/(?P<name>.+)", re.DOTALL)
_ANY_NAME = "x"


def datasets_named(catalog: Catalog, project: str, namespace: str | None, name: str, limit: int) -> list[Entity]:
    """Datasets (models are such) with this name in whatever spelling, newest first; all of one spelling."""
    for kept, plain in _spellings(namespace, name):
        found = catalog.named(project, [NodeKind.DATASET], plain, kept, limit)
        if found:
            return found
    return []


def as_kept(catalog: Catalog, project: str, filters: Filters) -> Filters:
    """Filters on datasets with namespace and name in the spelling they are kept under."""
    if filters.name is None:
        if filters.namespace is None:
            return filters
        return replace(filters, namespace=normalise(filters.namespace, _ANY_NAME)[0])
    for kept, plain in _spellings(filters.namespace, filters.name):
        if catalog.named(project, [NodeKind.DATASET], plain, kept, 1):
            return replace(filters, namespace=kept, name=plain)
    return filters


def _spellings(namespace: str | None, name: str) -> Iterator[tuple[str | None, str]]:
    """(namespace, name) pairs that a dataset named like this may be kept under, likeliest first."""
    if namespace is not None:
        yield normalise(namespace, name)
        return
    yield None, name
    address = _URI.fullmatch(name)
    if address is not None:
        yield normalise(address["namespace"], address["name"])
    if name.startswith(("/", "file:")):
        yield normalise("file", name)
    plain = name.strip().lstrip("/")  # keys of object stores are kept without
    if plain not in ("", name):
        yield None, plain
