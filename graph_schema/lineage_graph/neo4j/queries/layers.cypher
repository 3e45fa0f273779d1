// name: seq
// The cursor of a project.
MATCH (c:ProjectCursor {project: $project})
RETURN c.seq;

// name: handles
// Those ids that are current nodes.
UNWIND $ids AS id
MATCH (n:Entity {id: id})
WHERE n.project = $project AND n.ident IS NOT NULL
RETURN n.id;

// name: hops_out
// Current edges of one type that leave the frontier.
UNWIND $frontier AS near
MATCH (s:Entity {id: near})-[r:EdgeType]->(d:Entity)
WITH near, s, r, d LIMIT $limit
RETURN 'EdgeType' AS type, collect([near, d.id, coalesce(r.via, ''), coalesce(r.generation, ''), coalesce(r.explicit, false), coalesce(r.precision, ''), r.basis]) AS hops;

// name: hops_in
// Current edges of one type that arrive at the frontier.
UNWIND $frontier AS near
MATCH (s:Entity)-[r:EdgeType]->(d:Entity {id: near})
WITH near, s, r, d LIMIT $limit
RETURN 'EdgeType' AS type, collect([s.id, near, coalesce(r.via, ''), coalesce(r.generation, ''), coalesce(r.explicit, false), coalesce(r.precision, ''), r.basis]) AS hops;

// name: generations
// Edges from versions to the one run each is bound to; a pair is [version, run].
UNWIND $frontier AS pair
MATCH (s:Entity {id: pair[0]})
MATCH (d:Entity {id: pair[1]})
CALL (s, d) {
  MATCH (s)-[r:EdgeType]->(d)
  RETURN r
}
WITH pair, s, r, d LIMIT $limit
RETURN 'EdgeType' AS type, collect([pair[0], pair[1], coalesce(r.via, ''), coalesce(r.generation, ''), coalesce(r.explicit, false), coalesce(r.precision, ''), r.basis]) AS hops;

// name: derivations
// Edges from versions stated by the one run each is bound to, or by none.
UNWIND $frontier AS pair
MATCH (s:Entity {id: pair[0]})-[r:EdgeType]->(d:Entity)
WHERE coalesce(r.via = pair[1], true)
WITH pair, s, r, d LIMIT $limit
RETURN 'EdgeType' AS type, collect([pair[0], d.id, coalesce(r.via, ''), coalesce(r.generation, ''), coalesce(r.explicit, false), coalesce(r.precision, ''), r.basis]) AS hops;

// name: uses
// Edges to versions that mean the one run each is bound to, or do not say which.
UNWIND $frontier AS pair
MATCH (s:Entity)-[r:EdgeType]->(d:Entity {id: pair[0]})
WHERE coalesce(r.generation = pair[1], true)
WITH pair, s, r, d LIMIT $limit
RETURN 'EdgeType' AS type, collect([s.id, pair[0], coalesce(r.via, ''), coalesce(r.generation, ''), coalesce(r.explicit, false), coalesce(r.precision, ''), r.basis]) AS hops;

// name: hops_out_as_of
// As hops_out, as valid at a time and as known at a sequence number.
UNWIND $frontier AS near
CALL (near) {
  MATCH (s:Entity {id: near})-[r:EdgeType]->(d:Entity)
  WHERE ($known_at IS NULL OR r.known_from <= $known_at)
  RETURN s, r, d
  UNION ALL
  MATCH (s:Entity {id: near})-[r:RETRACTED]->(d:Entity)
  WHERE r.was = 'EdgeType' AND r.known_from <= $known_at AND r.known_to > $known_at
  RETURN s, r, d
}
WITH near, s, r, d
WHERE ($valid_at IS NULL OR (coalesce(r.valid_from <= $valid_at, true) AND coalesce(r.valid_to > $valid_at, true)))
WITH near, s, r, d LIMIT $limit
RETURN 'EdgeType' AS type, collect([near, d.id, coalesce(r.via, ''), coalesce(r.generation, ''), coalesce(r.explicit, false), coalesce(r.precision, ''), r.basis]) AS hops;

