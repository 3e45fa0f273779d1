// name: cursor
// Sequence number of the last delta applied for a project.
MATCH (c:ProjectCursor {project: $project})
RETURN c.seq;

// name: newest_migration
// The highest number among applied migrations.
MATCH (m:GraphMigration)
RETURN coalesce(max(m.number), 0);

// name: nodes
// Current nodes by id.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
WHERE n.project = $project AND n.ident IS NOT NULL
RETURN labels(n), properties(n);

// name: edges_from
// Edges of one type that leave some nodes. known_at leaves out what was learnt later.
UNWIND $ids AS id
MATCH (s:Entity {id: id})-[r:EdgeType]->(d:Entity)
WHERE s.project = $project
  AND ($known_at IS NULL OR r.known_from <= $known_at)
  AND ($valid_at IS NULL OR (coalesce(r.valid_from <= $valid_at, true) AND coalesce(r.valid_to > $valid_at, true)))
RETURN s.id, d.id, properties(r)
ORDER BY s.id, d.id, coalesce(r.via, '')
LIMIT $limit;

// name: past_edges_from
// Closed edges of one type that left some nodes at a sequence number.
UNWIND $ids AS id
MATCH (s:Entity {id: id})-[r:RETRACTED]->(d:Entity)
WHERE s.project = $project AND r.was = $type
  AND r.known_from <= $known_at AND r.known_to > $known_at
  AND ($valid_at IS NULL OR (coalesce(r.valid_from <= $valid_at, true) AND coalesce(r.valid_to > $valid_at, true)))
RETURN s.id, d.id, properties(r)
ORDER BY s.id, d.id, coalesce(r.via, '')
LIMIT $limit;

// name: edges_to
// Edges of one type that arrive at some nodes. known_at leaves out what was learnt later.
UNWIND $ids AS id
MATCH (s:Entity)-[r:EdgeType]->(d:Entity {id: id})
WHERE d.project = $project
  AND ($known_at IS NULL OR r.known_from <= $known_at)
  AND ($valid_at IS NULL OR (coalesce(r.valid_from <= $valid_at, true) AND coalesce(r.valid_to > $valid_at, true)))
RETURN s.id, d.id, properties(r)
ORDER BY d.id, s.id, coalesce(r.via, '')
LIMIT $limit;

// name: past_edges_to
// Closed edges of one type that arrived at some nodes at a sequence number.
UNWIND $ids AS id
MATCH (s:Entity)-[r:RETRACTED]->(d:Entity {id: id})
WHERE d.project = $project AND r.was = $type
  AND r.known_from <= $known_at AND r.known_to > $known_at
  AND ($valid_at IS NULL OR (coalesce(r.valid_from <= $valid_at, true) AND coalesce(r.valid_to > $valid_at, true)))
RETURN s.id, d.id, properties(r)
ORDER BY d.id, s.id, coalesce(r.via, '')
LIMIT $limit;

// name: edges_at
// Edges of one type by key; a key is [src, dst, via]. known_at leaves out what was learnt later. The
// subquery makes Neo4j start from the end with fewer edges; else it may read all edges of an end that has a million.
UNWIND $keys AS key
MATCH (s:Entity {id: key[0]})
MATCH (d:Entity {id: key[1]})
CALL (s, d) {
  MATCH (s)-[r:EdgeType]->(d)
  RETURN r
}
WITH *
WHERE s.project = $project AND coalesce(r.via, '') = key[2]
  AND ($known_at IS NULL OR r.known_from <= $known_at)
  AND ($valid_at IS NULL OR (coalesce(r.valid_from <= $valid_at, true) AND coalesce(r.valid_to > $valid_at, true)))
RETURN s.id, d.id, properties(r);

// name: past_edges_at
// Closed edges of one type by key, at a sequence number.
UNWIND $keys AS key
MATCH (s:Entity {id: key[0]})
MATCH (d:Entity {id: key[1]})
CALL (s, d) {
  MATCH (s)-[r:RETRACTED]->(d)
  RETURN r
}
WITH *
WHERE s.project = $project AND coalesce(r.via, '') = key[2] AND r.was = $type
  AND r.known_from <= $known_at AND r.known_to > $known_at
  AND ($valid_at IS NULL OR (coalesce(r.valid_from <= $valid_at, true) AND coalesce(r.valid_to > $valid_at, true)))
RETURN s.id, d.id, properties(r);

// name: degrees
// Number of current edges of one type that leave and arrive at some nodes, from the nodes' degree counts.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
WHERE n.project = $project
RETURN n.id, COUNT { (n)-[:EdgeType]->() }, COUNT { (n)<-[:EdgeType]-() };

// name: count_nodes
// Current nodes per kind.
MATCH (n:Entity {project: $project})
WHERE n.id > '' AND n.ident IS NOT NULL
UNWIND labels(n) AS label
WITH label WHERE label IN $kinds
RETURN label, count(*);

// name: count_edges
// Current edges per type.
MATCH (s:Entity {project: $project})-[r]->()
WHERE s.id > '' AND type(r) <> 'RETRACTED'
RETURN type(r), count(*);

// name: scan_nodes
// Every current node.
MATCH (n:Entity {project: $project})
WHERE n.id > '' AND n.ident IS NOT NULL
RETURN labels(n), properties(n);

// name: scan_edges
// Every current edge with the idents of its nodes.
MATCH (s:Entity {project: $project})-[r]->(d:Entity)
WHERE s.id > '' AND type(r) <> 'RETRACTED'
OPTIONAL MATCH (v:Entity {id: r.via})
OPTIONAL MATCH (g:Entity {id: r.generation})
RETURN s.id, d.id, properties(r), type(r), s.ident, d.ident, v.ident, g.ident;
