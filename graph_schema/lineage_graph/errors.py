"""The error tree of the graph package.

GraphError
├── StoreUnavailable     the store does not answer
├── GraphSchemaTooNew    written by a newer version; upgrade this one
├── EventRefused         an event that cannot be placed (ingest answers 422)
└── BadReference         a node reference or cursor that does not parse
"""

from __future__ import annotations


class GraphError(Exception):
    """Base of everything this package raises on purpose."""


class StoreUnavailable(GraphError):
    """The graph store does not answer; the message names it and what to check."""


class GraphSchemaTooNew(GraphError):
    """The store was written by a newer version of weftline; upgrade, or restore a backup."""


class EventRefused(GraphError):
    """The event cannot be placed.

    Args:
        path: JSON path of the offending member, for example `run.runId`.
        expected: what belongs there.
        got: a short description of what was found.
    """

    def __init__(self, path: str, expected: str, got: str) -> None:
        super().__init__(f"{path}: expected {expected}, got {got}")
        self.path = path
        self.expected = expected
        self.got = got


class BadReference(GraphError):
    """A node id, reference or cursor that does not parse."""
