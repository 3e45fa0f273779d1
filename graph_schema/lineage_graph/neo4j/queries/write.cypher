// name: lock_cursor
// A project's cursor, held until the transaction ends, so that one writer at a time moves it.
MERGE (c:ProjectCursor {project: $project})
ON CREATE SET c.seq = 0
SET c.seq = c.seq
RETURN c.seq;

// name: move_cursor
// Say what the graph stands at.
MATCH (c:ProjectCursor {project: $project})
SET c.seq = $seq;

// name: put_nodes
// Write nodes; each row's props replace all properties. Of a node's labels only those of models ever change.
UNWIND $rows AS row
MERGE (n:Entity {id: row.id})
SET n = row.props
REMOVE n:Model:ModelVersion
SET n:$(row.labels);

// name: drop_nodes
// Take nodes' content and labels away; edges may still name them.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
SET n = {id: n.id, project: n.project}
REMOVE n:Job:JobVersion:Run:Dataset:DatasetVersion:Schema:Field:CodeVersion:Environment:Artifact:Check:Deployment
REMOVE n:Declaration:Approval:Actor:Model:ModelVersion;

// name: meet_nodes
// Make sure that the ends of edges exist; they are not current until their content comes.
UNWIND $ids AS id
MERGE (n:Entity {id: id})
ON CREATE SET n.project = $project;

// name: create_edges
// Write edges that have no row yet.
UNWIND $rows AS row
MATCH (s:Entity {id: row.src})
MATCH (d:Entity {id: row.dst})
CREATE (s)-[r:$(row.type)]->(d)
SET r = row.props;

// name: replace_edges
// Overwrite edges.
UNWIND $rows AS row
MATCH (s:Entity {id: row.src})
MATCH (d:Entity {id: row.dst})
CALL (s, d) {
  MATCH (s)-[r:EdgeType]->(d)
  RETURN r
}
WITH *
WHERE coalesce(r.via, '') = row.via
SET r = row.props;

// name: drop_edges
// Take current edges away; a key is [src, dst, via].
UNWIND $keys AS key
MATCH (s:Entity {id: key[0]})
MATCH (d:Entity {id: key[1]})
CALL (s, d) {
  MATCH (s)-[r:EdgeType]->(d)
  RETURN r
}
WITH *
WHERE coalesce(r.via, '') = key[2]
DELETE r;

// name: add_past
// Keep closed edges; their type moves into `was`, so that plain Cypher meets only what is derived now.
UNWIND $rows AS row
MATCH (s:Entity {id: row.src})
MATCH (d:Entity {id: row.dst})
CREATE (s)-[r:RETRACTED]->(d)
SET r = row.props;

// name: clear_edges
// Forget the edges that leave a project's next nodes; answers with the id to go on after.
MATCH (n:Entity)
WHERE n.project = $project AND n.id > $after
WITH n ORDER BY n.project, n.id LIMIT $chunk
WITH collect(n) AS nodes, max(n.id) AS last
CALL (nodes) {
  UNWIND nodes AS n
  MATCH (n)-[r]->()
  DELETE r
}
RETURN last;

// name: clear_nodes
// Forget a project's next nodes, once their edges are gone; answers with the id to go on after.
MATCH (n:Entity)
WHERE n.project = $project AND n.id > $after
WITH n ORDER BY n.project, n.id LIMIT $chunk
WITH collect(n) AS nodes, max(n.id) AS last
CALL (nodes) {
  UNWIND nodes AS n
  DELETE n
}
RETURN last;

// name: reset_cursor
// Set a project's cursor to 0, before its graph goes: an interrupted rebuild then starts from nothing.
MERGE (c:ProjectCursor {project: $project})
SET c.seq = 0;

// name: add_migration
// Remember an applied migration.
MERGE (m:GraphMigration {number: $number})
SET m.name = $name;
