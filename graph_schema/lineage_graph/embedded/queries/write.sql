-- name: project
-- A project's number and cursor.
SELECT id, seq FROM project WHERE uuid = :project;

-- name: add_project
-- Meet a project for the first time.
INSERT INTO project (uuid, seq) VALUES (:project, 0) RETURNING id, seq;

-- name: move_cursor
-- Say what the graph stands at.
UPDATE project SET seq = :seq WHERE id = :id;

-- name: known_nodes
-- Surrogate ids of node ids.
SELECT n.key, n.id FROM json_each(:ids) AS f CROSS JOIN node AS n ON n.key = f.value;

-- name: last_node
-- The highest surrogate id given out.
SELECT coalesce(max(id), 0) FROM node;

-- name: add_node
-- Give a node id a surrogate id; it is not current until its content comes.
INSERT INTO node (id, key, project) VALUES (?, ?, ?);

-- name: put_content
-- Write a node's content, if it differs.
INSERT INTO content (node, kind, ident, props) VALUES (?, ?, ?, ?)
ON CONFLICT (node) DO UPDATE SET kind = excluded.kind, ident = excluded.ident, props = excluded.props
WHERE content.props <> excluded.props OR content.ident <> excluded.ident OR content.kind <> excluded.kind;

-- name: drop_content
-- Take a node's content away; edges may still name it.
DELETE FROM content WHERE node = ?;

-- name: current_edge
-- One current edge by key.
SELECT g.key, e.explicit, e.precision, e.basis, e.valid_from, e.valid_to, e.known_from, e.props
FROM edge AS e
LEFT JOIN node AS g ON g.id = e.generation
WHERE e.src = ? AND e.type = ? AND e.dst = ? AND e.via = ?;

-- name: put_edge
-- Write a current edge.
INSERT OR REPLACE INTO edge
    (src, type, dst, via, generation, explicit, precision, basis, valid_from, valid_to, known_from, props)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: drop_edge
-- Take a current edge away.
DELETE FROM edge WHERE src = ? AND type = ? AND dst = ? AND via = ?;

-- name: add_past
-- Keep a closed edge.
INSERT INTO edge_past
    (src, type, dst, via, generation, explicit, precision, basis, valid_from, valid_to, known_from, known_to, props)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: clear_edges
-- Forget a project's current edges.
DELETE FROM edge WHERE src IN (SELECT id FROM node WHERE project = :id);

-- name: clear_past
-- Forget a project's closed edges.
DELETE FROM edge_past WHERE src IN (SELECT id FROM node WHERE project = :id);

-- name: clear_content
-- Forget the content of a project's nodes.
DELETE FROM content WHERE node IN (SELECT id FROM node WHERE project = :id);

-- name: clear_nodes
-- Forget a project's nodes.
DELETE FROM node WHERE project = :id;
