"""Tables of `registry.db` (journal, sequencing, model numbers) and `keys.db` (secrets), as SQLAlchemy Core.

Owns names, types and constraints as this version knows them; the migrations build the same (a test compares). Does
not hold statements.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

registry = MetaData()
keys = MetaData()

project = Table(
    "project",
    registry,
    Column("id", Integer, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("workspace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created", BigInteger, nullable=False),  # UTC microseconds
    UniqueConstraint("workspace", "name", name="project_name"),
)

client = Table(
    "client",
    registry,
    Column("id", Integer, primary_key=True),
    Column("project", Integer, ForeignKey("project.id"), nullable=False),
    Column("uuid", Text, nullable=False),
    # Every sequence number ≤ high_water is durable or was refused; `ahead` lists the ranges already seen above it.
    Column("high_water", BigInteger, nullable=False),
    Column("ahead", Text, nullable=False),  # JSON [[first, last], …]
    UniqueConstraint("project", "uuid", name="client_uuid"),
)

journal = Table(
    "journal",
    registry,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("project", Integer, ForeignKey("project.id"), nullable=False),
    Column("received", BigInteger, nullable=False),  # UTC microseconds of this server's clock
    Column("principal", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("client", Integer, ForeignKey("client.id")),
    Column("sequence", BigInteger),
    Column("key", LargeBinary),  # HMAC of the canonical bytes; empty after the record was erased
    Column("body", LargeBinary),  # zstd of the canonical bytes with subject values lifted out
    Column("salt", LargeBinary),
    Column("commitment", LargeBinary, nullable=False),  # HMAC(salt, body)
    Column("leaf", LargeBinary, nullable=False),  # RFC 9162 leaf hash of header and commitment
    UniqueConstraint("project", "key", name="journal_key"),
    UniqueConstraint("project", "client", "sequence", name="journal_sequence"),
)

model_number = Table(
    "model_number",
    registry,
    Column("project", Integer, ForeignKey("project.id"), primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("scheme", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    UniqueConstraint("project", "namespace", "name", "scheme", "value", name="model_number_version"),
)

project_key = Table(
    "project_key",
    keys,
    Column("project", Text, primary_key=True),  # uuid
    Column("wrapped", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
)

subject = Table(
    "subject",
    keys,
    Column("id", Integer, primary_key=True),
    Column("project", Text, nullable=False),
    Column("lookup", LargeBinary, nullable=False),  # HMAC of the subject's identity under the project's key
    Column("wrapped", LargeBinary, nullable=False),  # the subject's own key
    UniqueConstraint("project", "lookup", name="subject_lookup"),
)

subject_value = Table(
    "subject_value",
    keys,
    Column("reference", Text, primary_key=True),  # random; what stays in the journal
    Column("subject", Integer, ForeignKey("subject.id", ondelete="CASCADE"), nullable=False),
    Column("lookup", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # AES-256-GCM under the subject's key
    UniqueConstraint("subject", "lookup", name="subject_value_lookup"),
)