// name: hops_in_as_of
// As hops_in, as valid at a time and as known at a sequence number.
UNWIND $frontier AS near
CALL (near) {
  MATCH (s:Entity)-[r:EdgeType]->(d:Entity {id: near})
  WHERE ($known_at IS NULL OR r.known_from <= $known_at)
  RETURN s, r, d
  UNION ALL
  MATCH (s:Entity)-[r:RETRACTED]->(d:Entity {id: near})
  WHERE r.was = 'EdgeType' AND r.known_from <= $known_at AND r.known_to > $known_at
  RETURN s, r, d
}
WITH near, s, r, d
WHERE ($valid_at IS NULL OR (coalesce(r.valid_from <= $valid_at, true) AND coalesce(r.valid_to > $valid_at, true)))
WITH near, s, r, d LIMIT $limit
RETURN 'EdgeType' AS type, collect([s.id, near, coalesce(r.via, ''), coalesce(r.generation, ''), coalesce(r.explicit, false), coalesce(r.precision, ''), r.basis]) AS hops;

// name: generations_as_of
// As generations, as valid at a time and as known at a sequence number.
UNWIND $frontier AS pair
CALL (pair) {
  MATCH (s:Entity {id: pair[0]})
  MATCH (d:Entity {id: pair[1]})
  CALL (s, d) {
    MATCH (s)-[r:EdgeType]->(d)
    RETURN r
  }
  WITH *
  WHERE ($known_at IS NULL OR r.known_from <= $known_at)
  RETURN s, r, d
  UNION ALL
  MATCH (s:Entity {id: pair[0]})
  MATCH (d:Entity {id: pair[1]})
  CALL (s, d) {
    MATCH (s)-[r:RETRACTED]->(d)
    RETURN r
  }
  WITH *
  WHERE r.was = 'EdgeType' AND r.known_from <= $known_at AND r.known_to > $known_at
  RETURN s, r, d
}
WITH pair, s, r, d
WHERE ($valid_at IS NULL OR (coalesce(r.valid_from <= $valid_at, true) AND coalesce(r.valid_to > $valid_at, true)))
WITH pair, s, r, d LIMIT $limit
RETURN 'EdgeType' AS type, collect([pair[0], pair[1], coalesce(r.via, ''), coalesce(r.generation, ''), coalesce(r.explicit, false), coalesce(r.precision, ''), r.basis]) AS hops;

// name: derivations_as_of
// As derivations, as valid at a time and as known at a sequence number.
UNWIND $frontier AS pair
CALL (pair) {
  MATCH (s:Entity {id: pair[0]})-[r:EdgeType]->(d:Entity)
  WHERE coalesce(r.via = pair[1], true)
    AND ($known_at IS NULL OR r.known_from <= $known_at)
  RETURN s, r, d
  UNION ALL
  MATCH (s:Entity {id: pair[0]})-[r:RETRACTED]->(d:Entity)
  WHERE coalesce(r.via = pair[1], true)
    AND r.was = 'EdgeType' AND r.known_from <= $known_at AND r.known_to > $known_at
  RETURN s, r, d
}
WITH pair, s, r, d
WHERE ($valid_at IS NULL OR (coalesce(r.valid_from <= $valid_at, true) AND coalesce(r.valid_to > $valid_at, true)))
WITH pair, s, r, d LIMIT $limit
RETURN 'EdgeType' AS type, collect([pair[0], d.id, coalesce(r.via, ''), coalesce(r.generation, ''), coalesce(r.explicit, false), coalesce(r.precision, ''), r.basis]) AS hops;

// name: uses_as_of
// As uses, as valid at a time and as known at a sequence number.
UNWIND $frontier AS pair
CALL (pair) {
  MATCH (s:Entity)-[r:EdgeType]->(d:Entity {id: pair[0]})
  WHERE coalesce(r.generation = pair[1], true)
    AND ($known_at IS NULL OR r.known_from <= $known_at)
  RETURN s, r, d
  UNION ALL
  MATCH (s:Entity)-[r:RETRACTED]->(d:Entity {id: pair[0]})
  WHERE coalesce(r.generation = pair[1], true)
    AND r.was = 'EdgeType' AND r.known_from <= $known_at AND r.known_to > $known_at
  RETURN s, r, d
}
WITH pair, s, r, d
WHERE ($valid_at IS NULL OR (coalesce(r.valid_from <= $valid_at, true) AND coalesce(r.valid_to > $valid_at, true)))
WITH pair, s, r, d LIMIT $limit
RETURN 'EdgeType' AS type, collect([s.id, pair[0], coalesce(r.via, ''), coalesce(r.generation, ''), coalesce(r.explicit, false), coalesce(r.precision, ''), r.basis]) AS hops;
