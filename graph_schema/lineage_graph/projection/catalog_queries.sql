-- name: by_id
-- The current entities among some node ids.
SELECT id, kind, namespace, name, version, time, state, is_model
FROM entity
WHERE project = (SELECT id FROM project WHERE uuid = :project) AND id IN :ids

-- name: by_id_prefix
-- Entities whose node id begins with a text; `above` is the first text after every id that does.
SELECT id, kind, namespace, name, version, time, state, is_model
FROM entity
WHERE project = (SELECT id FROM project WHERE uuid = :project) AND id >= :prefix AND id < :above
ORDER BY id
LIMIT :limit

-- name: run_by_name
-- Runs with a run id; the same run id may exist in several job namespaces.
SELECT id, kind, namespace, name, version, time, state, is_model
FROM entity
WHERE project = (SELECT id FROM project WHERE uuid = :project) AND kind = 'Run' AND name = :name
ORDER BY time DESC, id DESC
LIMIT :limit

-- name: run_by_prefix
-- Runs whose run id begins with a text.
SELECT id, kind, namespace, name, version, time, state, is_model
FROM entity
WHERE project = (SELECT id FROM project WHERE uuid = :project) AND kind = 'Run' AND name >= :prefix AND name < :above
ORDER BY name, id
LIMIT :limit

-- name: by_name
-- Entities of some kinds with a name, newest first.
SELECT id, kind, namespace, name, version, time, state, is_model
FROM entity
WHERE project = (SELECT id FROM project WHERE uuid = :project) AND kind IN :kinds AND name = :name
ORDER BY time DESC, id DESC
LIMIT :limit

-- name: by_full_name
-- Entities of some kinds with a namespace and a name, newest first.
SELECT id, kind, namespace, name, version, time, state, is_model
FROM entity
WHERE project = (SELECT id FROM project WHERE uuid = :project) AND kind IN :kinds AND name = :name AND namespace = :namespace
ORDER BY time DESC, id DESC
LIMIT :limit

-- name: versions_exact
-- Versions of one dataset by their `scheme:value`.
SELECT id, kind, namespace, name, version, time, state, is_model
FROM entity
WHERE project = (SELECT id FROM project WHERE uuid = :project) AND kind = 'DatasetVersion' AND name = :name AND namespace = :namespace
  AND version IN :versions
ORDER BY time DESC, id DESC
LIMIT :limit

-- name: versions_by_prefix
-- Versions of one dataset whose `scheme:value` begins with a text.
SELECT id, kind, namespace, name, version, time, state, is_model
FROM entity
WHERE project = (SELECT id FROM project WHERE uuid = :project) AND kind = 'DatasetVersion' AND name = :name AND namespace = :namespace
  AND version >= :prefix AND version < :above
ORDER BY time DESC, id DESC
LIMIT :limit

-- name: namespaces
-- Namespaces of jobs or datasets after one, each found by index seeks: the work does not grow with what is in them.
WITH RECURSIVE found(namespace, depth) AS (
    SELECT :after, 0
    UNION ALL
    SELECT (
        SELECT min(first.namespace) FROM (
            SELECT min(e.namespace) AS namespace FROM entity AS e
            WHERE e.project = (SELECT id FROM project WHERE uuid = :project) AND e.kind = 'Job' AND e.namespace > found.namespace
            UNION ALL
            SELECT min(e.namespace) FROM entity AS e
            WHERE e.project = (SELECT id FROM project WHERE uuid = :project) AND e.kind = 'Dataset' AND e.namespace > found.namespace
        ) AS first
    ), found.depth + 1
    FROM found
    WHERE found.namespace IS NOT NULL AND found.depth < :limit
)
SELECT f.namespace,
       EXISTS (SELECT 1 FROM entity AS e
               WHERE e.project = (SELECT id FROM project WHERE uuid = :project) AND e.kind = 'Job' AND e.namespace = f.namespace) AS jobs,
       EXISTS (SELECT 1 FROM entity AS e
               WHERE e.project = (SELECT id FROM project WHERE uuid = :project) AND e.kind = 'Dataset' AND e.namespace = f.namespace) AS datasets
FROM found AS f
WHERE f.depth > 0 AND f.namespace IS NOT NULL
ORDER BY f.namespace

-- name: model_version_by_number
-- The registered version of a model with a number.
SELECT model, number, version, registered, tags
FROM model_version
WHERE project = (SELECT id FROM project WHERE uuid = :project) AND model = :model AND number = :number

-- name: model_version_latest
-- The newest registered version of a model.
SELECT model, number, version, registered, tags
FROM model_version
WHERE project = (SELECT id FROM project WHERE uuid = :project) AND model = :model
ORDER BY number DESC
LIMIT 1

-- name: model_versions_of
-- Registrations of some dataset versions; one version may be registered more than once.
SELECT model, number, version, registered, tags
FROM model_version
WHERE project = (SELECT id FROM project WHERE uuid = :project) AND version IN :versions
ORDER BY model, number

-- name: model_versions_before
-- Registered versions of a model below a number, newest first.
SELECT model, number, version, registered, tags
FROM model_version
WHERE project = (SELECT id FROM project WHERE uuid = :project) AND model = :model AND number < :below
ORDER BY number DESC
LIMIT :limit

-- name: model_versions_newest
-- The newest registered version of each of some models.
SELECT m.model, m.number, m.version, m.registered, m.tags
FROM model_version AS m
WHERE m.project = (SELECT id FROM project WHERE uuid = :project) AND m.model IN :models
  AND m.number = (SELECT max(n.number) FROM model_version AS n WHERE n.project = m.project AND n.model = m.model)

-- name: gaps_of_runs
-- Records known to be lost by the clients that sent anything of some runs.
SELECT c.run, g.client, g.first, g.last, g.count AS lost, g.reason
FROM client_run AS c
CROSS JOIN gap AS g ON g.project = c.project AND g.client = c.client
WHERE c.project = (SELECT id FROM project WHERE uuid = :project) AND c.run IN :runs
ORDER BY c.run, g.client, g.first
LIMIT :limit

-- name: records_about
-- Journal records that stated the facts of a run.
SELECT DISTINCT f.seq
FROM entity AS e
JOIN fact AS f ON f.project = e.project AND f.subject = e.ident
WHERE e.id = :run AND e.project = (SELECT id FROM project WHERE uuid = :project)
ORDER BY f.seq
LIMIT :limit
