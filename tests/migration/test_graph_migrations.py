"""Graph schemas: what the migrations add up to is what `schema` says, again and again, and a newer one is refused."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from neo4j import Driver, GraphDatabase

from lineage_graph.embedded import EmbeddedGraphStore
from lineage_graph.embedded import migrate as embedded_migrate
from lineage_graph.embedded.connections import Connections
from lineage_graph.errors import GraphSchemaTooNew
from lineage_graph.neo4j import Neo4jGraphStore
from lineage_graph.neo4j import migrate as neo4j_migrate
from lineage_graph.queries import read_text


def objects(path: Path) -> dict[str, tuple[object, ...]]:
    """Everything in a SQLite schema: statements without comments and spacing, and columns as SQLite reads them."""
    with sqlite3.connect(path) as file:
        rows = file.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        columns = {
            name: file.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall() for _, name, _, _ in rows
        }
    file.close()
    return {name: (type, table, _bare(sql), columns[name]) for type, name, table, sql in rows}


def _bare(sql: str | None) -> str:
    return re.sub(r"IF NOT EXISTS|\s+", "", re.sub(r"--[^\n]*", "", sql or ""))


def test_a_migrated_file_is_a_fresh_one(tmp_path: Path) -> None:
    store = EmbeddedGraphStore(tmp_path / "migrated.db")
    store.migrate()
    store.close()
    with sqlite3.connect(tmp_path / "fresh.db") as fresh:
        fresh.executescript(read_text("lineage_graph.embedded", "schema.sql"))
    fresh.close()
    assert objects(tmp_path / "migrated.db") == objects(tmp_path / "fresh.db")
    assert len(objects(tmp_path / "fresh.db")) >= 6


def test_each_migration_continues_from_the_one_before(tmp_path: Path) -> None:
    connections = Connections(tmp_path / "steps.db")
    for number in embedded_migrate.available():
        embedded_migrate.migrate(connections.write, upto=number)
    embedded_migrate.migrate(connections.write)
    connections.close()
    store = EmbeddedGraphStore(tmp_path / "once.db")
    store.migrate()
    store.close()
    assert objects(tmp_path / "steps.db") == objects(tmp_path / "once.db")


def test_migrations_are_numbered_without_gaps() -> None:
    for available in (embedded_migrate.available(), neo4j_migrate.available()):
        assert list(available) == list(range(1, len(available) + 1))


def test_two_processes_may_migrate_at_once(tmp_path: Path) -> None:
    stores = [EmbeddedGraphStore(tmp_path / "graph.db") for _ in range(4)]
    failures: list[BaseException] = []

    def migrate(store: EmbeddedGraphStore) -> None:
        try:
            store.migrate()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=migrate, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    for store in stores:
        store.check()
        store.close()


def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    store = EmbeddedGraphStore(tmp_path / "graph.db")
    store.migrate()
    store.close()
    with sqlite3.connect(tmp_path / "graph.db") as file:
        file.execute("INSERT INTO migration VALUES (9999, '9999_from_the_future.sql')")
    file.close()
    before = objects(tmp_path / "graph.db")
    store = EmbeddedGraphStore(tmp_path / "graph.db")
    with pytest.raises(GraphSchemaTooNew, match=r"migration 9999.*upgrade weftline or restore a backup"):
        store.migrate()
    store.close()
    assert objects(tmp_path / "graph.db") == before


@pytest.fixture
def driver(neo4j_uri: str) -> Iterator[Driver]:
    with GraphDatabase.driver(neo4j_uri) as driver:
        yield driver


@pytest.mark.neo4j
def test_a_migrated_database_has_the_schema(driver: Driver) -> None:
    schema = read_text("lineage_graph.neo4j", "schema.cypher")
    constraints = set(re.findall(r"CREATE CONSTRAINT (\w+) FOR \(\w+:(\w+)\) REQUIRE \w+\.(\w+) IS UNIQUE", schema))
    indexes = set(re.findall(r"CREATE INDEX (\w+) FOR \(\w+:(\w+)\) ON \(\w+\.(\w+), \w+\.(\w+)\)", schema))
    with driver.session() as session:
        made = session.run("SHOW CONSTRAINTS YIELD name, labelsOrTypes, properties, type").values()
        shown = session.run("SHOW INDEXES YIELD name, labelsOrTypes, properties, type, owningConstraint").values()
    assert {(name, *labels, *properties) for name, labels, properties, _ in made} == constraints
    assert {type for *_, type in made} == {"UNIQUENESS"}
    free = [row for row in shown if row[3] != "LOOKUP" and row[4] is None]
    assert {(name, *labels, *properties) for name, labels, properties, *_ in free} == indexes
    assert len(constraints) + len(indexes) == schema.count("CREATE ")


@pytest.mark.neo4j
def test_a_migrated_database_may_be_migrated_again(neo4j_store: Neo4jGraphStore, driver: Driver) -> None:
    neo4j_store.migrate()
    with driver.session() as session:
        applied = session.run("MATCH (m:GraphMigration) RETURN m.number, m.name ORDER BY m.number").values()
    assert [tuple(row) for row in applied] == sorted(neo4j_migrate.available().items())


@pytest.mark.neo4j
def test_a_newer_database_is_refused(neo4j_store: Neo4jGraphStore, driver: Driver) -> None:
    with driver.session() as session:
        session.run("CREATE (:GraphMigration {number: 9999, name: '9999_from_the_future.cypher'})").consume()
        try:
            with pytest.raises(GraphSchemaTooNew, match="migration 9999"):
                neo4j_store.migrate()
        finally:
            session.run("MATCH (m:GraphMigration {number: 9999}) DELETE m").consume()
