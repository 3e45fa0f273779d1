"""One HTTP request of the sender, and what its answer means. The only module that imports the HTTP client (lazily).

A request has a deadline as a whole: a server that drips one byte a second is cut off. Whatever is not a complete,
well-formed answer counts as no answer: the records stay and are sent again, the service drops what it already has.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import orjson

from lineage import __version__
from lineage.settings import without_userinfo

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2

RECORDS = "application/vnd.weftline.records+ndjson"
REQUEST_SECONDS = 30.0
CONNECT_SECONDS = 5.0
_LONGEST_ANSWER = 16 << 20
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Item:
    """The service's word on one record."""

    status: int
    problem: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a batch.

    Args:
        status: HTTP status, 0 when there was no usable answer.
        items: by position in the batch; only for a batch that was taken in.
        retry_after: the header as it came.
        problem: the problem document of a refusal, or what stood in its place.
    """

    status: int
    items: Mapping[int, Item] = field(default_factory=dict)
    high_water: Mapping[str, int] = field(default_factory=dict)
    retry_after: str | None = None
    problem: dict[str, Any] = field(default_factory=dict)
    error: str | None = None


class Poster:
    """Posts batches to one service; keeps its connection between calls.

    Args:
        token: asked before each request, because a token file may have been renewed.
        transport: in place of the network, for simulated outages.
    """

    def __init__(
        self,
        url: str,
        token: Callable[[], str | None],
        *,
        transport: httpx2.BaseTransport | None = None,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        import httpx2
        import zstandard

        self.url = without_userinfo(url)
        self._token = token
        self._seconds = request_seconds
        self._watch = _Watch()
        self._compressor = zstandard.ZstdCompressor(level=3)
        self._errors: tuple[type[Exception], ...] = (
            httpx2.HTTPError,
            httpx2.InvalidURL,
            httpx2.StreamError,
            OSError,
            ValueError,
        )
        parts = urlsplit(url)
        self._basic = httpx2.BasicAuth(unquote(parts.username or ""), unquote(parts.password or ""))
        self._has_userinfo = parts.username is not None
        self._client = httpx2.Client(
            base_url=self.url + "/",
            headers={
                "Content-Type": RECORDS,
                "Content-Encoding": "zstd",
                "Accept-Encoding": "identity",
                "User-Agent": f"weftline/{__version__}",
            },
            timeout=httpx2.Timeout(request_seconds, connect=min(CONNECT_SECONDS, request_seconds)),
            limits=httpx2.Limits(max_connections=1),
            transport=transport,
            # A proxy of the environment is for other hosts than this one.
            trust_env=parts.hostname not in _LOOPBACK,
        )

    def __enter__(self) -> Poster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def post(self, project: str, lines: list[bytes], seconds: float | None = None) -> Answer:
        """Send a batch; returns within about `seconds`, never raises for anything the network or the service does."""
        limit = min(self._seconds, seconds) if seconds is not None else self._seconds
        headers = {"Lineage-Project": project}
        token = self._token()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        # A token is meant for the service; user and password in the address may be for a proxy in front of it.
        basic = self._basic if self._has_userinfo and not token else None
        body = self._compressor.compress(b"\n".join(lines) + b"\n")
        with self._watch.deadline(max(limit, 0.05)):
            try:
                with self._client.stream(
                    "POST",
                    "api/v1/lineage/batch",
                    content=body,
                    headers=headers,
                    auth=basic,
                    extensions={"trace": self._watch.trace},
                ) as response:
                    content = bytearray()
                    for chunk in response.iter_raw():
                        content += chunk
                        if len(content) > _LONGEST_ANSWER:
                            return Answer(0, error="the answer is too long")
                    return read_answer(response.status_code, response.headers, bytes(content), len(lines))
            except self._errors as error:
                late = f" (gave up after {limit:g} s)" if self._watch.passed else ""
                return Answer(0, error=f"{type(error).__name__}: {error}{late}")


def read_answer(status: int, headers: Mapping[str, str], content: bytes, sent: int) -> Answer:
    """What an HTTP answer says about a batch of `sent` records."""
    retry_after = headers.get("retry-after")
    try:
        document = orjson.loads(content) if content else {}
    except ValueError:
        document = None
    if status not in (200, 201, 207):
        text = content[:500].decode("utf-8", "replace")
        problem: dict[str, Any] = document if isinstance(document, dict) and document else {"detail": text}
        title = problem.get("detail") or problem.get("title") or ""
        return Answer(status, retry_after=retry_after, problem=problem, error=f"HTTP {status} {title}".strip())
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        return Answer(
            0, retry_after=retry_after, error=f"HTTP {status} without the items of a batch: is this a lineage service?"
        )
    items: dict[int, Item] = {}
    for entry in document["items"]:
        if isinstance(entry, dict) and isinstance(entry.get("status"), int) and isinstance(entry.get("index"), int):
            said = entry.get("problem")
            if 0 <= entry["index"] < sent:
                items[entry["index"]] = Item(entry["status"], said if isinstance(said, dict) else {})
    marks = document.get("high_water")
    high_water = {str(k): v for k, v in marks.items() if isinstance(v, int)} if isinstance(marks, dict) else {}
    return Answer(status, items=items, high_water=high_water, retry_after=retry_after)


class _Watch:
    """Shuts the connection when a request's time is up: a drip never exceeds the client's own limits per read."""

    def __init__(self) -> None:
        self._stream: Any = None
        self.passed = False

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Cut whatever runs inside the block off after `seconds`."""
        self.passed = False
        timer = threading.Timer(seconds, self._expire)
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # the interpreter is ending; the limit per read remains
            yield
            return
        try:
            yield
        finally:
            timer.cancel()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Called by the HTTP client at each step; new connections pass by here."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = info.get("return_value")

    def _expire(self) -> None:
        self.passed = True
        try:
            connection = self._stream.get_extra_info("socket") if self._stream is not None else None
            if connection is not None:
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        except OSError:
            return
