"""`lineage prefect watch`: follows the events of Prefect's server and records what they tell.

Owns the connection: it subscribes, reads back what happened since it last looked, follows the stream, and begins again
whenever the connection ends. Where it got to is kept in `LINEAGE_HOME`. What an event means is `reading`'s business;
records go through the spool like any others, and telling one twice changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.exceptions import ObjectNotFound

from lineage import diagnostics, settings
from lineage.emit import emitter
from lineage_prefect.reading import PREFIXES, Json, Reader

OVERLAP = timedelta(minutes=5)
"""How far before the last event seen the next look begins: events of other machines arrive late."""
PAUSES = (0.2, 1.0, 5.0, 15.0)
_SEEN = 100_000
_KEEP_EVERY = 200


class Server:
    """Prefect's server, as far as it is asked here; answers are remembered."""

    def __init__(self, client: PrefectClient) -> None:
        self._client = client
        self._flows: dict[UUID, str] = {}

    async def flow_run(self, run_id: UUID) -> Json | None:
        """See `reading.Lookup`."""
        try:
            run = await self._client.read_flow_run(run_id)
            if run.flow_id not in self._flows:
                self._flows[run.flow_id] = (await self._client.read_flow(run.flow_id)).name
        except ObjectNotFound:
            return None
        return {
            "name": run.name,
            "run_count": run.run_count,
            "parameters": run.parameters,
            "flow_name": self._flows[run.flow_id],
            "parent_task_run_id": run.parent_task_run_id,
        }

    async def task_run(self, run_id: UUID) -> Json | None:
        """See `reading.Lookup`."""
        try:
            run = await self._client.read_task_run(run_id)
        except ObjectNotFound:
            return None
        found: Json = run.model_dump(mode="json")
        return found

    async def events(self, since: datetime) -> AsyncIterator[Mapping[str, Any]]:
        """Events from `since` until now, oldest first."""
        question = {
            "filter": {"event": {"prefix": list(PREFIXES)}, "occurred": {"since": since.isoformat()}, "order": "ASC"},
            "limit": 50,
        }
        answer = (await self._client.request("POST", "/events/filter", json=question)).json()
        while True:
            for event in answer["events"]:
                yield event
            if not answer.get("next_page"):
                return
            answer = (await self._client.request("GET", answer["next_page"])).json()


class Watch:
    """Follows one Prefect server.

    Args:
        api: address of its API.
        since: how far back the first look goes, where this machine has not watched before.
    """

    def __init__(self, api: str, since: timedelta) -> None:
        name = sha256(f"{api} {settings.current().project}".encode()).hexdigest()[:16]
        self._place = settings.current().home / "prefect" / f"{name}.json"
        self._reached = _reached(self._place) or datetime.now(UTC) - since + OVERLAP
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._unkept = 0
        self.events = 0
        self.records = 0

    async def once(self) -> None:
        """Read back what happened since the last look, and no further."""
        async with get_client() as client:
            await self._read_back(client)

    async def follow(self) -> None:
        """Follow the server until cancelled; a connection that ends is made again."""
        failures = 0
        while True:
            before = self.events
            try:
                await self._connected()
            except Exception as error:  # whatever ends a connection, here or in Prefect's client
                diagnostics.warn_once(f"prefect:{type(error).__name__}", f"Prefect's server: {error}; trying again")
            failures = 0 if self.events > before else failures + 1
            await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])

    async def _connected(self) -> None:
        names = EventFilter(event=EventNameFilter(prefix=list(PREFIXES)))
        # Subscribed first: what happens while the past is read waits in the stream.
        async with get_client() as client, get_events_subscriber(filter=names, reconnection_attempts=0) as stream:
            reader = await self._read_back(client)
            async for event in stream:
                await self._take(reader, event.model_dump(mode="json"))

    async def _read_back(self, client: PrefectClient) -> Reader:
        server = Server(client)
        reader = Reader(server)
        async for event in server.events(self._reached - OVERLAP):
            await self._take(reader, event)
        self._keep()
        return reader

    async def _take(self, reader: Reader, event: Mapping[str, Any]) -> None:
        key = str(event["id"])
        if key in self._seen:
            return
        try:
            records = await reader.read(event)
        except (KeyError, TypeError, ValueError) as error:
            diagnostics.warn_once(f"prefect:{event.get('event')}", f"{event.get('event')} cannot be read: {error!r}")
            records = []
        for record in records:
            emitter.emit(record)
        self._seen[key] = None
        if len(self._seen) > _SEEN:
            self._seen.popitem(last=False)
        self.events += 1
        self.records += len(records)
        self._reached = max(self._reached, datetime.fromisoformat(str(event["occurred"])))
        self._unkept += 1
        if self._unkept >= _KEEP_EVERY:
            self._keep()

    def _keep(self) -> None:
        """Write down how far this got; only after the records are with the spool."""
        self._unkept = 0
        try:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._place.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps({"reached": self._reached.isoformat()}), encoding="utf-8")
            fresh.replace(self._place)
        except OSError as error:
            diagnostics.warn_once("prefect:place", f"{self._place}: {error}; the next watch reads from further back")


def _reached(place: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads(place.read_text(encoding="utf-8"))["reached"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
