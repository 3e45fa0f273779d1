"""Where a walk starts, and for which moment.

Owns turning a node id and the texts of `valid_at` and `known_at` into what a walk takes: a dataset stands for its
newest version, a job for its newest run, a check or deployment for its subject. Does not walk.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from lineage_api.journal.reader import JournalReader
from lineage_api.models.deployments import deployed_versions
from lineage_api.models.versions import current_node
from lineage_api.problem import Kind, Problem
from lineage_api.reading import Reading
from lineage_graph.model import AsOf, EdgeType, Node, NodeKind
from lineage_graph.names import normalise
from lineage_graph.projection.catalog import Entity, Filters

MOST_VERSIONS = 1_000
"""Versions of one dataset that an answer starts from; with more it says that it is truncated."""

_WALKED = frozenset({NodeKind.RUN, NodeKind.DATASET_VERSION, NodeKind.FIELD})
_WITH_FIELDS = frozenset({NodeKind.DATASET, NodeKind.DATASET_VERSION})
_FIELDS = 1_000
_ATTACHED = frozenset({NodeKind.CHECK, NodeKind.DECLARATION, NodeKind.APPROVAL, NodeKind.ARTIFACT})


@dataclass(frozen=True, slots=True)
class Moment:
    """`valid_at` and `known_at` as given; None = now."""

    valid_at: str | None = None
    known_at: str | None = None


def walked_roots(reading: Reading, root: str, *, columns: bool = False, every: bool = False) -> list[str]:
    """Node ids a walk from `root` starts at; with `columns` a dataset or version stands for its fields.

    Args:
        every: a dataset stands for all its versions (who is hit if it must go), at most `MOST_VERSIONS` of them, and
            not for its newest (where does it come from).

    Raises:
        Problem: 404 for an unknown node, 422 for a kind that nothing is derived from.
    """
    node = current_node(reading.store, reading.project, root)
    if columns and node.kind in _WITH_FIELDS:
        return _fields(reading, node)
    if node.kind in _WALKED:
        return [root]
    if node.kind is NodeKind.DATASET:
        versions = _versions(reading, node, MOST_VERSIONS if every else 1)
        return [version.id for version in versions] if every else [versions[0].id]
    if node.kind is NodeKind.JOB:
        own = Filters(namespace=node.props["namespace"], version=node.props["name"])
        runs = reading.catalog.page(reading.project, NodeKind.RUN, own, after=None, limit=1)
        if runs:
            return [runs[0].id]
        raise Problem(Kind.NOT_FOUND, f"Job {node.props['name']!r} never ran.")
    if node.kind is NodeKind.DEPLOYMENT:
        found = reading.store.nodes(reading.project, deployed_versions(reading, node)).values()
        return [_versions(reading, end, 1)[0].id if end.kind is NodeKind.DATASET else end.id for end in found]
    if node.kind in _ATTACHED:
        return sorted({e.key.dst for e in reading.store.edges_from(reading.project, [root], [EdgeType.ATTACHED])})
    raise Problem(
        Kind.REFUSED,
        f"Nothing is derived from a {node.kind.value}: ask about a run, a dataset or a job.",
        [{"path": "root", "expected": "a run, version, dataset, field or job", "got": node.kind.value}],
    )


def moment(journal: JournalReader, asked: Moment) -> AsOf:
    """The filters of an answer.

    Raises:
        Problem: 422, not a time (or, for `known_at`, a sequence number).
    """
    valid_at = None if asked.valid_at is None else _microseconds("valid_at", asked.valid_at)
    if asked.known_at is None:
        return AsOf(valid_at)
    if asked.known_at.isascii() and asked.known_at.isdecimal() and len(asked.known_at) < 19:
        return AsOf(valid_at, int(asked.known_at))
    return AsOf(valid_at, journal.seq_at(_microseconds("known_at", asked.known_at)))


def _fields(reading: Reading, dataset: Node) -> list[str]:
    namespace, name = dataset.props["namespace"], dataset.props["name"]
    fields = reading.catalog.named(reading.project, [NodeKind.FIELD], name, namespace, _FIELDS)
    if not fields:
        raise Problem(Kind.NOT_FOUND, f"No column lineage is known of {namespace} {name}: no event named its columns.")
    return sorted(field.id for field in fields)


def _versions(reading: Reading, dataset: Node, limit: int) -> list[Entity]:
    """Versions of a dataset under all its names, newest first."""
    names = [(dataset.props["namespace"], dataset.props["name"]), *map(tuple, dataset.props.get("aliases") or ())]
    found = []
    for namespace, name in names:
        own = Filters(namespace=namespace, name=name)
        found += reading.catalog.page(reading.project, NodeKind.DATASET_VERSION, own, after=None, limit=limit)
    if not found:
        namespace, name = normalise(*names[0])
        raise Problem(Kind.NOT_FOUND, f"{namespace} {name} is known by name only: no run read or made a version of it.")
    return sorted(found, key=lambda version: (version.time, version.id), reverse=True)[:limit]


def _microseconds(path: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        expected = "an RFC 3339 time" + (" or a sequence number" if path == "known_at" else "")
        raise Problem(
            Kind.REFUSED, f"{path} is {expected}.", [{"path": path, "expected": expected, "got": ascii(text[:60])}]
        ) from None
    zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    difference = zoned - datetime(1970, 1, 1, tzinfo=UTC)
    return (difference.days * 86_400 + difference.seconds) * 1_000_000 + difference.microseconds
