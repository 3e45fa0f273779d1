"""Project keys, subjects and their sealed values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "keys_0001"
down_revision = None


def upgrade() -> None:
    """Create the first schema."""
    op.create_table(
        "project_key",
        sa.Column("project", sa.Text, primary_key=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "subject",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("project", sa.Text, nullable=False),
        sa.Column("lookup", sa.LargeBinary, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("project", "lookup", name="subject_lookup"),
    )
    op.create_table(
        "subject_value",
        sa.Column("reference", sa.Text, primary_key=True),
        sa.Column("subject", sa.Integer, sa.ForeignKey("subject.id", ondelete="CASCADE"), nullable=False),
        sa.Column("lookup", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("subject", "lookup", name="subject_value_lookup"),
    )
