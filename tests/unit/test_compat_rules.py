"""The rules of compatibility find each kind of break and let additions pass."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from checks.compat import facet_breaks, openapi_breaks

RELEASED: dict[str, Any] = {
    "paths": {
        "/runs": {
            "get": {
                "operationId": "list_runs",
                "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Runs"}}}}
                },
            },
            "post": {
                "operationId": "query_runs",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Query"}}}},
                "responses": {"200": {}},
            },
        }
    },
    "components": {
        "schemas": {
            "Runs": {
                "type": "object",
                "required": ["items"],
                "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Run"}}},
            },
            "Run": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "string"},
                    "parent": {"anyOf": [{"$ref": "#/components/schemas/Run"}, {"type": "null"}]},
                    "children": {"type": "array", "items": {"$ref": "#/components/schemas/Run"}},
                },
            },
            "Query": {
                "type": "object",
                "properties": {"q": {"type": "string"}, "sort": {"type": "string", "enum": ["asc", "desc"]}},
            },
        }
    },
}


def _edit(document: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split("|")
    for part in above:
        document = document[part]
    if value is None:
        del document[last]
    else:
        document[last] = value


BREAKS: list[tuple[str, Any, str]] = [
    ("paths|/runs|get", None, "GET /runs: is gone"),
    ("paths|/runs|get|operationId", "runs", "operation_id was list_runs, is runs"),
    ("paths|/runs|get|parameters", [], "GET /runs?limit: is gone"),
    (
        "paths|/runs|get|parameters",
        [{"name": "limit", "in": "query", "required": True, "schema": {"type": "integer"}}],
        "?limit: is now required",
    ),
    ("paths|/runs|get|responses", {"204": {}}, "answer 200 is gone"),
    ("components|schemas|Run|properties|id", None, "[].id: is gone"),
    ("components|schemas|Run|properties|id|type", "integer", "[].id: type was ['string'], is ['integer']"),
    ("components|schemas|Run|required", [], "[].id: no longer always there"),
    ("components|schemas|Query|required", ["q"], "body.q: is now required"),
    ("components|schemas|Query|properties|sort|enum", ["asc"], "body.sort: no longer takes desc"),
]


@pytest.mark.parametrize(("path", "value", "said"), BREAKS)
def test_each_break_is_found_and_named(path: str, value: Any, said: str) -> None:
    today = copy.deepcopy(RELEASED)
    _edit(today, path, value)
    found = openapi_breaks(RELEASED, today)
    assert any(said in line for line in found), found


def test_additions_pass() -> None:
    today = copy.deepcopy(RELEASED)
    today["paths"]["/jobs"] = {"get": {"operationId": "list_jobs", "responses": {"200": {}}}}
    today["paths"]["/runs"]["get"]["parameters"].append({"name": "state", "in": "query", "schema": {"type": "string"}})
    today["components"]["schemas"]["Run"]["properties"]["state"] = {"type": "string"}
    today["components"]["schemas"]["Run"]["required"].append("state")
    today["components"]["schemas"]["Query"]["properties"]["q"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert openapi_breaks(RELEASED, today) == []


def test_a_facet_may_gain_a_member_but_not_lose_or_demand_one() -> None:
    old: dict[str, Any] = {
        "Run.json": {"$defs": {"Run": {"type": "object", "properties": {"kind": {"type": "string"}}}}}
    }
    base = {"$ref": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunFacet"}
    old["Run.json"]["$defs"]["Run"] = {"allOf": [base, old["Run.json"]["$defs"]["Run"]]}
    new = copy.deepcopy(old)
    new["Run.json"]["$defs"]["Run"]["allOf"][1]["properties"]["note"] = {"type": "string"}
    assert facet_breaks(old, new) == []
    new["Run.json"]["$defs"]["Run"]["allOf"][1]["required"] = ["note"]
    assert facet_breaks(old, new) == ["Run.json#Run.note: is now required"]
    assert facet_breaks(new, old) == ["Run.json#Run.note: is gone", "Run.json#Run.note: no longer always there"]
    assert facet_breaks(old, {}) == ["Run.json: is gone"]
