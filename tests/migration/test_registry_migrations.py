"""Schemas of registry.db and keys.db: the migrations build what the tables say, survive kills, refuse newer ones."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from lineage_api.journal import database, tables
from lineage_api.journal.database import HEADS, Branch, SchemaTooNew, migrate, open_engine

METADATA: dict[Branch, sa.MetaData] = {"registry": tables.registry, "keys": tables.keys}
BRANCHES: list[Branch] = ["registry", "keys"]


def schema(path: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    connection.close()
    return rows


@pytest.mark.parametrize("branch", BRANCHES)
def test_migrations_build_what_the_tables_say(tmp_path: Path, branch: Branch) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    migrate(engine, branch)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA[branch]) == []
    fresh = sa.create_engine(f"sqlite:///{tmp_path / 'fresh.db'}")
    METADATA[branch].create_all(fresh)
    inspected = [describe(sa.inspect(each)) for each in (engine, fresh)]
    assert inspected[0] == inspected[1]
    fresh.dispose()


def describe(inspector: Any) -> dict[str, Any]:
    return {
        table: {
            "columns": [
                (c["name"], str(c["type"]), c["nullable"], c["primary_key"]) for c in inspector.get_columns(table)
            ],
            "unique": sorted((u["name"] or "", u["column_names"]) for u in inspector.get_unique_constraints(table)),
            "foreign": sorted(
                (f["constrained_columns"], f["referred_table"], f["options"]) for f in inspector.get_foreign_keys(table)
            ),
        }
        for table in sorted(inspector.get_table_names())
        if table != "alembic_version"
    }


@pytest.mark.parametrize("branch", BRANCHES)
def test_the_newest_migration_is_the_one_named(branch: Branch) -> None:
    folder = Path(database.__file__).parent / "migrations"
    scripts = ScriptDirectory(str(folder), version_locations=[str(folder / branch)])
    assert scripts.get_current_head() == HEADS[branch]


@pytest.mark.parametrize("branch", BRANCHES)
def test_migrating_twice_changes_nothing(tmp_path: Path, branch: Branch) -> None:
    path = tmp_path / "a.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine, branch)
    before = schema(path)
    migrate(engine, branch)
    assert schema(path) == before


@pytest.mark.parametrize("branch", BRANCHES)
def test_a_newer_schema_is_refused_and_untouched(tmp_path: Path, branch: Branch) -> None:
    path = tmp_path / "a.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine, branch)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'registry_9999'")
    connection.close()
    before = schema(path)
    with pytest.raises(SchemaTooNew, match="upgrade weftline"):
        migrate(engine, branch)
    assert schema(path) == before


def _die_while_migrating(path: str, branch: Branch, number: int) -> None:
    seen = 0

    def watch(_frame: Any, event: str, function: Any) -> None:
        nonlocal seen
        if event == "c_call" and isinstance(getattr(function, "__self__", None), (sqlite3.Cursor, sqlite3.Connection)):
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(watch)
    migrate(open_engine(f"sqlite:///{path}"), branch)
    sys.setprofile(None)


@pytest.mark.full
@pytest.mark.parametrize("branch", BRANCHES)
def test_a_migration_killed_at_any_statement_is_done_next_time(tmp_path: Path, branch: Branch) -> None:
    whole = tmp_path / "whole.db"
    migrate(open_engine(f"sqlite:///{whole}"), branch)
    died = 0
    for number in (3, 8, 15, 22, 29, 36, 43, 50, 60, 75):
        path = tmp_path / f"{number}.db"
        child = multiprocessing.get_context("fork").Process(
            target=_die_while_migrating, args=(str(path), branch, number)
        )
        child.start()
        child.join()
        died += child.exitcode == -signal.SIGKILL
        migrate(open_engine(f"sqlite:///{path}"), branch)
        assert schema(path) == schema(whole), number
    assert died >= 3
