"""Turning a document into a journal entry and back: key, compression, commitment.

Owns the one place where salts are drawn and bodies compressed, so that events, gaps and server records are journalled
alike. Compression contexts are per thread.
"""

from __future__ import annotations

import threading

import zstandard

from lineage_api.journal.record import Entry, Project, Registration
from lineage_api.ledger import commitment, new_salt
from lineage_graph.canonical import event_key

MAX_UNPACKED = 64 << 20
"""No body in the journal is larger; bounds what a damaged row may inflate to."""


class _Contexts(threading.local):
    def __init__(self) -> None:
        self.packer = zstandard.ZstdCompressor(level=3, write_checksum=False, write_content_size=True)
        self.unpacker = zstandard.ZstdDecompressor()


_contexts = _Contexts()


def pack(body: bytes) -> bytes:
    """zstd of a canonical body."""
    return _contexts.packer.compress(body)


def unpack(packed: bytes) -> bytes:
    """The canonical body of a journal row."""
    return _contexts.unpacker.decompress(packed, max_output_size=MAX_UNPACKED)


def entry(
    project: Project,
    received: int,
    principal: str,
    media_type: str,
    canonical: bytes,
    body: bytes,
    *,
    client: str | None = None,
    sequence: int | None = None,
    gap: tuple[int, int] | None = None,
    registrations: tuple[Registration, ...] = (),
) -> Entry:
    """An entry whose key is over `canonical` and whose commitment is over `body` (values lifted)."""
    salt = new_salt()
    covers: tuple[tuple[int, int], ...] = () if sequence is None else ((sequence, sequence),)
    if gap is not None:
        covers = (gap, *covers)
    return Entry(
        project,
        received,
        principal,
        media_type,
        client,
        sequence,
        event_key(project.event_key, canonical),
        pack(body),
        salt,
        commitment(salt, body),
        covers,
        registrations,
    )
