"""One value that says whether two graphs hold the same: identity, facts, and what is currently derived.

Owns the digest of design § 5. It leaves out node ids, keys, project, sequence numbers, receive times and the server's
own numbers, so two servers with the same events agree. Elements are summed modulo 2^256 (an order-free multiset hash),
so nothing has to be sorted or held in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from lineage_graph.canonical import canonical_bytes
from lineage_graph.projection.database import PROJECTION_VERSION
from lineage_graph.store import GraphStore

DIGEST_VERSION = 1
"""What the digest covers and how; raised with every change of this module that gives another value."""

_MODULUS = 1 << 256

# Properties that hold node ids; the edges say the same by identity.
ID_PROPS = frozenset({"parent", "root", "dataset", "schema"})


class FactHashes(Protocol):
    """Where the hashes of a project's facts come from."""

    def fact_hashes(self, project: str) -> Iterable[bytes]:
        """Hashes of all facts that the digest covers."""
        ...


def graph_digest(facts: FactHashes, store: GraphStore, project: str) -> dict[str, Any]:
    """{digest, digest_version, projection_version} of one project (uuid)."""
    sums = {"facts": 0, "nodes": 0, "edges": 0}
    counts = {"facts": 0, "nodes": 0, "edges": 0}

    def add(part: str, *pieces: bytes) -> None:
        digest = hashlib.sha256(b"\0".join((part.encode(), *pieces))).digest()
        sums[part] = (sums[part] + int.from_bytes(digest, "big")) % _MODULUS
        counts[part] += 1

    for value in facts.fact_hashes(project):
        add("facts", value)
    for node in store.scan_nodes(project):
        add("nodes", node.kind.value.encode(), node.ident, canonical_bytes(_without_ids(node.props)))
    for src, dst, via, generation, edge in store.scan_edges(project):
        content = [
            edge.key.type, edge.basis, edge.explicit, edge.precision, edge.valid_from, edge.valid_to, dict(edge.props),
            src.hex(), dst.hex(), via.hex(), generation.hex(),
        ]  # fmt: skip
        add("edges", canonical_bytes(content))
    whole = hashlib.sha256(canonical_bytes([DIGEST_VERSION, {k: [counts[k], f"{sums[k]:064x}"] for k in sums}]))
    return {"digest": whole.hexdigest(), "digest_version": DIGEST_VERSION, "projection_version": PROJECTION_VERSION}


def _without_ids(props: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in props.items() if key not in ID_PROPS}
