"""What one request may cost, enforced before anything reads it.

Owns the Host allow-list, the bound on bodies as sent and as inflated, and the bound on what parsing a document may
allocate. The bounds on request heads and on slow clients are in `protocol`, below HTTP parsing.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

import zstandard

from lineage_api.problem import Kind, Problem
from lineage_api.settings import Limits

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_CHUNK = 256 << 10
_WINDOW = 8 << 20
"""Largest zstd window: what a decoder must hold whatever the output is; senders' levels stay far below."""

_BLOCKS = 100_000
"""Blocks of one zstd body; honest ones hold 128 KiB each."""

_MEMBERS = 4_096
"""Members of one gzip body; tools that cut one into many put 64 KiB into each."""

_PADDING = re.compile(rb"\0+")

_PORT = re.compile("[0-9]{1,5}")
_PORTS = range(1, 65_536)

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


class HostGate:
    """Outermost layer: who a request may claim to be for and from, and that the service is in use.

    Refuses other host names (DNS rebinding) and pages of other origins (a browser would let them post).
    """

    def __init__(self, app: App, hosts: frozenset[str], touch: Callable[[int], None]) -> None:
        self._app = app
        self._hosts = hosts
        self._allowed: set[bytes] = set()
        self._touch = touch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421 or 403."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._touch(1)
        try:
            problem = self._check(scope["headers"])
            await (self._app if problem is None else problem.response())(scope, receive, send)
        finally:
            self._touch(-1)

    def _check(self, headers: Iterable[tuple[bytes, bytes]]) -> Problem | None:
        host: bytes | None = None
        origin: bytes | None = None
        for name, value in headers:
            if name == b"host":
                host = value if host is None else b""  # named twice: which one is meant is anybody's guess
            elif name == b"origin":
                origin = value
        host = host or b""
        if host not in self._allowed and not self._admit(host):
            detail = "Ask for this service by the address it listens on."
            return Problem(Kind.BAD_HOST, detail, headers={"Connection": "close"})
        if origin is not None and origin not in (b"http://" + host, b"https://" + host):
            return Problem(Kind.FORBIDDEN, "Pages of another origin may not use this service.")
        return None

    def _admit(self, host: bytes) -> bool:
        text = host.decode("latin-1").lower()
        name, colon, port = text.rpartition(":")
        if not colon or _PORT.fullmatch(port) is None or (":" in name and not name.endswith("]")):
            name, port = text, ""
        if name not in self._hosts or int(port or 1) not in _PORTS:
            return False
        if len(self._allowed) < 64:  # the few spellings clients use; anything else takes the slow way
            self._allowed.add(host)
        return True


class BodyBound:
    """Bounds the bodies of all routes but those that read (and bound) them themselves.

    Those are called from here: what the framework does between here and a route they have no use for, and it costs as
    much as taking an event in.

    Args:
        direct: applications of such routes, by path; they take POST and answer every problem themselves.
    """

    def __init__(self, app: App, limit: int, direct: Mapping[str, App]) -> None:
        self._app = app
        self._limit = limit
        self._direct = direct

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counting `receive`."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        if scope["method"] == "POST" and (direct := self._direct.get(scope["path"])) is not None:
            await direct(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._limit:
                raise _too_large(f"The body has more than {self._limit} bytes.")
            return message

        await self._app(scope, counted, send)


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The request's body as sent.

    Raises:
        Problem: 413 as soon as it is known to be larger than `limit` bytes; 408 when the client stopped sending.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > limit:
            raise _too_large(f"The body has {int(value)} bytes; at most {limit} are taken.")
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False):
        if len(body) > limit:
            raise _too_large(f"The body has more than {limit} bytes.")
        return body
    chunks = [body]
    size = len(body)
    while message["type"] == "http.request" and message.get("more_body", False):
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise _too_large(f"The body has more than {limit} bytes.")
    if message["type"] != "http.request":
        raise Problem(Kind.TIMEOUT, "The body did not arrive.", headers={"Connection": "close"})
    return b"".join(chunks)


