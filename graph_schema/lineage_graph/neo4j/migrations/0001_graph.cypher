// One label holds every node, so that a node's id is unique whatever its kind.

CREATE CONSTRAINT entity_id IF NOT EXISTS FOR (n:Entity) REQUIRE n.id IS UNIQUE;
// Whole projects are read and cleared by it, whatever else the database holds; asked with n.id > '' to be used.
CREATE INDEX entity_project IF NOT EXISTS FOR (n:Entity) ON (n.project, n.id);
CREATE CONSTRAINT project_cursor_project IF NOT EXISTS FOR (c:ProjectCursor) REQUIRE c.project IS UNIQUE;
CREATE CONSTRAINT graph_migration_number IF NOT EXISTS FOR (m:GraphMigration) REQUIRE m.number IS UNIQUE;
