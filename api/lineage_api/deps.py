"""What routes ask for: the project of the request, the stores, and threads to call them in.

Owns the bounded pool in which synchronous store calls run, their time limit and their cancellation when the client
goes away. Does not query anything itself.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from fastapi import Request

from lineage_api.problem import Kind, Problem
from lineage_graph.store import GraphStore

if TYPE_CHECKING:
    from lineage_api.service import Service
    from lineage_graph.projection.catalog import Catalog

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_PROJECT = "default/default"
UNKNOWN_PROJECT = "00000000-0000-0000-0000-000000000000"
"""The uuid under which a project that never received a record is asked about: it holds nothing."""

_PROJECT = re.compile(r"[^/\s][^/]{0,99}/[^/\s][^/]{0,99}")


@dataclass(frozen=True, slots=True)
class ProjectContext:
    """The project a request is about."""

    uuid: str
    workspace: str
    name: str


class Cancelled(Exception):
    """The client went away or the time is over; raised by `Cancellation.check` inside a reader thread."""


class Cancellation:
    """Tells a running query to stop. `on_cancel` takes a callable that interrupts a blocked store call."""

    def __init__(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds
        self._event = threading.Event()
        self._callbacks: list[Callable[[], None]] = []

    def cancelled(self) -> bool:
        """Whether to stop now."""
        return self._event.is_set() or time.monotonic() >= self.deadline

    def check(self) -> None:
        """Raise Cancelled when it is time to stop; call it between store calls."""
        if self.cancelled():
            raise Cancelled

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call `callback` (from another thread) when the query is cancelled."""
        self._callbacks.append(callback)

    def cancel(self) -> None:
        """Stop the query."""
        self._event.set()
        for callback in self._callbacks:
            callback()


def service_of(request: Request) -> Service:
    """The running service."""
    return cast("Service", request.app.state.service)


def project_name(text: str | None, path: str = "Lineage-Project") -> str:
    """`workspace/project` as written in a header or a record, the default without one.

    Raises:
        Problem: 400, not of that form.
    """
    if not text:
        return DEFAULT_PROJECT
    if _PROJECT.fullmatch(text) is None or not text.isprintable():
        raise Problem(
            Kind.MALFORMED,
            f"{path} is `workspace/project`, two printable names of at most 100 characters.",
            [{"path": path, "expected": "workspace/project", "got": ascii(text[:100])}],
        )
    return text


def project_header(request: Request) -> str | None:
    """The Lineage-Project header as text; names outside ASCII travel as UTF-8."""
    raw = request.headers.get("lineage-project")
    if raw is None or raw.isascii():
        return raw
    return raw.encode("latin-1").decode("utf-8", "replace")


async def project_of(request: Request) -> ProjectContext:
    """The project named by header Lineage-Project (`default/default` without it).

    A project nobody wrote to is answered like an empty one: its existence is not disclosed.
    """
    full = project_name(project_header(request))
    workspace, _, name = full.partition("/")
    known = service_of(request).project(full)
    return ProjectContext(known.uuid if known is not None else UNKNOWN_PROJECT, workspace, name)


async def graph_store(request: Request) -> GraphStore:
    """The graph, for reading."""
    return service_of(request).graph()


async def catalog(request: Request) -> Catalog:
    """Entities, attributes and model versions of projection.db, for reading."""
    return service_of(request).catalog()


async def as_of_cursor(request: Request) -> int:
    """Journal sequence number up to which projection and graph both stand; answers name it as `as_of`."""
    return service_of(request).projector.projected


class Readers:
    """A bounded pool of threads for store calls: at most `size` run, at most ten times as many wait."""

    def __init__(self, size: int, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="reader")
        self._places = asyncio.Semaphore(size * 10)
        self._seconds = seconds

    async def run(
        self,
        request: Request,
        call: Callable[Concatenate[Cancellation, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """`call(cancellation, …)` in a reader thread; cancelled when the client disconnects.

        Raises:
            Problem: 503, too many queries wait or this one took too long.
        """
        if self._places.locked():
            raise Problem(Kind.UNAVAILABLE, "Too many queries are waiting.", headers={"Retry-After": "1"})
        async with self._places:
            cancellation = Cancellation(self._seconds)
            answer = asyncio.get_running_loop().run_in_executor(self._pool, lambda: call(cancellation, *args, **kwargs))
            gone = asyncio.create_task(_disconnected(request))
            try:
                either: set[asyncio.Future[Any]] = {answer, gone}
                await asyncio.wait(either, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
                if answer.done():
                    return answer.result()
                cancellation.cancel()
                await asyncio.wait({answer})
                return answer.result()
            except Cancelled:
                raise Problem(
                    Kind.UNAVAILABLE,
                    f"The query took more than {self._seconds:g} s; ask for less depth or fewer nodes.",
                ) from None
            finally:
                cancellation.cancel()
                gone.cancel()

    def close(self) -> None:
        """Let running calls end and take no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


async def read(
    request: Request, call: Callable[Concatenate[Cancellation, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run a synchronous query in the reader pool: `await read(request, f, arg, …)` calls `f(cancellation, arg, …)`."""
    return await service_of(request).readers.run(request, call, *args, **kwargs)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
