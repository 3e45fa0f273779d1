-- The projection's own tables: facts, what is derived from them one run at a time, and the catalogue.
-- Idents are the 16-byte, project-independent identities of `lineage_graph.identity`; `project` is the small number
-- of table `project`; times are UTC microseconds. Everything here is rebuilt from the journal.

CREATE TABLE project (
    id     INTEGER PRIMARY KEY,
    uuid   TEXT NOT NULL UNIQUE
);

CREATE TABLE cursor (
    name TEXT PRIMARY KEY,
    seq  BIGINT NOT NULL
);

CREATE TABLE producer (
    id  INTEGER PRIMARY KEY,
    uri TEXT NOT NULL UNIQUE
);

-- Never updated, never deleted. `at` is -2^62 for statements without a time.
CREATE TABLE fact (
    project   INTEGER NOT NULL,
    subject   BLOB    NOT NULL,
    predicate TEXT    NOT NULL,
    at        BIGINT  NOT NULL,
    hash      BLOB    NOT NULL,
    kind      TEXT    NOT NULL,
    object    BLOB    NOT NULL,
    value     BLOB    NOT NULL,
    seq       BIGINT  NOT NULL,
    recorded  BIGINT  NOT NULL,
    producer  INTEGER NOT NULL,
    PRIMARY KEY (project, subject, predicate, at, hash)
) WITHOUT ROWID;

-- A version came to be. `finished` 0: its run still goes on (walked, never bound). run = x'' for declared ones.
CREATE TABLE generation (
    project  INTEGER NOT NULL,
    run      BLOB    NOT NULL,
    version  BLOB    NOT NULL,
    dataset  BLOB    NOT NULL,
    time     BIGINT  NOT NULL,
    finished INTEGER NOT NULL,
    about    BLOB    NOT NULL,
    PRIMARY KEY (project, run, version)
) WITHOUT ROWID;
CREATE INDEX generation_of_dataset ON generation (project, dataset, finished, time, version, run);
CREATE INDEX generation_of_version ON generation (project, version, time, run, finished);

-- A run means a version by a dataset: as an input, or as a source stated for an output.
CREATE TABLE usage (
    project INTEGER NOT NULL,
    run     BLOB    NOT NULL,
    dataset BLOB    NOT NULL,
    bound   BLOB    NOT NULL,
    origin  BLOB    NOT NULL,  -- run that handed the value over, x'' where none did
    time    BIGINT  NOT NULL,
    about   BLOB    NOT NULL,
    PRIMARY KEY (project, run, dataset, bound, origin)
) WITHOUT ROWID;
CREATE INDEX usage_of_dataset ON usage (project, dataset, time);
CREATE INDEX usage_of_version ON usage (project, bound, time, run);
CREATE INDEX usage_by_origin ON usage (project, origin) WHERE origin <> x'';

CREATE TABLE version (
    project INTEGER NOT NULL,
    ident   BLOB    NOT NULL,
    dataset BLOB    NOT NULL,
    scheme  TEXT    NOT NULL,
    value   TEXT    NOT NULL,
    PRIMARY KEY (project, ident)
) WITHOUT ROWID;

-- Which job version each run is of: a job version is derived while a run has it.
CREATE TABLE run_job_version (
    project     INTEGER NOT NULL,
    run         BLOB    NOT NULL,
    job_version BLOB    NOT NULL,
    PRIMARY KEY (project, run)
) WITHOUT ROWID;
CREATE INDEX run_of_job_version ON run_job_version (project, job_version);

CREATE TABLE alias (
    project INTEGER NOT NULL,
    a       BLOB    NOT NULL,
    b       BLOB    NOT NULL,
    kind    TEXT    NOT NULL,
    removed INTEGER NOT NULL,
    at      BIGINT  NOT NULL,
    PRIMARY KEY (project, a, b, kind, removed, at)
) WITHOUT ROWID;
CREATE INDEX alias_of ON alias (project, b);

CREATE TABLE alias_member (
    project   INTEGER NOT NULL,
    dataset   BLOB    NOT NULL,
    component BLOB    NOT NULL,
    PRIMARY KEY (project, dataset)
) WITHOUT ROWID;
CREATE INDEX member_of_component ON alias_member (project, component);

-- What each scope derives at present, packed: element key → content hash. The difference to the next derivation
-- is the delta that the graph gets.
CREATE TABLE emitted (
    project  INTEGER NOT NULL,
    scope    BLOB    NOT NULL,
    elements BLOB    NOT NULL,
    PRIMARY KEY (project, scope)
) WITHOUT ROWID;

-- Deltas that the graph has not confirmed yet.
CREATE TABLE outbox (
    seq     BIGINT NOT NULL,
    project INTEGER NOT NULL,
    delta   BLOB   NOT NULL,
    PRIMARY KEY (seq, project)
);

-- Catalogue of current nodes, for names, prefixes and lists. Run: name = runId, namespace = job namespace,
-- version = job name. DatasetVersion: version = 'scheme:value'.
CREATE TABLE entity (
    id        TEXT PRIMARY KEY,
    project   INTEGER NOT NULL,
    kind      TEXT    NOT NULL,
    ident     BLOB    NOT NULL,
    namespace TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    version   TEXT    NOT NULL,
    time      BIGINT  NOT NULL,
    state     TEXT    NOT NULL,
    is_model  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX entity_by_name ON entity (project, kind, name, namespace, version);
CREATE INDEX entity_by_time ON entity (project, kind, time, id);
CREATE INDEX entity_by_job ON entity (project, version, time) WHERE kind = 'Run';
CREATE INDEX entity_by_namespace ON entity (project, kind, namespace) WHERE kind = 'Job' OR kind = 'Dataset';

-- Typed attributes of runs; `run` is the run's node id. num orders ints and floats; text is exact.
CREATE TABLE attribute (
    project INTEGER NOT NULL,
    run     TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    type    TEXT    NOT NULL,
    num     DOUBLE PRECISION,
    text    TEXT    NOT NULL,
    PRIMARY KEY (project, run, key)
) WITHOUT ROWID;
CREATE INDEX attribute_by_num ON attribute (project, key, num) WHERE num IS NOT NULL;
CREATE INDEX attribute_by_text ON attribute (project, key, text) WHERE num IS NULL;

-- Numbers the model registry gave to registered versions; model, version and named are node ids. `named` is the version
-- as its registration could tell it; where that was the run alone, `version` is the one the run has stated since.
CREATE TABLE model_version (
    project    INTEGER NOT NULL,
    model      TEXT    NOT NULL,
    number     INTEGER NOT NULL,
    named      TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    registered BIGINT  NOT NULL,
    seq        BIGINT  NOT NULL,
    tags       TEXT    NOT NULL,
    PRIMARY KEY (project, model, number)
) WITHOUT ROWID;
CREATE INDEX model_number_of ON model_version (project, version);
CREATE INDEX model_number_named ON model_version (project, named);

-- Records known to be lost, and which client spoke for which run (node ids).
CREATE TABLE gap (
    project INTEGER NOT NULL,
    client  TEXT    NOT NULL,
    first   BIGINT  NOT NULL,
    last    BIGINT  NOT NULL,
    count   BIGINT  NOT NULL,
    reason  TEXT    NOT NULL,
    seq     BIGINT  NOT NULL,
    PRIMARY KEY (project, client, first, last, reason)
) WITHOUT ROWID;

CREATE TABLE client_run (
    project INTEGER NOT NULL,
    client  TEXT    NOT NULL,
    run     TEXT    NOT NULL,
    PRIMARY KEY (project, run, client)
) WITHOUT ROWID;
