"""Hostile content through the real service: injection (A7), forged times and producers (A25), log forging (A27).

A13 (routes without permission) is in `unit/test_service_access.py`, A23 in `integration/test_ingest_limits.py`.
"""

from __future__ import annotations

import ast
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import sqlalchemy as sa

import lineage_api
import lineage_graph
from fixtures.run_shapes import FACET, PRODUCER, SCHEMA_URL, dataset, run_event
from fixtures.server import Server, serving
from lineage_api.journal import tables
from lineage_api.journal.database import open_engine
from lineage_api.settings import Settings

HOSTILE = [
    "'; DROP TABLE journal; --",
    '"}) DETACH DELETE (n) //',
    "`) MATCH (n) DETACH DELETE n //",
    "\\u0060) MATCH (n) DETACH DELETE n //",
    "\\' OR 1=1 //",
    "${jndi:ldap://127.0.0.1:1/a}",
    "{{7*7}}",
    "LOAD CSV FROM 'http://127.0.0.1:1/x' AS line RETURN line",
    "apoc.load.json('http://127.0.0.1:1/x')",
    "Run`:`Pwned",
    "a\r\nX-Forged: 1\r\n\r\nforged",
    "\x1b[2J\x1b[31mred\x07\x9b1m",
    "=cmd|' /C calc'!A0",
    "../../../etc/passwd",
    "\u202etxt.exe\u2066\u2028",
    "null\x00byte",
    "<script>alert(1)</script>",
    ":id",
    "%s %(x)s {} ?",
    "_producer",
]


def hostile_events() -> list[dict[str, Any]]:
    """Each text in every place a name, a key or a value may stand."""
    events = []
    for number, text in enumerate(HOSTILE):
        out = dataset(
            text,
            f"ns {text}",
            schema={"fields": [{"name": text, "type": text}]},
            version={"datasetVersion": text},
            symlinks={"identifiers": [{"namespace": text, "name": text, "type": "TABLE"}]},
            columnLineage={"fields": {text: {"inputFields": [{"namespace": text, "name": "in", "field": text}]}}},
            datasetType={"datasetType": text},
        )
        event = run_event("COMPLETE", number, f"job {text}", number + 1, [dataset("in", text)], [out])
        event["run"]["runId"] = f"run {text}"
        event["run"]["facets"] = {
            "executionParameters": {**FACET, "parameters": [{"key": text, "value": text}]},
            "tags": {**FACET, "tags": [{"key": text, "value": text, "source": text}]},
            "errorMessage": {**FACET, "message": text, "programmingLanguage": text},
            "weftline_metrics": {
                **FACET,
                "metrics": [{"name": text, "type": "float", "value": text, "timestamp": text}],
            },
            text: {**FACET, text: text},
        }
        events.append(event)
    return events


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("attacks") / "data") as running:
        yield running


def send(server: Server, events: list[dict[str, Any]], project: str) -> None:
    answer = server.client.post("/api/v1/lineage/batch", json=events, headers={"Lineage-Project": project})
    assert {item["status"] for item in answer.json()["items"]} == {201}, answer.text[:2000]
    server.settle()


def names_of(server: Server, kind: str, project: str) -> set[str]:
    """Names in a list of the API, all pages."""
    found: set[str] = set()
    cursor: str | None = None
    while True:
        query = {"limit": "100", **({"cursor": cursor} if cursor else {})}
        page = server.client.get(f"/api/v1/{kind}", params=query, headers={"Lineage-Project": project})
        assert page.status_code == 200, page.text
        found.update(item["name"] for item in page.json()["items"])
        cursor = page.json()["next_cursor"]
        if cursor is None:
            return found


def test_a7_hostile_names_are_only_names(server: Server) -> None:
    project, other = f"a7/{uuid.uuid4().hex}", f"a7/{uuid.uuid4().hex}"
    send(server, [run_event("COMPLETE", 1, "innocent", 1, [], [dataset("kept")])], other)
    before = server.digest(other)
    send(server, hostile_events(), project)
    assert {f"job {text}" for text in HOSTILE} <= names_of(server, "jobs", project)
    assert "in" in names_of(server, "datasets", project)
    assert server.digest(other) == before
    assert not [line for line in server.log_lines() if "cannot be projected" in line["event"]]


def test_a7_hostile_references_and_filters_find_nothing_and_break_nothing(server: Server) -> None:
    project = {"Lineage-Project": f"a7/{uuid.uuid4().hex}"}
    for text in HOSTILE:
        for path, query in (
            ("resolve", {"kind": "dataset", "namespace": text, "name": text}),
            ("resolve", {"kind": text, "name": text}),
            ("lineage", {"root": text, "direction": "up"}),
            ("impact", {"root": text}),
            ("models/origins", {"name": text, "version": text}),
            ("runs", {"cursor": text}),
        ):
            answer = server.client.get(f"/api/v1/{path}", params=query, headers=project)
            assert answer.status_code < 500, (path, text, answer.text)


