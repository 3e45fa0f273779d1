-- name: seq
-- The cursor of a project.
SELECT seq FROM project WHERE uuid = :project;

-- name: handles
-- Surrogate ids of current nodes.
SELECT n.key, n.id
FROM json_each(:ids) AS f
CROSS JOIN node AS n ON n.key = f.value
CROSS JOIN content AS c ON c.node = n.id
WHERE n.project = (SELECT id FROM project WHERE uuid = :project);

-- name: ids
-- Node ids of surrogate ids, as two arrays.
SELECT json_group_array(n.id), json_group_array(n.key)
FROM json_each(:handles) AS f
CROSS JOIN node AS n ON n.id = f.value;

-- name: hops_out
-- Current edges of one type that leave the frontier.
SELECT json_group_array(src), json_group_array(dst), json_group_array(via), json_group_array(generation),
       json_group_array(explicit), json_group_array(precision), json_group_array(basis)
FROM (
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge AS e ON e.src = f.value AND e.type = :type
    LIMIT :limit
);

-- name: hops_in
-- Current edges of one type that arrive at the frontier.
SELECT json_group_array(src), json_group_array(dst), json_group_array(via), json_group_array(generation),
       json_group_array(explicit), json_group_array(precision), json_group_array(basis)
FROM (
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge AS e ON e.dst = f.value AND e.type = :type
    LIMIT :limit
);

-- name: generations
-- Edges from versions to the one run each is bound to; a pair is version * 2^31 + run.
SELECT json_group_array(src), json_group_array(dst), json_group_array(via), json_group_array(generation),
       json_group_array(explicit), json_group_array(precision), json_group_array(basis)
FROM (
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge AS e ON e.src = f.value >> 31 AND e.type = :type AND e.dst = f.value & 2147483647
    LIMIT :limit
);

-- name: derivations
-- Edges from versions stated by the one run each is bound to, or by none.
SELECT json_group_array(src), json_group_array(dst), json_group_array(via), json_group_array(generation),
       json_group_array(explicit), json_group_array(precision), json_group_array(basis)
FROM (
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge AS e ON e.src = f.value >> 31 AND e.type = :type
    WHERE e.via IN (0, f.value & 2147483647)
    LIMIT :limit
);

-- name: uses
-- Edges to versions that mean the one run each is bound to, or do not say which.
SELECT json_group_array(src), json_group_array(dst), json_group_array(via), json_group_array(generation),
       json_group_array(explicit), json_group_array(precision), json_group_array(basis)
FROM (
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge AS e ON e.dst = f.value >> 31 AND e.type = :type
    WHERE e.generation IN (0, f.value & 2147483647)
    LIMIT :limit
);

-- name: hops_out_as_of
-- As hops_out, as valid at a time and as known at a sequence number.
SELECT json_group_array(src), json_group_array(dst), json_group_array(via), json_group_array(generation),
       json_group_array(explicit), json_group_array(precision), json_group_array(basis)
FROM (
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge AS e ON e.src = f.value AND e.type = :type
    WHERE e.known_from <= :known_at
      AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE)
    UNION ALL
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge_past AS e ON e.src = f.value AND e.type = :type
    WHERE e.known_from <= :known_at AND e.known_to > :known_at
      AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE)
    LIMIT :limit
);

-- name: hops_in_as_of
-- As hops_in, as valid at a time and as known at a sequence number.
SELECT json_group_array(src), json_group_array(dst), json_group_array(via), json_group_array(generation),
       json_group_array(explicit), json_group_array(precision), json_group_array(basis)
FROM (
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge AS e ON e.dst = f.value AND e.type = :type
    WHERE e.known_from <= :known_at
      AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE)
    UNION ALL
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge_past AS e ON e.dst = f.value AND e.type = :type
    WHERE e.known_from <= :known_at AND e.known_to > :known_at
      AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE)
    LIMIT :limit
);

-- name: generations_as_of
-- As generations, as valid at a time and as known at a sequence number.
SELECT json_group_array(src), json_group_array(dst), json_group_array(via), json_group_array(generation),
       json_group_array(explicit), json_group_array(precision), json_group_array(basis)
FROM (
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge AS e ON e.src = f.value >> 31 AND e.type = :type AND e.dst = f.value & 2147483647
    WHERE e.known_from <= :known_at
      AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE)
    UNION ALL
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge_past AS e ON e.src = f.value >> 31 AND e.type = :type AND e.dst = f.value & 2147483647
    WHERE e.known_from <= :known_at AND e.known_to > :known_at
      AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE)
    LIMIT :limit
);

-- name: derivations_as_of
-- As derivations, as valid at a time and as known at a sequence number.
SELECT json_group_array(src), json_group_array(dst), json_group_array(via), json_group_array(generation),
       json_group_array(explicit), json_group_array(precision), json_group_array(basis)
FROM (
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge AS e ON e.src = f.value >> 31 AND e.type = :type
    WHERE e.via IN (0, f.value & 2147483647)
      AND e.known_from <= :known_at
      AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE)
    UNION ALL
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge_past AS e ON e.src = f.value >> 31 AND e.type = :type
    WHERE e.via IN (0, f.value & 2147483647)
      AND e.known_from <= :known_at AND e.known_to > :known_at
      AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE)
    LIMIT :limit
);

-- name: uses_as_of
-- As uses, as valid at a time and as known at a sequence number.
SELECT json_group_array(src), json_group_array(dst), json_group_array(via), json_group_array(generation),
       json_group_array(explicit), json_group_array(precision), json_group_array(basis)
FROM (
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge AS e ON e.dst = f.value >> 31 AND e.type = :type
    WHERE e.generation IN (0, f.value & 2147483647)
      AND e.known_from <= :known_at
      AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE)
    UNION ALL
    SELECT e.src, e.dst, e.via, e.generation, e.explicit, e.precision, e.basis
    FROM json_each(:frontier) AS f
    CROSS JOIN edge_past AS e ON e.dst = f.value >> 31 AND e.type = :type
    WHERE e.generation IN (0, f.value & 2147483647)
      AND e.known_from <= :known_at AND e.known_to > :known_at
      AND coalesce(e.valid_from <= :valid_at, TRUE) AND coalesce(e.valid_to > :valid_at, TRUE)
    LIMIT :limit
);