def inflate(data: bytes, encoding: str, limit: int) -> bytes:
    """The body without its Content-Encoding; inflating stops at `limit` bytes, whatever the ratio is.

    Raises:
        Problem: 413 beyond the limit, 415 unknown encoding, 400 damaged data.
    """
    if encoding in ("", "identity"):
        return data
    try:
        if encoding == "gzip":
            return _gunzip(data, limit)
        if encoding == "zstd":
            return _unzstd(data, limit)
    except (zlib.error, zstandard.ZstdError) as error:
        raise Problem(Kind.MALFORMED, f"The body is not valid {encoding}: {error}.") from None
    raise Problem(
        Kind.MEDIA,
        "Content-Encoding is gzip, zstd or identity.",
        [{"path": "Content-Encoding", "expected": "gzip, zstd or identity", "got": ascii(encoding[:40])}],
    )


def check_document(data: bytes, limits: Limits) -> None:
    """Refuse a JSON document whose parsing could allocate out of proportion.

    Raises:
        Problem: 413.
    """
    if len(data) > limits.event_bytes:
        raise _too_large(f"One document has {len(data)} bytes; at most {limits.event_bytes} are taken.")
    if len(data) <= limits.json_tokens:
        return
    tokens = data.count(b",") + data.count(b"{") + data.count(b"[")
    if tokens > limits.json_tokens:
        raise _too_large(f"One document has {tokens} members and elements; at most {limits.json_tokens} are taken.")


def _gunzip(data: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    size = at = members = 0
    while at < len(data):
        members += 1
        if members > _MEMBERS:
            raise _too_large(f"The body is made of more than {_MEMBERS} gzip members; send it as one.")
        stream = zlib.decompressobj(wbits=31)
        while not stream.eof:
            piece = data[at : at + _CHUNK]  # whatever a step leaves over is copied: never the whole rest
            part = stream.decompress(piece, _CHUNK)
            at += len(piece) - len(stream.unconsumed_tail) - len(stream.unused_data)
            if not part and not piece and not stream.eof:
                raise zlib.error("it ends early")
            size += len(part)
            if size > limit:
                raise _too_large(f"The body inflates to more than {limit} bytes.")
            parts.append(part)
        padding = _PADDING.match(data, at)
        at = at if padding is None else padding.end()
    return b"".join(parts)


def _unzstd(data: bytes, limit: int) -> bytes:
    _check_zstd_ends(data)
    parts: list[bytes] = []
    size = 0
    decoder = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    with decoder.stream_reader(io.BytesIO(data), read_across_frames=True) as stream:
        while part := stream.read(_CHUNK):
            size += len(part)
            if size > limit:
                raise _too_large(f"The body inflates to more than {limit} bytes.")
            parts.append(part)
    return b"".join(parts)


def _check_zstd_ends(data: bytes) -> None:
    """Raise unless the last frame (RFC 8878) is whole: of a cut one the decoder gives out what there is, silently."""
    at = blocks = 0
    while at < len(data):
        if data[at + 1 : at + 4] == b"\x2a\x4d\x18" and data[at] & 0xF0 == 0x50:  # skippable
            at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
            continue
        header = data[at : at + 18]
        at += zstandard.frame_header_size(header)
        last = False
        while not last:
            blocks += 1
            block = int.from_bytes(data[at : at + 3], "little")
            last, kind = bool(block & 1), block >> 1 & 3
            at += 3 + (1 if kind == 1 else block >> 3)
            if at > len(data) or blocks > _BLOCKS:
                raise zstandard.ZstdError("it ends early")
        at += 4 if zstandard.get_frame_parameters(header).has_checksum else 0
    if at != len(data):
        raise zstandard.ZstdError("it ends early")


def _too_large(detail: str) -> Problem:
    return Problem(Kind.TOO_LARGE, detail, headers={"Connection": "close"})
