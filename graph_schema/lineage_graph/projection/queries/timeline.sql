-- name: latest
-- The last finished generation of a dataset at or before a time, not by one run.
SELECT version, dataset, run, time FROM generation
WHERE project = :project AND dataset = :dataset AND finished = 1 AND time <= :at AND run <> :not_run
ORDER BY time DESC, version DESC, run DESC LIMIT 1;

-- name: latest_of
-- The last finished generation of a version at or before a time, not by one run.
SELECT version, dataset, run, time FROM generation
WHERE project = :project AND version = :version AND finished = 1 AND time <= :at AND run <> :not_run AND run <> x''
ORDER BY time DESC, run DESC LIMIT 1;

-- name: generated
-- Whether any run generated a version.
SELECT 1 FROM generation WHERE project = :project AND version = :version AND run <> x'' LIMIT 1;

-- name: generated_by_others
-- Whether a run other than one generated a version.
SELECT 1 FROM generation
WHERE project = :project AND version = :version AND run <> x'' AND run <> :run LIMIT 1;

-- name: made_by
-- Versions of a dataset that a run generated.
SELECT version FROM generation WHERE project = :project AND run = :run AND dataset = :dataset ORDER BY version;

-- name: next_generation
-- The first finished generation of a dataset after a time.
SELECT time, run FROM generation
WHERE project = :project AND dataset = :dataset AND finished = 1 AND time > :at
ORDER BY time LIMIT 1;

-- name: runs_at
-- Runs of the finished generations of a dataset at exactly one time.
SELECT run FROM generation
WHERE project = :project AND dataset = :dataset AND finished = 1 AND time = :at;

-- name: users_between
-- Runs that use a dataset and started in [from, to).
SELECT run FROM usage
WHERE project = :project AND dataset = :dataset AND time >= :start AND time < :stop;

-- name: users_of_version
-- Runs bound to a version that started at or after a time.
SELECT run FROM usage WHERE project = :project AND bound = :version AND time >= :start;

-- name: users_of_dataset
-- All runs that use a dataset.
SELECT run FROM usage WHERE project = :project AND dataset = :dataset;

-- name: users_by_origin
-- Runs that were handed a value by a run.
SELECT run FROM usage WHERE project = :project AND origin = :origin AND origin <> x'';

-- name: previous_versions
-- Versions of a dataset made before a time and not before the last finished generation there: those whose validity a
-- new one may end. What did not finish ends nobody, so any number of such versions may stand side by side.
SELECT version FROM generation
WHERE project = :project AND dataset = :dataset AND finished IN (0, 1) AND time < :at AND time >= coalesce((
    SELECT max(time) FROM generation
    WHERE project = :project AND dataset = :dataset AND finished = 1 AND time < :at
), :start);

-- name: generations_of_run
-- What a run generates at present.
SELECT version, dataset, time, finished, about FROM generation WHERE project = :project AND run = :run;

-- name: declared
-- A generation that a dataset event told of.
SELECT dataset, time, finished, about FROM generation WHERE project = :project AND run = x'' AND version = :version;

-- name: add_generation
-- A run generates a version.
INSERT INTO generation (project, run, version, dataset, time, finished, about)
VALUES (:project, :run, :version, :dataset, :time, :finished, :about)
ON CONFLICT (project, run, version)
DO UPDATE SET dataset = excluded.dataset, time = excluded.time, finished = excluded.finished, about = excluded.about;

-- name: drop_generation
-- A run does not generate a version any more.
DELETE FROM generation WHERE project = :project AND run = :run AND version = :version;

-- name: usages_of_run
-- What a run uses at present.
SELECT dataset, bound, origin, time, about FROM usage WHERE project = :project AND run = :run;

-- name: add_usage
-- A run means a version by a dataset.
INSERT INTO usage (project, run, dataset, bound, origin, time, about)
VALUES (:project, :run, :dataset, :bound, :origin, :time, :about)
ON CONFLICT (project, run, dataset, bound, origin)
DO UPDATE SET time = excluded.time, about = excluded.about;

-- name: drop_usage
-- A run does not mean that version any more.
DELETE FROM usage WHERE project = :project AND run = :run AND dataset = :dataset AND bound = :bound AND origin = :origin;

-- name: first_generations
-- The first generations of a version, for its time and description.
SELECT time, finished, about FROM generation
WHERE project = :project AND version = :version ORDER BY time, run LIMIT :limit;

-- name: last_generation
-- Time of the last generation of a version.
SELECT max(time) FROM generation WHERE project = :project AND version = :version;

-- name: any_finished
-- Whether a version has a finished generation.
SELECT max(finished) FROM generation WHERE project = :project AND version = :version;

-- name: successor
-- When the first finished generation of another version of the dataset came after a time.
SELECT time FROM generation
WHERE project = :project AND dataset = :dataset AND finished = 1 AND time > :at AND version <> :version
ORDER BY time LIMIT 1;

-- name: first_usages
-- The first usages of a version, for its description.
SELECT time, run, dataset, about FROM usage WHERE project = :project AND bound = :version ORDER BY time, run, dataset LIMIT :limit;

-- name: version_of
-- Identity of a version.
SELECT dataset, scheme, value FROM version WHERE project = :project AND ident = :version;

-- name: add_version
-- Remember the identity of a version.
INSERT INTO version (project, ident, dataset, scheme, value)
VALUES (:project, :version, :dataset, :scheme, :value) ON CONFLICT DO NOTHING;
