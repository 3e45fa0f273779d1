// What the migrations add up to, for readers; a test holds the two equal.

CREATE CONSTRAINT entity_id FOR (n:Entity) REQUIRE n.id IS UNIQUE;
// Whole projects are read and cleared by it, whatever else the database holds; asked with n.id > '' to be used.
CREATE INDEX entity_project FOR (n:Entity) ON (n.project, n.id);
CREATE CONSTRAINT project_cursor_project FOR (c:ProjectCursor) REQUIRE c.project IS UNIQUE;
CREATE CONSTRAINT graph_migration_number FOR (m:GraphMigration) REQUIRE m.number IS UNIQUE;
