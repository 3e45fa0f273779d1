-- name: project_of
-- The small number of a project.
SELECT id FROM project WHERE uuid = :uuid;

-- name: add_project
-- Give a project its small number.
INSERT INTO project (uuid) VALUES (:uuid) ON CONFLICT (uuid) DO NOTHING;

-- name: projects
-- All projects known here.
SELECT id, uuid FROM project ORDER BY id;

-- name: producer_of
-- The small number of a producer.
SELECT id FROM producer WHERE uri = :uri;

-- name: add_producer
-- Give a producer its small number.
INSERT INTO producer (uri) VALUES (:uri) ON CONFLICT (uri) DO NOTHING;

-- name: add_fact
-- Keep a fact; an equal one is kept already. By position: it is written more often than anything else.
INSERT INTO fact (project, subject, predicate, at, hash, kind, object, value, seq, recorded, producer)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: facts_of
-- All facts of one subject.
SELECT kind, predicate, at, object, value FROM fact WHERE project = :project AND subject = :subject;

-- name: facts_before
-- The facts of one subject that were journalled before a record, with their hashes.
SELECT kind, predicate, at, object, value, hash FROM fact
WHERE project = :project AND subject = :subject AND seq < :before;

-- name: latest_fact
-- The last statement of one predicate by time, then by value.
SELECT kind, predicate, at, object, value FROM fact
WHERE project = :project AND subject = :subject AND predicate = :predicate
ORDER BY at DESC, value DESC LIMIT 1;

-- name: first_fact
-- One statement of a predicate that all of its kind make alike.
SELECT kind, predicate, at, object, value FROM fact
WHERE project = :project AND subject = :subject AND predicate = :predicate
ORDER BY at, value LIMIT 1;

-- name: drops_of
-- When a dataset was dropped, after a time.
SELECT min(at) FROM fact
WHERE project = :project AND subject = :subject AND predicate = 'dropped' AND at > :after;

-- name: fact_hashes
-- The hashes the digest sums; the server's own statements (model numbers) are left out.
SELECT hash FROM fact WHERE project = :project AND predicate <> 'number';

-- name: add_gap
-- Records a client knows it lost.
INSERT INTO gap (project, client, first, last, count, reason, seq)
VALUES (:project, :client, :first, :last, :count, :reason, :seq) ON CONFLICT DO NOTHING;

-- name: add_client_run
-- Which client spoke for a run.
INSERT INTO client_run (project, client, run) VALUES (:project, :client, :run) ON CONFLICT DO NOTHING;

-- name: add_model_version
-- The number a registered version was given.
INSERT INTO model_version (project, model, number, named, version, registered, seq, tags)
VALUES (:project, :model, :number, :version, :version, :registered, :seq, :tags) ON CONFLICT DO NOTHING;

-- name: name_model_version
-- What a version that a run alone identified is by now.
UPDATE model_version SET version = :version WHERE project = :project AND named = :named AND version <> :version;
