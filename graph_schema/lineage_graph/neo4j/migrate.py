"""Brings a Neo4j database to this version's schema: numbered files, each applied once and safe to repeat.

Owns the `GraphMigration` nodes. `schema.cypher` is what the migrations add up to, for readers; a test holds the two
equal. Neo4j runs each schema command in a transaction of its own, so a migration says IF NOT EXISTS.
"""

from __future__ import annotations

from neo4j import Session

from lineage_graph.errors import GraphSchemaTooNew
from lineage_graph.queries import list_files, load_queries, parse_statements, read_text

_PACKAGE = "lineage_graph.neo4j"
_READ = load_queries(_PACKAGE, "queries/read.cypher")
_WRITE = load_queries(_PACKAGE, "queries/write.cypher")


def available() -> dict[int, str]:
    """File names of the migrations by number."""
    return {int(name[:4]): name for name in list_files(_PACKAGE, "migrations") if name.endswith(".cypher")}


def migrate(session: Session) -> None:
    """Apply the migrations a database lacks.

    Raises:
        GraphSchemaTooNew: the database knows a migration this version does not have.
    """
    newest = session.run(_READ["newest_migration"]).single(strict=True)[0]
    known = max(available())
    if newest > known:
        raise GraphSchemaTooNew(
            f"the graph in Neo4j has migration {newest}, this version of weftline knows up to {known}; "
            "upgrade weftline or restore a backup made by this version"
        )
    for number, name in sorted(available().items()):
        if number > newest:
            for statement in parse_statements(read_text(_PACKAGE, f"migrations/{name}"), "//"):
                session.run(statement).consume()
            session.run(_WRITE["add_migration"], number=number, name=name).consume()
