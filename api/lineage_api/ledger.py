"""Leaf hashes of the ledger: what makes the journal's order and content provable later.

Owns the bytes a leaf is computed over (RFC 9162 § 2.1.1: SHA-256(0x00 ‖ data)). The data is the record's header and
its commitment, never the body or the key, so that an erased record keeps a verifiable leaf. Trees, checkpoints and
proofs are not here yet.
"""

from __future__ import annotations

import hashlib
import hmac
import os

import orjson

SALT_BYTES = 16


def new_salt() -> bytes:
    """A random salt; destroying it makes the commitment say nothing about the body."""
    return os.urandom(SALT_BYTES)


def commitment(salt: bytes, body: bytes) -> bytes:
    """HMAC-SHA256(salt, body as journalled); 32 bytes."""
    return hmac.digest(salt, body, "sha256")


def leaf_hash(
    *,
    seq: int,
    project: str,
    received: int,
    principal: str,
    media_type: str,
    client: str | None,
    sequence: int | None,
    committed: bytes,
) -> bytes:
    """The leaf of one journal record; 32 bytes. `project` is the uuid, `received` UTC microseconds."""
    header = orjson.dumps([1, seq, project, received, principal, media_type, client, sequence])
    return hashlib.sha256(b"\x00" + header + committed).digest()
