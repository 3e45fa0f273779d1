"""Secrets of the service: project keys, and subject-linked values kept apart from the journal so that they can go.

Owns `keys.db` and the file that wraps it. A value that names a person (facet `weftline_actor`) is lifted out of the
body into a row encrypted under that subject's own key; a random reference stays in the body. Erasing a subject
destroys key and rows: the journal, its commitments and the ledger stay valid, the name is gone.
"""

from __future__ import annotations

import hmac
import os
import secrets
import threading
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lineage_api.journal import tables
from lineage_api.journal.database import migrate, open_engine
from lineage_graph.canonical import canonical_bytes, loads_exact

FACET = "weftline_actor"
_MARK = b'"weftline_actor"'
_MEMBERS = ("issuer", "user", "host")
_NONCE = 12
_CACHE = 10_000


class Keyring:
    """Keys and sealed values of all projects. Thread-safe; `read_only` for the projector."""

    def __init__(self, url: str, folder: Path, *, read_only: bool = False) -> None:
        self._engine = open_engine(url, read_only=read_only)
        if not read_only:
            migrate(self._engine, "keys")
        file_key = _file_key(folder / "master.key")
        self._master = AESGCM(file_key)
        self.cursor_key = hmac.digest(file_key, b"cursor", "sha256")
        self._lock = threading.Lock()
        self._projects: dict[str, bytes] = {}
        self._references: dict[tuple[str, bytes], str] = {}
        self._opened: dict[str, dict[str, Any] | None] = {}

    def event_key(self, project: str) -> bytes:
        """Key of the HMAC that dedupes a project's events; made on first use."""
        return self._derived(project, b"event")

    def lift(self, project: str, event: Any) -> Any:
        """The event with subject-linked values replaced by references; the argument is not changed.

        Writes to `keys.db` when a value is new (see `is_known`).
        """
        facet = _actor(event)
        if facet is None:
            return event
        reference = self._reference(project, facet)
        kept = {name: value for name, value in facet.items() if name not in _MEMBERS}
        return _with_actor(event, {**kept, "reference": reference})

    def is_known(self, project: str, event: Any) -> bool:
        """Whether `lift` needs no disk."""
        facet = _actor(event)
        return facet is None or (project, _sealed_part(facet)) in self._references

    def restore(self, project: str, body: bytes) -> bytes:
        """The canonical body with sealed values put back; of an erased subject only the reference remains."""
        if _MARK not in body:
            return body
        event = loads_exact(body)
        facet = _actor(event)
        if facet is None or not isinstance(facet.get("reference"), str):
            return body
        kept = {name: value for name, value in facet.items() if name != "reference"}
        opened = self._open_cached(project, facet["reference"])
        restored = {**kept, **(opened or {"issuer": "erased", "user": facet["reference"]})}
        return canonical_bytes(_with_actor(event, restored))

    def erase(self, project: str, issuer: str, user: str) -> bool:
        """Destroy a subject's key and values; True if the subject was known."""
        lookup = hmac.digest(self._derived(project, b"lookup"), canonical_bytes([issuer, user]), "sha256")
        with self._lock, self._engine.begin() as connection:
            self._references.clear()
            self._opened.clear()
            found = connection.execute(
                sa.select(tables.subject.c.id).where(
                    tables.subject.c.project == project, tables.subject.c.lookup == lookup
                )
            ).scalar()
            if found is None:
                return False
            connection.execute(sa.delete(tables.subject_value).where(tables.subject_value.c.subject == found))
            connection.execute(sa.delete(tables.subject).where(tables.subject.c.id == found))
        raw = self._engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the old pages must not stay in the log
        finally:
            raw.close()
        return True

    def close(self) -> None:
        """Release connections."""
        self._engine.dispose()

    def _derived(self, project: str, purpose: bytes) -> bytes:
        return hmac.digest(self._project(project), purpose, "sha256")

    def _project(self, project: str) -> bytes:
        key = self._projects.get(project)
        if key is not None:
            return key
        with self._lock, self._engine.begin() as connection:
            row = connection.execute(
                sa.select(tables.project_key.c.wrapped).where(tables.project_key.c.project == project)
            ).scalar()
            if row is None:
                key = os.urandom(32)
                wrapped = _seal(self._master, key, project.encode())
                created = time.time_ns() // 1000
                connection.execute(
                    sa.insert(tables.project_key).values(project=project, wrapped=wrapped, created=created)
                )
            else:
                key = _unseal(self._master, row, project.encode())
        self._projects[project] = key
        return key

    def _reference(self, project: str, facet: dict[str, Any]) -> str:
        sealed_part = _sealed_part(facet)
        cached = self._references.get((project, sealed_part))
        if cached is not None:
            return cached
        lookup_key = self._derived(project, b"lookup")
        identity = canonical_bytes([str(facet.get("issuer", "")), str(facet.get("user", ""))])
        subject_lookup = hmac.digest(lookup_key, identity, "sha256")
        value_lookup = hmac.digest(lookup_key, b"value\0" + sealed_part, "sha256")
        with self._lock, self._engine.begin() as connection:
            subject, key = self._subject(connection, project, subject_lookup)
            values = tables.subject_value
            reference = connection.execute(
                sa.select(values.c.reference).where(values.c.subject == subject, values.c.lookup == value_lookup)
            ).scalar()
            if reference is None:
                reference = "subject:" + secrets.token_hex(16)
                sealed = _seal(AESGCM(key), sealed_part, reference.encode())
                connection.execute(
                    sa.insert(values).values(reference=reference, subject=subject, lookup=value_lookup, sealed=sealed)
                )
        if len(self._references) >= _CACHE:
            self._references.clear()
        self._references[project, sealed_part] = reference
        return str(reference)

    def _subject(self, connection: sa.Connection, project: str, lookup: bytes) -> tuple[int, bytes]:
        wrap = AESGCM(self._projects[project])
        subjects = tables.subject
        row = connection.execute(
            sa.select(subjects.c.id, subjects.c.wrapped).where(
                subjects.c.project == project, subjects.c.lookup == lookup
            )
        ).first()
        if row is not None:
            return int(row.id), _unseal(wrap, row.wrapped, lookup)
        key = AESGCM.generate_key(256)
        inserted = connection.execute(
            sa.insert(subjects).values(project=project, lookup=lookup, wrapped=_seal(wrap, key, lookup))
        )
        assert inserted.inserted_primary_key is not None
        return int(inserted.inserted_primary_key[0]), key

    def _open_cached(self, project: str, reference: str) -> dict[str, Any] | None:
        if reference not in self._opened:
            if len(self._opened) >= _CACHE:
                self._opened.clear()
            self._opened[reference] = self._open(project, reference)
        return self._opened[reference]

    def _open(self, project: str, reference: str) -> dict[str, Any] | None:
        self._project(project)
        with self._engine.begin() as connection:
            row = connection.execute(
                sa.select(tables.subject_value.c.sealed, tables.subject.c.wrapped, tables.subject.c.lookup)
                .join(tables.subject, tables.subject.c.id == tables.subject_value.c.subject)
                .where(tables.subject_value.c.reference == reference, tables.subject.c.project == project)
            ).first()
        if row is None:
            return None
        key = _unseal(AESGCM(self._projects[project]), row.wrapped, row.lookup)
        opened: dict[str, Any] = loads_exact(_unseal(AESGCM(key), row.sealed, reference.encode()))
        return opened


def _actor(event: Any) -> dict[str, Any] | None:
    run = event.get("run") if isinstance(event, dict) else None
    facets = run.get("facets") if isinstance(run, dict) else None
    facet = facets.get(FACET) if isinstance(facets, dict) else None
    return facet if isinstance(facet, dict) else None


def _with_actor(event: dict[str, Any], facet: dict[str, Any]) -> dict[str, Any]:
    run = event["run"]
    return {**event, "run": {**run, "facets": {**run["facets"], FACET: facet}}}


def _sealed_part(facet: dict[str, Any]) -> bytes:
    return canonical_bytes({name: facet[name] for name in _MEMBERS if name in facet})


def _seal(cipher: AESGCM, data: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + cipher.encrypt(nonce, data, bound_to)


def _unseal(cipher: AESGCM, sealed: bytes, bound_to: bytes) -> bytes:
    return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to)


def _file_key(path: Path) -> bytes:
    """The 32-byte key that wraps keys.db, made once with mode 0600."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, os.urandom(32))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(fresh, path)  # whole or not there, whenever the power goes
    key = path.read_bytes()
    if len(key) != 32:
        raise RuntimeError(f"{path} is not a 32-byte key; restore it from the backup it was kept in")
    return key
