"""The vocabulary of the graph: node kinds, edge types, and the rows that stores hold.

Owns the closed sets of kinds and types (nothing outside them ever reaches a query as an identifier) and the
immutable rows exchanged between derivation, stores and traversal. Does not know how rows are derived
(`derive`), identified (`identity`) or stored (`store` and its adapters).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple


class NodeKind(StrEnum):
    """Kinds of node; the value is the Neo4j label, `prefix` opens the node's id."""

    JOB = "Job"
    JOB_VERSION = "JobVersion"
    RUN = "Run"
    DATASET = "Dataset"
    DATASET_VERSION = "DatasetVersion"
    SCHEMA = "Schema"
    FIELD = "Field"
    CODE_VERSION = "CodeVersion"
    ENVIRONMENT = "Environment"
    ARTIFACT = "Artifact"
    CHECK = "Check"
    DEPLOYMENT = "Deployment"
    DECLARATION = "Declaration"
    APPROVAL = "Approval"
    ACTOR = "Actor"

    @property
    def prefix(self) -> str:
        return _PREFIXES[self]


_PREFIXES: dict[NodeKind, str] = {
    NodeKind.JOB: "job",
    NodeKind.JOB_VERSION: "jv",
    NodeKind.RUN: "run",
    NodeKind.DATASET: "ds",
    NodeKind.DATASET_VERSION: "dv",
    NodeKind.SCHEMA: "sch",
    NodeKind.FIELD: "fld",
    NodeKind.CODE_VERSION: "code",
    NodeKind.ENVIRONMENT: "env",
    NodeKind.ARTIFACT: "art",
    NodeKind.CHECK: "chk",
    NodeKind.DEPLOYMENT: "dep",
    NodeKind.DECLARATION: "decl",
    NodeKind.APPROVAL: "appr",
    NodeKind.ACTOR: "act",
}


class EdgeType(StrEnum):
    """Types of edge, all pointing from effect to cause (W3C PROV's direction)."""

    USED = "USED"  # Run → DatasetVersion
    GENERATED_BY = "GENERATED_BY"  # DatasetVersion → Run
    DERIVED_FROM = "DERIVED_FROM"  # DatasetVersion → DatasetVersion, Field → Field
    BUILT_FROM = "BUILT_FROM"  # JobVersion → CodeVersion
    RAN_IN = "RAN_IN"  # Run → Environment
    STARTED_BY = "STARTED_BY"  # Run → Actor
    VERSION_OF = "VERSION_OF"  # DatasetVersion → Dataset
    JOB_VERSION_OF = "JOB_VERSION_OF"  # JobVersion → Job
    RUN_OF = "RUN_OF"  # Run → JobVersion
    PART_OF = "PART_OF"  # Run → parent Run
    TRIGGERED_BY = "TRIGGERED_BY"  # Run → Run of another job
    ALIAS_OF = "ALIAS_OF"  # Dataset → canonical Dataset
    ATTACHED = "ATTACHED"  # Check, Deployment, … → its subject


CAUSAL = frozenset({EdgeType.USED, EdgeType.GENERATED_BY, EdgeType.DERIVED_FROM})
LEAVES = frozenset({EdgeType.RUN_OF, EdgeType.BUILT_FROM, EdgeType.RAN_IN, EdgeType.STARTED_BY})


class Precision(StrEnum):
    """How well a derivation is known, best first."""

    STATED = "stated"  # the producer named it in a lineage facet
    PASSED = "passed"  # a value handed from task to task
    CO_OCCURRING = "co-occurring"  # an input of the run that made the output


class Basis(StrEnum):
    """Who stands behind a statement; what an SDK reports is never above `observed`."""

    OBSERVED = "observed"
    INFERRED = "inferred"
    DECLARED = "declared"


_NO_PROPS: Mapping[str, Any] = MappingProxyType({})


# Nodes and edges are made and hashed by the million: as tuples, at a third of a frozen dataclass's cost.


class Node(NamedTuple):
    """A current node. `ident` is project-independent (see `identity`), `id` is not.

    `props` holds JSON values: scalars, and lists or objects where the kind needs them. Names every kind may
    carry: `namespace`, `name`, `time` (int, UTC microseconds since the epoch, what lists sort by).
    """

    id: str
    kind: NodeKind
    ident: bytes
    props: Mapping[str, Any] = _NO_PROPS


class EdgeKey(NamedTuple):
    """What tells two edges apart: ends, type, and the run whose statement it is (`via`, "" where none)."""

    src: str
    type: EdgeType
    dst: str
    via: str = ""


class Edge(NamedTuple):
    """A derived edge.

    Args:
        key: identity of the edge; ends and `via` are node ids.
        generation: for USED and DERIVED_FROM into a version: node id of the Run whose generation of that version
            is meant; "" when none could be bound (the walk then follows all and is marked ambiguous).
        explicit: on GENERATED_BY: the version has stated or passed DERIVED_FROM edges of this run, so the walk
            takes those and does not leave the run by USED for it.
        precision: of a DERIVED_FROM, or of the hand-over on a USED ("passed"), else "".
        valid_from, valid_to: UTC microseconds, `valid_to` None while it holds.
        known_from, known_to: journal sequence numbers, `known_to` None while it is derived.
    """

    key: EdgeKey
    basis: Basis = Basis.OBSERVED
    generation: str = ""
    explicit: bool = False
    precision: str = ""
    valid_from: int | None = None
    valid_to: int | None = None
    known_from: int = 0
    known_to: int | None = None
    props: Mapping[str, Any] = _NO_PROPS


@dataclass(frozen=True, slots=True)
class Delta:
    """What one projected batch changes in the graph of one project; applying it twice changes nothing.

    `seq` is the journal cursor the graph stands at afterwards. New edges get `known_from = seq`; a replaced or
    closed edge's old row gets `known_to = seq`. `gone` and `closed` name what is no longer derived.
    """

    project: str
    seq: int
    nodes: tuple[Node, ...] = ()
    gone: tuple[str, ...] = ()
    edges: tuple[Edge, ...] = ()
    closed: tuple[EdgeKey, ...] = ()


@dataclass(frozen=True, slots=True)
class AsOf:
    """Filters of an answer: valid at a time (UTC microseconds), known at a journal sequence number; None = now."""

    valid_at: int | None = None
    known_at: int | None = None
