-- name: job_version_of_run
-- The job version a run is of.
SELECT job_version FROM run_job_version WHERE project = :project AND run = :run;

-- name: set_job_version
-- A run is of a job version.
INSERT INTO run_job_version (project, run, job_version) VALUES (:project, :run, :job_version)
ON CONFLICT (project, run) DO UPDATE SET job_version = excluded.job_version;

-- name: has_runs
-- Whether any run is of a job version.
SELECT 1 FROM run_job_version WHERE project = :project AND job_version = :job_version LIMIT 1;

-- name: add_alias
-- Keep an alias statement.
INSERT INTO alias (project, a, b, kind, removed, at)
VALUES (:project, :a, :b, :kind, :removed, :at) ON CONFLICT DO NOTHING;

-- name: aliases_touching
-- Alias statements that name a dataset on either side.
SELECT a, b, kind, removed, at FROM alias WHERE project = :project AND a = :dataset
UNION SELECT a, b, kind, removed, at FROM alias WHERE project = :project AND b = :dataset;

-- name: component_of
-- The alias component of a dataset, if it has one.
SELECT component FROM alias_member WHERE project = :project AND dataset = :dataset;

-- name: members_of
-- Datasets of an alias component.
SELECT dataset FROM alias_member WHERE project = :project AND component = :component ORDER BY dataset;

-- name: set_component
-- A dataset belongs to a component.
INSERT INTO alias_member (project, dataset, component) VALUES (:project, :dataset, :component)
ON CONFLICT (project, dataset) DO UPDATE SET component = excluded.component;

-- name: drop_component
-- A dataset belongs to no component any more.
DELETE FROM alias_member WHERE project = :project AND dataset = :dataset;

-- name: emitted_of
-- What a scope derives at present.
SELECT elements FROM emitted WHERE project = :project AND scope = :scope;

-- name: set_emitted
-- What a scope derives from now on.
INSERT INTO emitted (project, scope, elements) VALUES (:project, :scope, :elements)
ON CONFLICT (project, scope) DO UPDATE SET elements = excluded.elements;

-- name: drop_emitted
-- A scope derives nothing any more.
DELETE FROM emitted WHERE project = :project AND scope = :scope;

-- name: set_entity
-- Put a node into the catalogue; by position.
INSERT INTO entity (id, project, kind, ident, namespace, name, version, time, state, is_model)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET namespace = excluded.namespace, name = excluded.name, version = excluded.version,
    time = excluded.time, state = excluded.state, is_model = excluded.is_model;

-- name: drop_entity
-- Take a node out of the catalogue.
DELETE FROM entity WHERE id = :id;

-- name: drop_attributes
-- Take a run's attributes out of the attribute table.
DELETE FROM attribute WHERE project = :project AND run = :run;

-- name: add_attribute
-- Put an attribute of a run into the attribute table.
INSERT INTO attribute (project, run, key, type, num, text) VALUES (:project, :run, :key, :type, :num, :text);

-- name: cursor
-- A cursor by name.
SELECT seq FROM cursor WHERE name = :name;

-- name: set_cursor
-- Move a cursor.
INSERT INTO cursor (name, seq) VALUES (:name, :seq) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq;

-- name: add_delta
-- Keep a delta until the graph has it.
INSERT INTO outbox (seq, project, delta) VALUES (:seq, :project, :delta);

-- name: deltas_after
-- Deltas of a project that come after a cursor.
SELECT delta FROM outbox WHERE project = :project AND seq > :seq ORDER BY seq;

-- name: last_deltas
-- Each project's last delta up to a number.
SELECT project, max(seq) FROM outbox WHERE seq <= :seq GROUP BY project;

-- name: forget_deltas
-- Drop deltas that the graph has.
DELETE FROM outbox WHERE seq <= :seq;
