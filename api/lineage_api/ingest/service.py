"""From documents to durable records: validate, redact, canonicalise, key, lift subject values, hand to the writer.

Owns the order of those steps and where they run: small documents on the event loop, large ones and batches in worker
threads. Answers only after the writer's commit. Knows no HTTP beyond `Problem`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from lineage.redact import redact_event
from lineage_api.access import Action, Actor, Resource, authorize
from lineage_api.deps import project_name
from lineage_api.ingest import parsing
from lineage_api.ingest.parsing import RawItem
from lineage_api.journal.packing import entry
from lineage_api.journal.record import EVENT, GAP, Committed, Entry, Item, Outcome, Project, Refused, Registration
from lineage_api.keys import Keyring
from lineage_api.limits import inflate
from lineage_api.problem import Kind, Problem, from_refusal
from lineage_api.settings import Limits
from lineage_api.writer import Writer
from lineage_graph.canonical import NotCanonical, canonical_bytes
from lineage_graph.errors import EventRefused
from lineage_graph.event import parse_event, registrations

INLINE_BYTES = 64 << 10
"""Documents up to this size are prepared on the event loop: a thread would cost more than it saves."""

NEW_PROJECTS = 64
"""Projects that one batch may be the first to name: each is a key and two durable commits in front of everybody."""

_PROJECT_SECONDS = 30.0

COUNTED = (200, 201, 409, "refused")


@dataclass(frozen=True, slots=True)
class Body:
    """A request body as sent, and what its headers say about it."""

    data: bytes
    media_type: str
    encoding: str


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """What became of one item of a batch."""

    index: int
    status: int
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """What became of a batch; `seq` is the newest journal number among its items."""

    items: list[ItemAnswer]
    high_water: dict[str, int]
    seq: int


class IngestService:
    """The way of a record from request to journal."""

    def __init__(self, writer: Writer, keyring: Keyring, limits: Limits) -> None:
        self._writer = writer
        self._keyring = keyring
        self._limits = limits
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="ingest")
        self._batches = asyncio.Semaphore(4)  # each may hold an inflated body
        self.counts: dict[int | str, int] = dict.fromkeys(COUNTED, 0)

    async def single(self, actor: Actor, body: Body, project: str) -> Outcome:
        """Journal one event.

        Raises:
            Problem: 400, 413, 415, 422 for this event; 503 when the journal cannot take it.
        """
        try:
            if body.media_type != parsing.JSON:
                raise Problem(
                    Kind.MEDIA,
                    f"An event is {parsing.JSON}; batches go to /api/v1/lineage/batch.",
                    [{"path": "Content-Type", "expected": parsing.JSON, "got": ascii(body.media_type[:80])}],
                )
            authorize(actor, Action.INGEST, Resource(project))
            target = self._writer.known(project) or await self._writer.project(project)
            item: Entry | None = None
            if not body.encoding and len(body.data) <= INLINE_BYTES:
                item = self._prepare_document(actor, body, target, may_block=False)
            if item is None:
                loop = asyncio.get_running_loop()
                item = await loop.run_in_executor(self._workers, self._prepare_document, actor, body, target)
            assert item is not None
        except Problem:
            self.counts["refused"] += 1
            raise
        outcome = (await self._writer.submit((item,))).outcomes[0]
        self.counts[outcome.status] += 1
        return outcome

    async def batch(self, actor: Actor, body: Body, project: str) -> BatchAnswer:
        """Journal a batch; each item is kept or refused on its own.

        Raises:
            Problem: the batch as a whole cannot be read, or the journal cannot take it.
        """
        loop = asyncio.get_running_loop()
        async with self._batches:
            raw, prepared = await loop.run_in_executor(self._workers, self._prepare_batch, actor, body, project, loop)
        accepted: list[Item] = [item for item in prepared if not isinstance(item, Problem)]
        committed = await self._writer.submit(accepted) if accepted else Committed([], {})
        outcomes = iter(committed.outcomes)
        answers = [self._answer(item, result, outcomes) for item, result in zip(raw, prepared, strict=True)]
        return BatchAnswer(answers, committed.high_water, committed.last_seq)

    def close(self) -> None:
        """End the worker threads."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _answer(self, raw: RawItem, result: Item | Problem, outcomes: Iterator[Outcome]) -> ItemAnswer:
        outcome = None if isinstance(result, Problem) else next(outcomes)
        if outcome is None or outcome.status == 0:
            problem = result if isinstance(result, Problem) else raw.problem
            assert problem is not None
            self.counts["refused"] += 1
            return ItemAnswer(raw.index, problem.kind.status, problem)
        self.counts[outcome.status] += 1
        if outcome.status != 409:
            return ItemAnswer(raw.index, outcome.status)
        detail = (
            f"Sequence {raw.sequence} of this client is journal record {outcome.seq} with another body; both are kept."
        )
        return ItemAnswer(raw.index, 409, Problem(Kind.CONFLICT, detail))

    def _prepare_document(self, actor: Actor, body: Body, project: Project, may_block: bool = True) -> Entry | None:
        """The entry of a single-event body; None when it needs the disk and may not block."""
        data = inflate(body.data, body.encoding, self._limits.inflated_bytes)
        event = parsing.document(data, self._limits)
        return self._prepare(actor, event, project, may_block=may_block)

    def _prepare(
        self,
        actor: Actor,
        event: Any,
        project: Project,
        client: str | None = None,
        sequence: int | None = None,
        may_block: bool = True,
    ) -> Entry | None:
        try:
            kind = parse_event(event)
            event = redact_event(event)
            canonical = canonical_bytes(event)
        except EventRefused as error:
            raise from_refusal(error) from None
        except (NotCanonical, RecursionError) as error:
            raise Problem(Kind.MALFORMED, f"The event cannot be kept exactly: {ascii(str(error))[1:-1]}.") from None
        if not may_block and not self._keyring.is_known(project.uuid, event):
            return None
        lifted = self._keyring.lift(project.uuid, event)
        body = canonical if lifted is event else canonical_bytes(lifted)
        registered = registrations(event) if kind == "run" and b'"weftline_modelRegistration"' in canonical else ()
        return entry(
            project,
            time.time_ns() // 1000,
            actor.principal,
            EVENT,
            canonical,
            body,
            client=client,
            sequence=sequence,
            registrations=tuple(Registration(*found) for found in registered),
        )

    def _prepare_batch(
        self, actor: Actor, body: Body, project: str, loop: asyncio.AbstractEventLoop
    ) -> tuple[list[RawItem], list[Item | Problem]]:
        """Items as read (without their documents, which may be large) and what to journal for each."""
        data = inflate(body.data, body.encoding, self._limits.inflated_bytes)
        targets: dict[str, Project | Problem] = {}
        raw: list[RawItem] = []
        prepared: list[Item | Problem] = []
        made = 0
        for item in parsing.items(data, body.media_type, self._limits):
            name = item.project or project
            target = targets.get(name)
            if target is None:
                target = self._target(actor, name)
                if target is None:
                    made += 1
                    target = self._new_target(name, made, loop)
                targets[name] = target
            result, problem = self._prepare_item(actor, item, target)
            raw.append(RawItem(item.index, client=item.client, sequence=item.sequence, problem=problem))
            prepared.append(result)
        return raw, prepared

    def _target(self, actor: Actor, name: str) -> Project | Problem | None:
        """The project of that name, or why not; None when it would be a new one."""
        try:
            authorize(actor, Action.INGEST, Resource(project_name(name, "project")))
        except Problem as problem:
            return problem
        return self._writer.known(name)

    def _new_target(self, name: str, made: int, loop: asyncio.AbstractEventLoop) -> Project:
        if made > NEW_PROJECTS:
            raise Problem(
                Kind.TOO_LARGE, f"The batch names more than {NEW_PROJECTS} new projects; send it in smaller ones."
            )

        async def make() -> Project:
            return await self._writer.project(name)

        try:
            return asyncio.run_coroutine_threadsafe(make(), loop).result(timeout=_PROJECT_SECONDS)
        except TimeoutError:
            raise Problem(
                Kind.UNAVAILABLE,
                "A new project could not be made in time; send it again.",
                headers={"Retry-After": "5"},
            ) from None

    def _prepare_item(
        self, actor: Actor, item: RawItem, target: Project | Problem
    ) -> tuple[Item | Problem, Problem | None]:
        if isinstance(target, Problem):
            return target, target  # not ours to settle: the client keeps what it may not write
        problem = item.problem
        try:
            if item.gap is not None:
                return self._gap(actor, item, target), None
            if problem is None:
                made = self._prepare(actor, item.event, target, item.client, item.sequence)
                assert made is not None
                return made, None
        except Problem as refused:
            problem = refused
        assert problem is not None
        if item.client is None or item.sequence is None:
            return problem, problem
        return Refused(target, item.client, item.sequence), problem

    def _gap(self, actor: Actor, item: RawItem, project: Project) -> Entry:
        gap = item.gap
        assert gap is not None
        canonical = canonical_bytes(
            {"client": item.client, "first": gap.first, "last": gap.last, "count": gap.count, "reason": gap.reason}
        )
        return entry(
            project,
            time.time_ns() // 1000,
            actor.principal,
            GAP,
            canonical,
            canonical,
            client=item.client,
            sequence=item.sequence,
            gap=(gap.first, gap.last),
        )
