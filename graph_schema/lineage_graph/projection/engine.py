"""The projection: journal records in, deltas of the graph out, one transaction a batch.

Owns the batch: parse, keep new facts, derive, fill the outbox, move the cursor. The caller owns the loop, the
journal and the graph (`apply` what `project` or `pending` returns, then `forget`).
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine

from lineage_graph import identity
from lineage_graph.canonical import NotCanonical, canonical_bytes, loads_exact
from lineage_graph.errors import EventRefused
from lineage_graph.facts import Fact, fact_hash, facts_of_placed, is_existence, model_number_facts
from lineage_graph.model import Delta, NodeKind
from lineage_graph.projection.database import NO_TIME, Statements, migrate, open_engine, transaction
from lineage_graph.projection.derivation import Derivation, Dirty
from lineage_graph.projection.emission import pack_delta, unpack_delta
from lineage_graph.queries import parse_statements, read_text

log = logging.getLogger(__name__)

GAP = "application/vnd.weftline.gap+json"
SERVER = "application/vnd.weftline.server+json"

_KNOWN_FACTS = 20_000


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One journalled record, as the projector reads it.

    Args:
        seq: dense sequence number over the whole journal.
        project: the project's uuid.
        received: UTC microseconds.
        principal: who sent it.
        media_type: `application/json` for OpenLineage documents, else `GAP` or `SERVER`.
        client, sequence: the sender's, where it has them.
        body: canonical JSON, subject-linked values put back unless erased.
    """

    seq: int
    project: str
    received: int
    principal: str
    media_type: str
    client: str | None
    sequence: int | None
    body: bytes


