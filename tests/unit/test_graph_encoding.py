"""Properties as bytes, and as what Neo4j holds: exact both ways."""

from __future__ import annotations

import math

import pytest
from hypothesis import given

from fixtures.graphs import in_order, props
from lineage_graph.encoding import dump_props, load_props
from lineage_graph.model import Basis, Edge, EdgeKey, EdgeType, Node, NodeKind
from lineage_graph.neo4j.properties import edge_properties, node_properties, read_edge, read_node


@given(props)
def test_props_come_back_exactly(given_props: dict[str, object]) -> None:
    assert repr(in_order(load_props(dump_props(given_props)))) == repr(in_order(given_props))


@given(props)
def test_equal_props_are_equal_bytes(given_props: dict[str, object]) -> None:
    assert dump_props(dict(reversed(given_props.items()))) == dump_props(given_props)


@given(props)
def test_a_node_comes_back_from_its_properties(given_props: dict[str, object]) -> None:
    node = Node("run_x", NodeKind.RUN, b"\0ident", given_props)
    found = read_node(["Entity", "Run"], node_properties(node, "p"))
    assert repr(in_order(found.props)) == repr(in_order(given_props))
    assert (found.id, found.kind, found.ident) == (node.id, node.kind, node.ident)


def test_plain_cypher_meets_scalars_and_typed_attributes() -> None:
    attributes = {
        "metric.auc": {"type": "float", "text": "0.930"}, "metric.big": {"type": "int", "text": str(2**80)},
        "metric.nan": {"type": "float", "text": "NaN"}, "param.debug": {"type": "bool", "text": "true"},
        "tag.kind": {"type": "string", "text": "nightly"}, "duration": {"type": "int", "text": "12"},
    }  # fmt: skip
    node = Node(
        "run_x", NodeKind.RUN, b"", {"name": "train", "started_at": 5, "ended_at": None, "attributes": attributes}
    )
    properties = node_properties(node, "p")
    assert (properties["name"], properties["started_at"]) == ("train", 5)
    assert "ended_at" not in properties
    assert (properties["metric.auc"], properties["metric.big"]) == (0.93, float(2**80))
    assert math.isnan(properties["metric.nan"])
    assert properties["param.debug"] is True
    assert (properties["tag.kind"], properties["attribute.duration"]) == ("nightly", 12)
    assert read_node(["Run"], properties).props == node.props


def test_an_edge_says_only_what_it_has_to_say() -> None:
    bare = Edge(EdgeKey("a", EdgeType.USED, "b"))
    assert edge_properties(bare) == {"basis": "observed", "known_from": 0}
    full = Edge(
        EdgeKey("a", EdgeType.DERIVED_FROM, "b", "r"), Basis.DECLARED, "g", True, "passed", 1, 2, 3, 4, {"x": [None]}
    )
    properties = edge_properties(full)
    assert (properties["was"], properties["known_to"]) == ("DERIVED_FROM", 4)
    for edge in (bare, full):
        assert read_edge(edge.key.type, edge.key.src, edge.key.dst, edge_properties(edge)) == edge


@pytest.mark.parametrize("value", [math.nan, math.inf, [1, {"x": [-math.inf]}], {"big": 2**70, "nan": math.nan}])
def test_what_json_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"props\.value|not JSON compliant"):
        dump_props({"value": value})
