"""Who is who: identity tuples, the idents and node ids computed from them.

Owns the tuple of each node kind (design § 4). An *ident* (16 bytes) is the same on every server; a node *id* also
hashes the project's uuid, so that two projects with the same names never meet. Names are normalised by `names`
before they come here and are never canonicalised through aliases.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from urllib.parse import quote

from lineage_graph.canonical import canonical_bytes
from lineage_graph.model import NodeKind

IDENT_BYTES = 16

# Base32 (RFC 4648 § 6), lower case and without padding: two characters for each ten bits.
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(120, -1, -10)

# Dataset version schemes, best evidence first.
SCHEME_VERSION = "version"  # the producer's own version (table format snapshot, ETag, …)
SCHEME_DIGEST = "sha256"  # exact content digest
SCHEME_RUN = "run"  # the run that produced it
SCHEME_UNVERSIONED = "unversioned"  # nobody can tell; one per dataset


@lru_cache(maxsize=8192)
def ident(kind: NodeKind, *identity: str) -> bytes:
    """16 bytes of SHA-256 over the kind and its identity tuple, independent of project and server."""
    return hashlib.sha256(canonical_bytes([kind.value, *identity])).digest()[:IDENT_BYTES]


@lru_cache(maxsize=8192)
def node_id(project: str, kind: NodeKind, identifier: bytes) -> str:
    """`<kind>_<26 base32 characters>` of 128 bits of SHA-256(project uuid, kind, ident)."""
    raw = hashlib.sha256(project.encode() + b"\0" + kind.value.encode() + b"\0" + identifier).digest()[:16]
    bits = int.from_bytes(raw, "big") << 2
    return f"{kind.prefix}_{''.join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])}"


def run_version_value(namespace: str, run_id: str) -> str:
    """Value of the `run` scheme: the run id, qualified by the job's namespace unless it is a UUID."""
    return run_id if len(run_id) == 36 and run_id.count("-") == 4 else f"{quote(namespace, safe='')}/{run_id}"


def job(namespace: str, name: str) -> bytes:
    """Ident of a Job."""
    return ident(NodeKind.JOB, namespace, name)


def dataset(namespace: str, name: str) -> bytes:
    """Ident of a Dataset, from its normalised name."""
    return ident(NodeKind.DATASET, namespace, name)


def run(job_namespace: str, run_id: str) -> bytes:
    """Ident of a Run: run ids need only be unique within the job's namespace."""
    return ident(NodeKind.RUN, job_namespace, run_id)


def dataset_version(namespace: str, name: str, scheme: str, value: str) -> bytes:
    """Ident of a DatasetVersion."""
    return ident(NodeKind.DATASET_VERSION, namespace, name, scheme, value)


def field(namespace: str, name: str, path: str) -> bytes:
    """Ident of a Field (a column or nested path of a dataset)."""
    return ident(NodeKind.FIELD, namespace, name, path)
