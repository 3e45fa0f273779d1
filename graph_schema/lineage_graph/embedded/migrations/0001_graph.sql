-- Nodes and edges under integer ids: an edge is two dozen bytes however long the node ids are.

CREATE TABLE project (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    seq INTEGER NOT NULL
);

-- Small rows, so that walks name what they found cheaply. An edge may name a node whose content is yet to come.
CREATE TABLE node (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    project INTEGER NOT NULL
);

-- What makes a node current.
CREATE TABLE content (
    node INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    ident BLOB NOT NULL,
    props BLOB NOT NULL
);

-- via and generation are 0 where there is none. Current edges only.
CREATE TABLE edge (
    src INTEGER NOT NULL,
    type INTEGER NOT NULL,
    dst INTEGER NOT NULL,
    via INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    explicit INTEGER NOT NULL,
    precision INTEGER NOT NULL,
    basis INTEGER NOT NULL,
    valid_from INTEGER,
    valid_to INTEGER,
    known_from INTEGER NOT NULL,
    props BLOB,
    PRIMARY KEY (src, type, dst, via)
) WITHOUT ROWID;

-- Covers what a walk reads, so that downstream costs what upstream does.
CREATE INDEX edge_in ON edge (dst, type, src, via, generation, explicit, precision, basis);

-- Closed rows, read only to answer "as known at".
CREATE TABLE edge_past (
    src INTEGER NOT NULL,
    type INTEGER NOT NULL,
    dst INTEGER NOT NULL,
    via INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    explicit INTEGER NOT NULL,
    precision INTEGER NOT NULL,
    basis INTEGER NOT NULL,
    valid_from INTEGER,
    valid_to INTEGER,
    known_from INTEGER NOT NULL,
    known_to INTEGER NOT NULL,
    props BLOB,
    PRIMARY KEY (src, type, dst, via, known_from)
) WITHOUT ROWID;

CREATE INDEX edge_past_in ON edge_past (dst, type, src, via);
