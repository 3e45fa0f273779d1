-- name: cursor
-- Sequence number of the last delta applied for a project.
SELECT seq FROM project WHERE uuid = :project;

-- name: nodes
-- Current nodes by id.
SELECT n.key, c.kind, c.ident, c.props
FROM json_each(:ids) AS f
CROSS JOIN node AS n ON n.key = f.value
CROSS JOIN content AS c ON c.node = n.id
WHERE n.project = (SELECT id FROM project WHERE uuid = :project);

-- name: edges_from
-- Edges that leave some nodes. Past rows count only where known_at says so.
SELECT s.key, e.type, d.key, v.key, g.key, e.explicit, e.precision, e.basis,
       e.valid_from, e.valid_to, e.known_from, NULL AS known_to, e.props
FROM json_each(:ids) AS f
CROSS JOIN node AS s ON s.key = f.value AND s.project = (SELECT id FROM project WHERE uuid = :project)
CROSS JOIN json_each(:types) AS t
CROSS JOIN edge AS e ON e.src = s.id AND e.type = t.value
CROSS JOIN node AS d ON d.id = e.dst
LEFT JOIN node AS v ON v.id = e.via
LEFT JOIN node AS g ON g.id = e.generation
WHERE coalesce(e.known_from <= :known_at, TRUE)
  AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE);

-- name: past_edges_from
-- Closed edges that left some nodes at a sequence number.
SELECT s.key, e.type, d.key, v.key, g.key, e.explicit, e.precision, e.basis,
       e.valid_from, e.valid_to, e.known_from, e.known_to, e.props
FROM json_each(:ids) AS f
CROSS JOIN node AS s ON s.key = f.value AND s.project = (SELECT id FROM project WHERE uuid = :project)
CROSS JOIN json_each(:types) AS t
CROSS JOIN edge_past AS e ON e.src = s.id AND e.type = t.value
CROSS JOIN node AS d ON d.id = e.dst
LEFT JOIN node AS v ON v.id = e.via
LEFT JOIN node AS g ON g.id = e.generation
WHERE e.known_from <= :known_at AND e.known_to > :known_at
  AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE);

-- name: edges_to
-- Edges that arrive at some nodes. Past rows count only where known_at says so.
SELECT s.key, e.type, d.key, v.key, g.key, e.explicit, e.precision, e.basis,
       e.valid_from, e.valid_to, e.known_from, NULL AS known_to, e.props
FROM json_each(:ids) AS f
CROSS JOIN node AS d ON d.key = f.value AND d.project = (SELECT id FROM project WHERE uuid = :project)
CROSS JOIN json_each(:types) AS t
CROSS JOIN edge AS e ON e.dst = d.id AND e.type = t.value
CROSS JOIN node AS s ON s.id = e.src
LEFT JOIN node AS v ON v.id = e.via
LEFT JOIN node AS g ON g.id = e.generation
WHERE coalesce(e.known_from <= :known_at, TRUE)
  AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE);

-- name: past_edges_to
-- Closed edges that arrived at some nodes at a sequence number.
SELECT s.key, e.type, d.key, v.key, g.key, e.explicit, e.precision, e.basis,
       e.valid_from, e.valid_to, e.known_from, e.known_to, e.props
FROM json_each(:ids) AS f
CROSS JOIN node AS d ON d.key = f.value AND d.project = (SELECT id FROM project WHERE uuid = :project)
CROSS JOIN json_each(:types) AS t
CROSS JOIN edge_past AS e ON e.dst = d.id AND e.type = t.value
CROSS JOIN node AS s ON s.id = e.src
LEFT JOIN node AS v ON v.id = e.via
LEFT JOIN node AS g ON g.id = e.generation
WHERE e.known_from <= :known_at AND e.known_to > :known_at
  AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE);

-- name: edge_at
-- One edge by its key. Past rows count only where known_at says so.
SELECT s.key, e.type, d.key, v.key, g.key, e.explicit, e.precision, e.basis,
       e.valid_from, e.valid_to, e.known_from, NULL AS known_to, e.props
FROM node AS s
CROSS JOIN node AS d ON d.key = :dst
CROSS JOIN edge AS e
    ON e.src = s.id AND e.type = :type AND e.dst = d.id
    AND e.via = coalesce((SELECT id FROM node WHERE key = :via), 0)
LEFT JOIN node AS v ON v.id = e.via
LEFT JOIN node AS g ON g.id = e.generation
WHERE s.key = :src AND s.project = (SELECT id FROM project WHERE uuid = :project)
  AND coalesce(e.known_from <= :known_at, TRUE)
  AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE);

-- name: past_edge_at
-- One closed edge by its key, at a sequence number.
SELECT s.key, e.type, d.key, v.key, g.key, e.explicit, e.precision, e.basis,
       e.valid_from, e.valid_to, e.known_from, e.known_to, e.props
FROM node AS s
CROSS JOIN node AS d ON d.key = :dst
CROSS JOIN edge_past AS e
    ON e.src = s.id AND e.type = :type AND e.dst = d.id
    AND e.via = coalesce((SELECT id FROM node WHERE key = :via), 0)
LEFT JOIN node AS v ON v.id = e.via
LEFT JOIN node AS g ON g.id = e.generation
WHERE s.key = :src AND s.project = (SELECT id FROM project WHERE uuid = :project)
  AND e.known_from <= :known_at AND e.known_to > :known_at
  AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE);

-- name: degrees
-- Number of current edges that leave and arrive at some nodes.
SELECT n.key,
       (SELECT count(*) FROM edge AS e
        WHERE e.src = n.id AND e.type IN (SELECT value FROM json_each(:types))),
       (SELECT count(*) FROM edge AS e
        WHERE e.dst = n.id AND e.type IN (SELECT value FROM json_each(:types)))
FROM json_each(:ids) AS f
CROSS JOIN node AS n ON n.key = f.value
WHERE n.project = (SELECT id FROM project WHERE uuid = :project);

-- name: count_nodes
-- Current nodes per kind.
SELECT c.kind, count(*)
FROM node AS n
CROSS JOIN content AS c ON c.node = n.id
WHERE n.project = (SELECT id FROM project WHERE uuid = :project)
GROUP BY c.kind;

-- name: count_edges
-- Current edges per type.
SELECT e.type, count(*)
FROM node AS s
CROSS JOIN edge AS e ON e.src = s.id
WHERE s.project = (SELECT id FROM project WHERE uuid = :project)
GROUP BY e.type;

-- name: scan_nodes
-- Every current node.
SELECT n.key, c.kind, c.ident, c.props
FROM node AS n
CROSS JOIN content AS c ON c.node = n.id
WHERE n.project = (SELECT id FROM project WHERE uuid = :project);

-- name: scan_edges
-- Every current edge with the idents of its nodes.
SELECT s.key, e.type, d.key, v.key, g.key, e.explicit, e.precision, e.basis,
       e.valid_from, e.valid_to, e.known_from, NULL AS known_to, e.props,
       sc.ident, dc.ident, vc.ident, gc.ident
FROM node AS s
CROSS JOIN edge AS e ON e.src = s.id
CROSS JOIN node AS d ON d.id = e.dst
LEFT JOIN node AS v ON v.id = e.via
LEFT JOIN node AS g ON g.id = e.generation
LEFT JOIN content AS sc ON sc.node = e.src
LEFT JOIN content AS dc ON dc.node = e.dst
LEFT JOIN content AS vc ON vc.node = e.via
LEFT JOIN content AS gc ON gc.node = e.generation
WHERE s.project = (SELECT id FROM project WHERE uuid = :project);
