"""The query files, their loader, and that nothing but them ever reaches a database."""

from __future__ import annotations

import ast
from enum import StrEnum
from pathlib import Path

import pytest

import lineage_graph
from lineage_graph.embedded import codes
from lineage_graph.model import Basis, EdgeType, NodeKind
from lineage_graph.neo4j.properties import MODEL_LABELS
from lineage_graph.queries import Queries, load_queries, parse_queries, parse_statements
from lineage_graph.store import PRECISIONS

PACKAGE = Path(lineage_graph.__file__).parent
QUERY_FILES = sorted(
    path.relative_to(PACKAGE) for store in ("embedded", "neo4j") for path in (PACKAGE / store / "queries").iterdir()
)
RUNNERS = {"run", "execute", "executemany", "executescript"}


@pytest.mark.parametrize("path", QUERY_FILES, ids=str)
def test_every_query_has_a_name_a_description_and_is_used(path: Path) -> None:
    queries = load_queries(f"lineage_graph.{path.parts[0]}", str(Path(*path.parts[1:])))
    code = "".join(file.read_text() for file in (PACKAGE / path.parts[0]).glob("*.py"))
    for query in queries.queries.values():
        assert query.description.endswith(".")
        stem = query.name.removesuffix("_as_of").removeprefix("past_")
        assert f'"{query.name}"' in code or f'"{stem}"' in code, f"{path}: {query.name} is not used"


def test_a_query_file_is_split_into_queries() -> None:
    text = "-- A file.\n\n-- name: one\n-- First\n-- query.\nSELECT 1;\n\n-- name: two\n-- Second.\nSELECT\n  2;\n"
    one, two = parse_queries(text, "x.sql")
    assert (one.name, one.description, one.text) == ("one", "First query.", "SELECT 1")
    assert (two.name, two.text) == ("two", "SELECT\n  2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT 1;\n-- name: a\n-- A.\nSELECT 2;", "text before the first"),
        ("-- name: a\n-- A.\nSELECT 1;\n-- name: a\n-- A.\nSELECT 2;", "query a is given twice"),
        ("-- name: a\nSELECT 1;", "query a needs a description"),
        ("-- name: a\n-- A.\n", "query a needs a description line and a text"),
    ],
)
def test_a_query_file_that_does_not_parse_names_the_place(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"folder/x.sql: {said}"):
        parse_queries(text, "folder/x.sql")


class Shape(StrEnum):
    ROUND = "Round"


class Bad(StrEnum):
    EVIL = "x`) DETACH DELETE n //"


def test_only_identifiers_of_a_closed_enum_become_text() -> None:
    queries = Queries(
        "x.cypher", parse_queries("// name: a\n// A.\nMATCH (n:Shape {Shaped: $Bad}) RETURN n;", "x.cypher")
    )
    assert queries.per("a", Shape) == {Shape.ROUND: "MATCH (n:Round {Shaped: $Bad}) RETURN n"}
    with pytest.raises(ValueError, match="is not an identifier"):
        queries.per("a", Bad)
    with pytest.raises(ValueError, match="does not name NodeKind"):
        queries.per("a", NodeKind)


def test_statements_of_a_migration_are_split() -> None:
    text = "-- Why; and what.\nCREATE TABLE a (\n  b TEXT -- c\n);\nCREATE INDEX d ON a (b);\n"
    assert parse_statements(text, "--") == ["CREATE TABLE a (\n  b TEXT -- c\n)", "CREATE INDEX d ON a (b)"]


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*/*.py")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_query_is_put_together_in_code(path: Path) -> None:
    """What is run is a name or a place in a table of loaded queries, a statement of a migration, or a fixed text."""
    if path.parent.name not in ("embedded", "neo4j"):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in RUNNERS
            and node.args
        ):
            query = node.args[0]
            pragma = isinstance(query, ast.JoinedStr) and str(getattr(query.values[0], "value", "")).startswith(
                "PRAGMA "
            )
            plain = isinstance(query, ast.Name | ast.Constant) or _is_lookup(query)
            assert plain or pragma, f"{path}:{node.lineno} runs a query that is put together"


def _is_lookup(node: ast.AST) -> bool:
    """`TABLE[...]` or `TABLE[...][...]`, where TABLE is a module constant."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name) and node.id.strip("_").isupper()


def test_every_member_has_a_code_of_its_own_in_the_file() -> None:
    assert set(codes.KIND_CODES) == set(NodeKind)
    assert set(codes.TYPE_CODES) == set(EdgeType)
    assert set(codes.BASIS_CODES) == set(Basis)
    assert len(set(codes.KIND_CODES.values())) == len(NodeKind)
    assert len(set(codes.TYPE_CODES.values())) == len(EdgeType)
    # part of the file format: these never change
    assert codes.PRECISION_CODES == {"": 0, "stated": 1, "passed": 2, "co-occurring": 3}
    assert [codes.BASIS_CODES[basis] for basis in (Basis.OBSERVED, Basis.DECLARED, Basis.INFERRED)] == [0, 1, 2]
    assert (codes.KIND_CODES[NodeKind.RUN], codes.TYPE_CODES[EdgeType.DERIVED_FROM]) == (3, 3)
    assert PRECISIONS[0] == ""


def test_dropping_a_neo4j_node_takes_every_label() -> None:
    text = load_queries("lineage_graph.neo4j", "queries/write.cypher")["drop_nodes"]
    removed = {label for part in text.split("REMOVE n:")[1:] for label in part.split()[0].split(":")}
    assert removed == {kind.value for kind in NodeKind} | set(MODEL_LABELS.values())