class Projection:
    """`projection.db` and what is derived in it; one writer."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = open_engine(url)
        self._connection = self.engine.raw_connection()
        migrate(self._connection)
        self._facts = Statements(self._connection, "queries/facts.sql")
        self._scopes = Statements(self._connection, "queries/scopes.sql")
        self._forget_caches()

    def _forget_caches(self) -> None:
        self._projects: dict[str, int] = {}
        self._producers: dict[str, int] = {}
        self._derivations: dict[str, Derivation] = {}
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._new_facts: list[tuple[Any, ...]] = []
        self._said: dict[tuple[int, int, bytes, str, int | None, bytes, int], Any] = {}

    def close(self) -> None:
        """Release the connection."""
        self._connection.close()
        self.engine.dispose()

    def cursor(self) -> int:
        """Sequence number of the last record whose facts are kept."""
        row = self._scopes.one("cursor", {"name": "facts"})
        return row[0] if row is not None else 0

    def project(self, records: Sequence[JournalRecord]) -> list[Delta]:
        """Project records that follow the cursor, in order of seq; returns one delta per project that changed."""
        if not records:
            return []
        try:
            with transaction(self._connection):
                return self._project(records)
        except BaseException:
            self._forget_caches()  # what they hold may have been rolled back
            raise

    def pending(self, project: str, after: int) -> list[Delta]:
        """Deltas of a project (uuid) that come after the graph's cursor."""
        rows = self._scopes.all("deltas_after", {"project": self._project_number(project), "seq": after})
        return [unpack_delta(data) for (data,) in rows]

    def forget(self, seq: int) -> None:
        """Drop deltas up to `seq`: every graph has them."""
        with transaction(self._connection):
            for project, last in self._scopes.all("last_deltas", {"seq": seq}):
                self._scopes.run("set_cursor", {"name": f"forgotten {project}", "seq": last})
            self._scopes.run("forget_deltas", {"seq": seq})

    def forgotten(self, project: str) -> int:
        """Sequence number of a project's last dropped delta: a graph behind it cannot be brought up from here."""
        row = self._scopes.one("cursor", {"name": f"forgotten {self._project_number(project)}"})
        return row[0] if row is not None else 0

    def projects(self) -> list[str]:
        """Uuids of all projects seen."""
        return [uuid for _, uuid in self._facts.all("projects", {})]

    def fact_hashes(self, project: str) -> Iterator[bytes]:
        """Hashes of all facts of a project that the digest covers."""
        for (value,) in self._facts.stream("fact_hashes", {"project": self._project_number(project)}):
            yield value

    def reset(self) -> None:
        """Forget everything, before a rebuild from the journal."""
        cursor = self._connection.cursor()
        with transaction(self._connection):
            for statement in parse_statements(read_text("lineage_graph.projection", "queries/reset.sql"), "--"):
                cursor.execute(statement)
        self._forget_caches()

    # -- one batch -----------------------------------------------------------------------------------------------

    def _project(self, records: Sequence[JournalRecord]) -> list[Delta]:
        touched: dict[str, Dirty] = {}
        for record in records:
            dirty = touched.setdefault(record.project, Dirty())
            try:
                self._record(record, dirty)
            except (EventRefused, NotCanonical, KeyError, TypeError, ValueError) as error:
                # Ingest refuses such documents; one that got in must not stop everybody behind it.
                log.error("record %d cannot be projected: %s", record.seq, error)
        self._facts.many("add_fact", self._new_facts)
        self._new_facts.clear()
        self._said.clear()
        seq = records[-1].seq
        deltas = []
        for uuid, dirty in touched.items():
            derivation = self._derivation(uuid)
            derivation.derive(dirty, records[0].seq)
            delta = derivation.emission.finish(seq)
            if delta is None:
                delta = Delta(uuid, seq)
            number = self._project_number(uuid)
            self._scopes.run("add_delta", {"seq": seq, "project": number, "delta": pack_delta(delta)})
            deltas.append(delta)
        self._scopes.run("set_cursor", {"name": "facts", "seq": seq})
        return deltas

    def _record(self, record: JournalRecord, dirty: Dirty) -> None:
        body = loads_exact(record.body)
        if record.media_type == GAP:
            self._gap(record, body)
            return
        if record.media_type == SERVER and body["type"] == "sequence_conflict":
            self._conflict(record, body)
            return
        if record.media_type == SERVER:
            facts, producer = model_number_facts(body), "server"
            self._model_number(record, body, dirty)
        else:
            facts, producer = facts_of_placed(body), body["producer"]
            if record.client is not None and body.get("run") is not None:
                self._client_run(record, body)
        project = self._project_number(record.project)
        number = self._producer_number(producer)
        for fact in facts:
            if fact.kind is NodeKind.RUN and fact.object:
                # Most events of a run name its datasets in the words of the one before.
                words = (project, number, fact.subject, fact.predicate, fact.at, fact.object, id(fact.value))
                if words in self._said:
                    continue
                self._said[words] = fact.value  # held, so that its id stays its own
            digest = self._keep(fact, producer, project, number, record)
            if digest is not None:
                dirty.add(fact, digest)

    def _keep(self, fact: Fact, producer: str, project: int, number: int, record: JournalRecord) -> bytes | None:
        """The hash of a fact that was not known before, None of one that was."""
        head = project.to_bytes(4, "big")
        if is_existence(fact) and (key := head + fact.subject) in self._known:
            self._known.move_to_end(key)  # what is named all the time must not be forgotten for what is new
            return None
        digest, value = fact_hash(fact, producer)
        key = head + digest
        if key in self._known:
            return None
        # Whether an older batch kept it already is not asked: deriving a scope again changes nothing.
        at = NO_TIME if fact.at is None else fact.at
        about = (fact.kind.value, fact.object, value, record.seq, record.received, number)
        self._new_facts.append((project, fact.subject, fact.predicate, at, digest, *about))
        self._known[key] = None
        if len(self._known) > _KNOWN_FACTS:
            self._known.popitem(last=False)
        return digest

    def _gap(self, record: JournalRecord, body: dict[str, Any]) -> None:
        self._facts.run(
            "add_gap",
            {
                "project": self._project_number(record.project), "client": record.client or "", "first": body["first"],
                "last": body["last"], "count": body["count"], "reason": str(body["reason"]), "seq": record.seq,
            },
        )  # fmt: skip

    def _conflict(self, record: JournalRecord, body: dict[str, Any]) -> None:
        """Two different records under one number of a client: none is lost, and neither can be told from a forgery."""
        self._facts.run(
            "add_gap",
            {
                "project": self._project_number(record.project), "client": body["client"], "first": body["sequence"],
                "last": body["sequence"], "count": 0, "reason": "sequence_conflict", "seq": record.seq,
            },
        )  # fmt: skip

    def _client_run(self, record: JournalRecord, body: dict[str, Any]) -> None:
        run = identity.run(body["job"]["namespace"], body["run"]["runId"])
        key = b"client" + (record.client or "").encode() + run
        if key not in self._known:
            self._known[key] = None
            node = identity.node_id(record.project, NodeKind.RUN, run)
            row = {"project": self._project_number(record.project), "client": record.client, "run": node}
            self._facts.run("add_client_run", row)

    def _model_number(self, record: JournalRecord, body: dict[str, Any], dirty: Dirty) -> None:
        dirty.runs.setdefault(identity.run(body["registered_by"]["namespace"], body["registered_by"]["runId"]), {})
        model, version = body["model"], body["version"]
        name = (model["namespace"], model["name"])
        node = identity.dataset_version(*name, version["scheme"], version["value"])
        self._facts.run(
            "add_model_version",
            {
                "project": self._project_number(record.project), "number": body["number"], "seq": record.seq,
                "model": identity.node_id(record.project, NodeKind.DATASET, identity.dataset(*name)),
                "version": identity.node_id(record.project, NodeKind.DATASET_VERSION, node),
                "registered": body["registered"], "tags": canonical_bytes(body.get("tags") or {}).decode(),
            },
        )  # fmt: skip

    # -- numbers -------------------------------------------------------------------------------------------------

    def _project_number(self, uuid: str) -> int:
        number = self._projects.get(uuid)
        if number is None:
            self._facts.run("add_project", {"uuid": uuid})
            number = self._projects[uuid] = self._facts.one("project_of", {"uuid": uuid})[0]
        return number

    def _producer_number(self, uri: str) -> int:
        number = self._producers.get(uri)
        if number is None:
            self._facts.run("add_producer", {"uri": uri})
            number = self._producers[uri] = self._facts.one("producer_of", {"uri": uri})[0]
        return number

    def _derivation(self, uuid: str) -> Derivation:
        found = self._derivations.get(uuid)
        if found is None:
            found = self._derivations[uuid] = Derivation(self._connection, self._project_number(uuid), uuid)
        return found
