"""Every knob of the service, declared once: type, default, help.

Owns the defaults and where they may come from (command line and environment). Does not act on them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_PORT = 8642


def _knob(default: int | float | str, text: str) -> int:
    """A field with its help text; typed as int for the checker's sake, the annotation of the field rules."""
    return field(default=default, metadata={"help": text})  # type: ignore[return-value]


def default_data() -> Path:
    """`$LINEAGE_HOME/server`, `~/.lineage/server` without it."""
    home = os.environ.get("LINEAGE_HOME")
    return (Path(home) if home else Path.home() / ".lineage") / "server"


@dataclass(frozen=True, slots=True)
class GraphAccess:
    """Where the graph is kept: `embedded`, or a Neo4j address with its credentials."""

    address: str = "embedded"
    user: str = "neo4j"
    password: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, address: str) -> GraphAccess:
        """Credentials come from `LINEAGE_NEO4J_USER` and `LINEAGE_NEO4J_PASSWORD`, never from the command line."""
        return cls(address, os.environ.get("LINEAGE_NEO4J_USER", "neo4j"), os.environ.get("LINEAGE_NEO4J_PASSWORD", ""))

    @property
    def embedded(self) -> bool:
        return self.address == "embedded"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost; beyond it the answer is 408, 413 or 431."""

    body_bytes: int = _knob(16 << 20, "bytes of a request body as sent")
    inflated_bytes: int = _knob(32 << 20, "bytes of a request body after decompression")
    query_bytes: int = _knob(1 << 20, "bytes of the body of a question")
    event_bytes: int = _knob(4 << 20, "bytes of one event or one JSON document")
    json_tokens: int = _knob(400_000, "brackets and commas in one JSON document; bounds what parsing it may allocate")
    batch_items: int = _knob(10_000, "records in one batch")
    header_bytes: int = _knob(32 << 10, "bytes of request line and headers")
    header_count: int = _knob(100, "number of request headers")
    head_seconds: float = _knob(10.0, "seconds until a started request's headers are complete")
    body_seconds: float = _knob(30.0, "seconds until a request's body is complete")
    queue_bytes: int = _knob(64 << 20, "bytes waiting for the journal; beyond it 503 with Retry-After")
    connections: int = _knob(1000, "connections at once; beyond it 503")
    wait_seconds: float = _knob(10.0, "seconds `?wait=projected` may take")
    read_seconds: float = _knob(20.0, "seconds one query may take")


@dataclass(frozen=True, slots=True)
class Settings:
    """One server: where it listens, where its data is, where the graph is."""

    data: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    graph: GraphAccess = GraphAccess()
    idle_seconds: float | None = None  # end when nothing was asked for so long; None = never
    readers: int = 4  # threads that answer queries
    limits: Limits = Limits()

    @property
    def registry_url(self) -> str:
        return f"sqlite:///{self.data / 'registry.db'}"

    @property
    def keys_url(self) -> str:
        return f"sqlite:///{self.data / 'keys.db'}"

    @property
    def projection_url(self) -> str:
        return f"sqlite:///{self.data / 'projection.db'}"

    @property
    def graph_path(self) -> Path:
        return self.data / "graph.db"
