"""The fact row and its hash.

A fact says `subject predicate value`, since `at` when the statement has a time. `object` is the ident of another
entity the value names, where one has to be found by it. Values are JSON with short member names: they are
stored by the million.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from lineage_graph.canonical import canonical_bytes
from lineage_graph.model import NodeKind


class Fact(NamedTuple):
    """One statement of one event.

    `at` is UTC microseconds, None for statements that hold whenever the subject exists.
    """

    kind: NodeKind
    subject: bytes
    predicate: str
    value: Any
    at: int | None = None
    object: bytes = b""


# Predicates (with their kinds) whose value the subject's ident already determines, whoever states them.
_EXISTENCE = frozenset(
    {
        (NodeKind.DATASET, "dataset"),
        (NodeKind.JOB, "job"),
        (NodeKind.FIELD, "field"),
        (NodeKind.SCHEMA, "content"),
    }
)


def is_existence(fact: Fact) -> bool:
    """Whether the fact only says that its subject exists: one row serves all producers."""
    return (fact.kind, fact.predicate) in _EXISTENCE


def fact_hash(fact: Fact, producer: str) -> tuple[bytes, bytes]:
    """(16-byte hash, canonical value bytes): equal statements of one producer are one fact."""
    value = canonical_bytes(fact.value)
    if is_existence(fact):
        return fact.subject, value
    head = f"{fact.predicate}\0{'' if fact.at is None else fact.at}\0{producer}\0".encode()
    return hashlib.sha256(fact.subject + head + value).digest()[:16], value
