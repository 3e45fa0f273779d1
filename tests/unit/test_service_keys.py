"""Subject values: lifted out, put back, gone after erasure, and never in clear in any file."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from lineage_api.keys import FACET, Keyring
from lineage_graph.canonical import canonical_bytes

PROJECT = "8f14e45f-ceea-467f-a8f5-5b1d1f0d7a11"
OTHER = "c9f0f895-fb98-4b91-9f9d-0d4b9d1f2b22"


def event(user: str = "ana.canary", host: str = "host-canary", **more: Any) -> dict[str, Any]:
    actor = {"_producer": "p", "_schemaURL": "s", "issuer": "os", "user": user, "host": host, **more}
    return {"run": {"runId": "1", "facets": {FACET: actor, "other": {"x": 1}}}, "job": {"name": "j"}}


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(f"sqlite:///{tmp_path / 'keys.db'}", tmp_path)


def reader(tmp_path: Path) -> Keyring:
    return Keyring(f"sqlite:///{tmp_path / 'keys.db'}", tmp_path, read_only=True)


def test_values_are_lifted_and_put_back(keyring: Keyring, tmp_path: Path) -> None:
    original = event(extra="kept")
    before = canonical_bytes(original)
    lifted = keyring.lift(PROJECT, original)
    body = canonical_bytes(lifted)
    assert b"canary" not in body
    assert lifted["run"]["facets"][FACET]["extra"] == "kept"
    assert canonical_bytes(original) == before
    assert reader(tmp_path).restore(PROJECT, body) == before


def test_one_subject_has_one_reference_per_value(keyring: Keyring) -> None:
    def reference(lifted: Any) -> str:
        return str(lifted["run"]["facets"][FACET]["reference"])

    first = reference(keyring.lift(PROJECT, event()))
    assert keyring.is_known(PROJECT, event())
    assert reference(keyring.lift(PROJECT, event())) == first
    assert reference(keyring.lift(PROJECT, event(host="elsewhere"))) != first
    assert reference(keyring.lift(OTHER, event())) != first
    assert not keyring.is_known(PROJECT, event(user="ben"))


def test_references_of_another_project_open_nothing(keyring: Keyring, tmp_path: Path) -> None:
    body = canonical_bytes(keyring.lift(PROJECT, event()))
    keyring.lift(OTHER, event())
    assert b"canary" not in reader(tmp_path).restore(OTHER, body)


def test_erasing_leaves_a_tombstone_and_no_bytes(keyring: Keyring, tmp_path: Path) -> None:
    body = canonical_bytes(keyring.lift(PROJECT, event()))
    kept = canonical_bytes(keyring.lift(PROJECT, event(user="ben")))
    assert keyring.erase(PROJECT, "os", "ana.canary")
    assert not keyring.erase(PROJECT, "os", "ana.canary")
    restored = reader(tmp_path).restore(PROJECT, body)
    assert b"canary" not in restored
    assert b'"issuer":"erased"' in restored
    assert b"ben" in reader(tmp_path).restore(PROJECT, kept)
    again = keyring.lift(PROJECT, event())
    assert canonical_bytes(again) != body


def test_no_file_holds_a_value_in_clear(keyring: Keyring, tmp_path: Path) -> None:
    for number in range(50):
        keyring.lift(PROJECT, event(user=f"user-canary-{number}"))
    keyring.close()
    for path in tmp_path.iterdir():
        assert b"canary" not in path.read_bytes(), path


def test_events_without_actor_pass_untouched(keyring: Keyring) -> None:
    odd: dict[str, Any]
    for odd in ({}, {"run": None}, {"run": {"facets": []}}, {"run": {"facets": {FACET: "x"}}}, {"dataset": {}}):
        assert keyring.lift(PROJECT, odd) is odd
        assert keyring.restore(PROJECT, canonical_bytes(odd)) == canonical_bytes(odd)


def test_the_file_key_is_private_and_stable(keyring: Keyring, tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = keyring.event_key(PROJECT)
    assert len(key) == 32
    assert key != keyring.event_key(OTHER)
    assert reader(tmp_path).event_key(PROJECT) == key
    path.write_bytes(b"short")
    with pytest.raises(RuntimeError, match=r"master\.key"):
        reader(tmp_path)
