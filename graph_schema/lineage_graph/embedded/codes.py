"""Small integers that stand for node kinds, edge types, bases and precisions inside the file.

Part of the file format: a number, once released, keeps its meaning, and new members take new numbers.
"""

from __future__ import annotations

from lineage_graph.model import EdgeType, NodeKind
from lineage_graph.store import BASES, PRECISIONS

KIND_CODES = {
    NodeKind.JOB: 1,
    NodeKind.JOB_VERSION: 2,
    NodeKind.RUN: 3,
    NodeKind.DATASET: 4,
    NodeKind.DATASET_VERSION: 5,
    NodeKind.SCHEMA: 6,
    NodeKind.FIELD: 7,
    NodeKind.CODE_VERSION: 8,
    NodeKind.ENVIRONMENT: 9,
    NodeKind.ARTIFACT: 10,
    NodeKind.CHECK: 11,
    NodeKind.DEPLOYMENT: 12,
    NodeKind.DECLARATION: 13,
    NodeKind.APPROVAL: 14,
    NodeKind.ACTOR: 15,
}
TYPE_CODES = {
    EdgeType.USED: 1,
    EdgeType.GENERATED_BY: 2,
    EdgeType.DERIVED_FROM: 3,
    EdgeType.BUILT_FROM: 4,
    EdgeType.RAN_IN: 5,
    EdgeType.STARTED_BY: 6,
    EdgeType.VERSION_OF: 7,
    EdgeType.JOB_VERSION_OF: 8,
    EdgeType.RUN_OF: 9,
    EdgeType.PART_OF: 10,
    EdgeType.TRIGGERED_BY: 11,
    EdgeType.ALIAS_OF: 12,
    EdgeType.ATTACHED: 13,
}
BASIS_CODES = {basis: code for code, basis in enumerate(BASES)}
PRECISION_CODES = {precision: code for code, precision in enumerate(PRECISIONS)}

KINDS = {code: kind for kind, code in KIND_CODES.items()}
TYPES = {code: type for type, code in TYPE_CODES.items()}