@pytest.mark.full
@pytest.mark.neo4j
def test_a7_both_stores_keep_hostile_names_alike(server: Server, neo4j_uri: str, tmp_path: Path) -> None:
    from neo4j import GraphDatabase

    project = f"a7/{uuid.uuid4().hex}"
    send(server, hostile_events(), project)
    with GraphDatabase.driver(neo4j_uri) as driver:
        canary = uuid.uuid4().hex
        driver.execute_query("CREATE (:Canary {id: $id})", id=canary)
        with serving(tmp_path / "data", graph=neo4j_uri) as other:
            send(other, hostile_events(), project)
            assert other.digest(project) == server.digest(project)
        labels = {row["label"] for row in driver.execute_query("CALL db.labels() YIELD label").records}
        types = {
            row["t"] for row in driver.execute_query("CALL db.relationshipTypes() YIELD relationshipType AS t").records
        }
        assert not {name for name in labels | types if any(text in name for text in HOSTILE) or "Pwned" in name}
        assert driver.execute_query("MATCH (c:Canary {id: $id}) RETURN c", id=canary).records
        driver.execute_query("MATCH (c:Canary {id: $id}) DELETE c", id=canary)


def test_a7_no_statement_is_built_from_strings() -> None:
    """Nothing that reaches a database as a statement is put together from values: no f-string, format or %."""
    calls = {"run", "execute", "executemany", "execute_query", "exec_driver_sql", "executescript"}
    offences = []
    for package in (lineage_graph, lineage_api):
        for path in Path(str(package.__file__)).parent.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in calls and node.args:
                    if is_formatted(node.args[0]):
                        offences.append(f"{path}:{node.lineno}")
    assert offences == []


def is_formatted(statement: ast.expr) -> bool:
    if isinstance(statement, ast.JoinedStr):  # a pragma takes no parameters; ours take constants of the module
        return not ast.unparse(statement).startswith("f'PRAGMA ")
    if isinstance(statement, ast.BinOp):
        return isinstance(statement.op, ast.Mod)
    return isinstance(statement, ast.Call) and getattr(statement.func, "attr", "") == "format"


def test_a25_forged_times_are_stored_with_the_servers_own(server: Server) -> None:
    project = f"a25/{uuid.uuid4().hex}"
    begin = time.time_ns() // 1000
    forged = []
    for number, moment in enumerate(
        ("0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2999-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
    ):
        event = run_event("COMPLETE", 1, "backdated", number, [], [dataset(f"d{number}")])
        forged.append({**event, "eventTime": moment, "received": 1, "principal": "admin", "seq": -5})
    send(server, forged, project)
    end = time.time_ns() // 1000
    rows = rows_of(server.data, project)
    assert len(rows) == len(forged)
    assert all(begin <= row.received <= end for row in rows)
    assert {row.principal for row in rows} == {"local"}
    assert [row.seq for row in rows] == list(range(rows[0].seq, rows[0].seq + len(rows)))


def test_a25_a_forged_terminal_event_stays_visible_beside_the_true_one(server: Server) -> None:
    project = f"a25/{uuid.uuid4().hex}"
    true = [
        run_event(kind, second, "honest", 5, [], [dataset("out")]) for kind, second in (("START", 1), ("COMPLETE", 9))
    ]
    forged = {**run_event("FAIL", 5, "honest", 5), "producer": "https://attacker.example"}
    send(server, [*true, forged], project)
    assert len(rows_of(server.data, project)) == 3
    runs = server.client.get("/api/v1/runs", headers={"Lineage-Project": project}).json()["items"]
    assert [run["state"] for run in runs] == ["FAIL"]
    detail = server.client.get(f"/api/v1/runs/{runs[0]['id']}", headers={"Lineage-Project": project})
    assert detail.status_code == 200


def rows_of(data: Path, project: str) -> list[Any]:
    engine = open_engine(Settings(data=data).registry_url, read_only=True)
    name = project.partition("/")[2]
    statement = (
        sa.select(tables.journal)
        .join(tables.project, tables.project.c.id == tables.journal.c.project)
        .where(tables.project.c.name == name)
        .order_by(tables.journal.c.seq)
    )
    with engine.begin() as connection:
        rows = list(connection.execute(statement))
    engine.dispose()
    return rows


def test_a27_nothing_hostile_reaches_log_or_headers(server: Server) -> None:
    project = f"a27/{uuid.uuid4().hex}"
    send(server, hostile_events(), project)
    broken = [{"eventTime": text, "producer": text, "schemaURL": text, "job": text} for text in HOSTILE]
    answer = server.client.post("/api/v1/lineage/batch", json=broken)
    assert {item["status"] for item in answer.json()["items"]} == {422}
    for text in HOSTILE:
        for content in (b"{", json.dumps({"eventTime": text}).encode()):
            refused = server.client.post(
                "/api/v1/lineage", content=content, headers={"Content-Type": "application/json"}
            )
            assert refused.status_code in (400, 422)
            assert refused.headers["content-type"] == "application/problem+json"
        try:
            odd = server.client.get("/api/v1/runs", headers={b"Lineage-Project": text.encode()})
        except httpx.HTTPError:
            continue  # the client itself refuses to send it
        assert odd.status_code in (200, 400, 404)
        assert "x-forged" not in odd.headers
    log = server.log.read_bytes()
    assert all(byte == 0x0A or 0x20 <= byte < 0x7F for byte in log)
    for line in log.decode("ascii").splitlines():
        json.loads(line)


def test_the_constants_of_the_fixture_are_used() -> None:
    event = hostile_events()[0]
    assert (event["producer"], event["schemaURL"]) == (PRODUCER, SCHEMA_URL)


def test_modules_in_the_working_directory_are_not_imported(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the working directory was imported from')\n")
    data = tmp_path / "data"
    data.mkdir()
    with Server(data, prefix=["sh", "-c", f'cd "{tmp_path}" && exec "$0" -P "$@"']).start() as server:
        assert server.post(run_event("START", 1, "here", 1), wait=True).json()["projected"]
