"""How nodes and edges become Neo4j properties, and come back exactly.

Owns the shape plain Cypher meets: scalars are properties of their own, typed attributes (`metric.auc`) are too, with
a number where they have one; everything Neo4j cannot hold exactly, or under that name, travels as JSON in `data`. A
property with a dot in its name is always a copy of an attribute and never read back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from lineage_graph.encoding import dump_props, load_props
from lineage_graph.model import Basis, Edge, EdgeKey, EdgeType, Node, NodeKind

_RESERVED = frozenset({"id", "ident", "project", "data"})
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_KINDS = {kind.value: kind for kind in NodeKind}
_INT64 = range(-(2**63), 2**63)
MODEL_LABELS = {NodeKind.DATASET: "Model", NodeKind.DATASET_VERSION: "ModelVersion"}

Properties = dict[str, Any]


def node_labels(node: Node) -> list[str]:
    """The label of a node's kind, and a second one of what is a model."""
    labels = [node.kind.value]
    if node.kind in MODEL_LABELS and node.props.get("model") is True:
        labels.append(MODEL_LABELS[node.kind])
    return labels


def node_properties(node: Node, project: str) -> Properties:
    """All properties of a node."""
    properties: Properties = {}
    rest: Properties = {}
    for name, value in node.props.items():
        kept = properties if _native(value) and name not in _RESERVED and _PLAIN_NAME.match(name) else rest
        kept[name] = value
    attributes = node.props.get("attributes")
    if isinstance(attributes, Mapping):
        for key, typed in attributes.items():
            if isinstance(typed, Mapping) and "\0" not in key:  # the one character a property's name cannot hold
                properties[key if "." in key else f"attribute.{key}"] = _typed(typed)
    properties["id"] = node.id
    properties["ident"] = node.ident
    properties["project"] = project
    if rest:
        properties["data"] = dump_props(rest).decode()
    return properties


def read_node(labels: Collection[str], properties: Mapping[str, Any]) -> Node:
    """The node that `node_properties` was made from."""
    props = {name: value for name, value in properties.items() if "." not in name and name not in _RESERVED}
    data = properties.get("data")
    if data is not None:
        props.update(load_props(data.encode()))
    kind = next(_KINDS[label] for label in labels if label in _KINDS)
    return Node(properties["id"], kind, bytes(properties["ident"]), props)


def edge_properties(edge: Edge) -> Properties:
    """All properties of a relationship; what says nothing is left out."""
    properties: Properties = {"basis": edge.basis.value, "known_from": edge.known_from}
    if edge.key.via:
        properties["via"] = edge.key.via
    if edge.generation:
        properties["generation"] = edge.generation
    if edge.explicit:
        properties["explicit"] = True
    if edge.precision:
        properties["precision"] = str(edge.precision)
    if edge.valid_from is not None:
        properties["valid_from"] = edge.valid_from
    if edge.valid_to is not None:
        properties["valid_to"] = edge.valid_to
    if edge.props:
        properties["data"] = dump_props(edge.props).decode()
    if edge.known_to is not None:
        properties["known_to"] = edge.known_to
        properties["was"] = edge.key.type.value
    return properties


def read_edge(type: EdgeType, src: str, dst: str, properties: Mapping[str, Any]) -> Edge:
    """The edge that `edge_properties` was made from."""
    get = properties.get
    data = get("data")
    return Edge(
        EdgeKey(src, type, dst, get("via", "")),
        Basis(properties["basis"]),
        get("generation", ""),
        get("explicit", False),
        get("precision", ""),
        get("valid_from"),
        get("valid_to"),
        properties["known_from"],
        get("known_to"),
        load_props(data.encode()) if data is not None else {},
    )


def _native(value: object) -> bool:
    """Whether Neo4j stores a value as it is, and gives it back the same."""
    if isinstance(value, bool | str):
        return True
    if isinstance(value, int):
        return value in _INT64
    return isinstance(value, float) and math.isfinite(value)


def _typed(typed: Mapping[str, Any]) -> object:
    """A typed value as Cypher compares it best: a number, else its text."""
    type, text = typed.get("type"), str(typed.get("text", ""))
    try:
        if type == "int":
            return int(text) if int(text) in _INT64 else float(text)
        if type == "float":
            return float(text)
    except (ValueError, OverflowError):
        return text
    if type == "bool" and text in ("true", "false"):
        return text == "true"
    return text
