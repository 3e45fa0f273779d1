"""The sequencer: dense numbers, one record per event, conflicts kept, model numbers, leaves that can be recomputed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from lineage_api.journal import tables
from lineage_api.journal.database import migrate, open_engine
from lineage_api.journal.packing import entry, unpack
from lineage_api.journal.record import EVENT, SERVER, Entry, Item, Project, Refused, Registration
from lineage_api.journal.sequencer import Sequencer
from lineage_api.ledger import commitment
from lineage_graph.canonical import canonical_bytes

CLIENT = "0196c0de-0000-7000-8000-0000000000aa"


def key_of(project: str) -> bytes:
    return hashlib.sha256(project.encode()).digest()


class Journal:
    """A sequencer on a file, and short ways to make items for it."""

    def __init__(self, path: Path) -> None:
        self.engine = open_engine(f"sqlite:///{path}")
        migrate(self.engine, "registry")
        self.open()

    def open(self) -> None:
        self.sequencer = Sequencer(self.engine, key_of)
        self.project = self.sequencer.ensure_project("default/default")

    def item(
        self,
        body: Any,
        sequence: int | None = None,
        *,
        client: str | None = None,
        project: Project | None = None,
        registrations: tuple[Registration, ...] = (),
        gap: tuple[int, int] | None = None,
        received: int = 1_000,
    ) -> Entry:
        canonical = canonical_bytes(body)
        return entry(
            project or self.project,
            received,
            "local",
            EVENT,
            canonical,
            canonical,
            client=client or (CLIENT if sequence is not None else None),
            sequence=sequence,
            gap=gap,
            registrations=registrations,
        )

    def commit(self, *items: Item) -> list[tuple[int, int]]:
        answer = self.sequencer.commit([items])[0]
        self.high_water = answer.high_water
        return [(outcome.status, outcome.seq) for outcome in answer.outcomes]

    def rows(self) -> list[Any]:
        with self.engine.begin() as connection:
            return list(connection.execute(sa.select(tables.journal).order_by(tables.journal.c.seq)))

    def bodies(self) -> list[Any]:
        return [json.loads(unpack(row.body)) for row in self.rows()]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "registry.db")
    yield journal
    journal.sequencer.close()


def test_numbers_are_dense_over_all_projects(journal: Journal) -> None:
    other = journal.sequencer.ensure_project("team/other")
    assert journal.commit(journal.item(1), journal.item(1, project=other)) == [(201, 1), (201, 2)]
    assert journal.commit(journal.item(1), journal.item(2), journal.item(2)) == [(200, 1), (201, 3), (200, 3)]
    assert [row.seq for row in journal.rows()] == [1, 2, 3]


def test_numbering_goes_on_after_a_restart(journal: Journal) -> None:
    journal.commit(journal.item(1, 1), journal.item(2, 2))
    journal.sequencer.close()
    journal.open()
    assert journal.commit(journal.item(3, 3), journal.item(1, 1)) == [(201, 3), (200, 1)]
    assert journal.high_water == {CLIENT: 3}


def test_a_taken_sequence_keeps_both_bodies_and_a_remark(journal: Journal) -> None:
    assert journal.commit(journal.item("first", 1)) == [(201, 1)]
    assert journal.commit(journal.item("second", 1)) == [(409, 1)]
    assert journal.commit(journal.item("second", 1), journal.item("first", 1)) == [(409, 1), (200, 1)]
    assert journal.bodies() == [
        "first",
        "second",
        {"type": "sequence_conflict", "client": CLIENT, "sequence": 1, "first": 1, "second": 2},
    ]
    assert [row.media_type for row in journal.rows()] == [EVENT, EVENT, SERVER]
    assert [row.sequence for row in journal.rows()] == [1, None, None]


def test_a_conflict_inside_one_transaction_is_seen(journal: Journal) -> None:
    assert journal.commit(journal.item("a", 7), journal.item("b", 7)) == [(201, 1), (409, 1)]
    assert len(journal.rows()) == 3


def test_another_project_or_client_may_use_the_same_sequence(journal: Journal) -> None:
    other = journal.sequencer.ensure_project("team/other")
    second = "0196c0de-0000-7000-8000-0000000000bb"
    done = journal.commit(
        journal.item("a", 1), journal.item("b", 1, project=other), journal.item("c", 1, client=second)
    )
    assert [status for status, _ in done] == [201, 201, 201]
    assert journal.high_water == {CLIENT: 1, second: 1}


def test_refused_records_and_gaps_count_as_settled(journal: Journal) -> None:
    journal.commit(journal.item("a", 1), Refused(journal.project, CLIENT, 2), journal.item("d", 4))
    assert journal.high_water == {CLIENT: 2}
    journal.commit(journal.item("gap", 9, gap=(5, 8)))
    assert journal.high_water == {CLIENT: 2}
    journal.commit(journal.item("c", 3))
    assert journal.high_water == {CLIENT: 9}
    assert journal.commit(journal.item("b after all", 2)) == [(201, 5)]


def test_a_model_version_gets_one_number(journal: Journal) -> None:
    def register(value: str, name: str = "churn") -> Registration:
        return Registration("models", name, "sha256", value, {"stage": "test"}, ("tests", "run-1"))

    journal.commit(journal.item("r1", registrations=(register("aa"),)))
    journal.commit(journal.item("r2", registrations=(register("bb"), register("aa", "other"))))
    journal.commit(journal.item("r3", registrations=(register("aa"),)))  # said in the same microsecond: no new record
    journal.commit(journal.item("r4", received=2_000, registrations=(register("aa"),)))
    journal.commit(journal.item("r4", received=2_000, registrations=(register("aa"),)))
    server = [body for body in journal.bodies() if isinstance(body, dict)]
    assert [(body["model"]["name"], body["version"]["value"], body["number"]) for body in server] == [
        ("churn", "aa", 1),
        ("churn", "bb", 2),
        ("other", "aa", 1),
        ("churn", "aa", 1),
    ]
    assert server[0] == {
        "type": "model_version",
        "model": {"namespace": "models", "name": "churn"},
        "number": 1,
        "version": {"scheme": "sha256", "value": "aa"},
        "tags": {"stage": "test"},
        "registered_by": {"namespace": "tests", "runId": "run-1"},
        "registered": 1_000,
    }


def test_leaves_follow_rfc_9162_and_never_need_the_body(journal: Journal) -> None:
    journal.commit(journal.item("a", 1), journal.item("b"))
    for row in journal.rows():
        client = CLIENT if row.client is not None else None
        header = [1, row.seq, journal.project.uuid, row.received, row.principal, row.media_type, client, row.sequence]
        assert row.commitment == commitment(row.salt, unpack(row.body))
        assert row.leaf == hashlib.sha256(b"\x00" + orjson.dumps(header) + row.commitment).digest()


def test_a_failed_transaction_changes_nothing(journal: Journal, tmp_path: Path) -> None:
    journal.commit(journal.item("a", 1))
    with sqlite3.connect(tmp_path / "registry.db") as other:
        other.execute("CREATE TRIGGER stop BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(sqlite3.Error):
        journal.commit(journal.item("b", 2), journal.item("c", 3))
    with sqlite3.connect(tmp_path / "registry.db") as other:
        other.execute("DROP TRIGGER stop")
    other.close()
    assert journal.commit(journal.item("c", 3)) == [(201, 2)]
    assert journal.high_water == {CLIENT: 1}
    assert journal.bodies() == ["a", "c"]


def test_reading_back_gives_what_was_journalled(journal: Journal, tmp_path: Path) -> None:
    from lineage_api.journal.reader import JournalReader
    from lineage_api.keys import Keyring

    keyring = Keyring(f"sqlite:///{tmp_path / 'keys.db'}", tmp_path)
    journal.commit(*(journal.item({"n": n}, n + 1) for n in range(25)))
    read = JournalReader(open_engine(f"sqlite:///{tmp_path / 'registry.db'}", read_only=True), keyring)
    batches = list(read.stream(3, 10))
    assert [len(batch) for batch in batches] == [10, 10, 2]
    first = batches[0][0]
    assert (first.seq, first.project, first.client, first.sequence) == (4, journal.project.uuid, CLIENT, 4)
    assert first.body == b'{"n":3}'
    assert read.last_seq() == 25
    assert read.projects() == {"default/default": journal.project.uuid}


def test_known_keys_are_found_across_many_groups(journal: Journal) -> None:
    make: Callable[[int], Entry] = lambda n: journal.item({"n": n})  # noqa: E731
    for start in range(0, 200, 20):
        journal.commit(*(make(n) for n in range(start, start + 20)))
    again = journal.commit(*(make(n) for n in range(200)))
    assert again == [(200, n + 1) for n in range(200)]
    assert len(journal.rows()) == 200
