"""uvicorn's HTTP protocol with bounds below HTTP parsing: size and number of headers, and time.

Owns what happens to clients that send endless heads or send them too slowly. Bodies are bounded where they are read
(`limits`), here only in time.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from lineage_api.problem import Kind, Problem
from lineage_api.settings import Limits


def bounded_protocol(limits: Limits) -> type[HttpToolsProtocol]:
    """The protocol class uvicorn makes one of per connection."""

    class BoundedProtocol(HttpToolsProtocol):
        """One connection."""

        _timer: asyncio.TimerHandle | None = None
        _head_bytes = 0
        _begun = False
        _in_head = False
        _in_body = False
        _refused = False

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._arm(limits.head_seconds)

        def connection_lost(self, exc: Exception | None) -> None:
            self._disarm()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if not self._refused:
                super().data_received(data)
                # A request that came as a whole, as most do, needs no timer.
                if self._timer is None and (self._in_head or self._in_body):
                    self._arm(limits.body_seconds if self._in_body else limits.head_seconds)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._head_bytes = 0
            self._begun = self._in_head = True

        def on_url(self, url: bytes) -> None:
            self._count(len(url))
            super().on_url(url)

        def on_header(self, name: bytes, value: bytes) -> None:
            self._count(len(name) + len(value) + 4)
            if not self._refused:
                super().on_header(name, value)

        def on_headers_complete(self) -> None:
            if self._refused:
                return
            self._disarm()
            super().on_headers_complete()
            self._in_head, self._in_body = False, True

        def on_body(self, body: bytes) -> None:
            if not self._refused:
                super().on_body(body)

        def on_message_complete(self) -> None:
            self._disarm()
            self._in_head = self._in_body = False
            if not self._refused:
                super().on_message_complete()

        def _count(self, size: int) -> None:
            self._head_bytes += size
            if self._head_bytes > limits.header_bytes or len(self.headers) >= limits.header_count:
                self._refuse(
                    Problem(
                        Kind.HEADERS,
                        f"At most {limits.header_count} headers and {limits.header_bytes} bytes of them are taken.",
                    )
                )

        def _may_answer(self) -> bool:
            """Whether no other answer on this connection is under way or due before."""
            cycle: RequestResponseCycle | None = self.cycle  # None until the first head is complete
            if cycle is None or cycle.response_complete:
                return True
            return self._in_body and not cycle.response_started and not self.pipeline

        def _arm(self, seconds: float) -> None:
            self._timer = self.loop.call_later(seconds, self._too_slow)

        def _disarm(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _too_slow(self) -> None:
            self._timer = None
            self._refuse(Problem(Kind.TIMEOUT, "The request did not arrive in time."))

        def _refuse(self, problem: Problem) -> None:
            if self._refused:
                return
            self._refused = True
            self._disarm()
            if self._begun and self._may_answer():
                body = bytes(problem.response().body)
                head = (
                    f"HTTP/1.1 {problem.kind.status} Refused\r\ncontent-type: application/problem+json\r\n"
                    f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
                )
                self.transport.write(head.encode("ascii") + body)
            self.transport.close()

    return BoundedProtocol
