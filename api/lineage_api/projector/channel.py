"""The projector's end of the socket pair to its server: wake-ups in, progress out, end of file = the server is gone.

Owns framing (wake-ups are bytes without meaning, progress is one JSON line) and nothing else. A full pipe never
blocks the projector: progress is cumulative, so the newest line alone matters.
"""

from __future__ import annotations

import select
import socket

import orjson


class ParentGone(Exception):
    """The server closed its end: it ended, whatever way."""


class Channel:
    """One socket, or none (`rebuild` runs without a server)."""

    def __init__(self, connection: socket.socket | None) -> None:
        self._socket = connection
        self._unsent = b""
        if connection is not None:
            connection.setblocking(False)

    def progress(self, seq: int) -> None:
        """Tell that everything up to `seq` is in the projection and in the graph."""
        self._send({"projected": seq})

    def trouble(self, reason: str) -> None:
        """Tell why nothing moves."""
        self._send({"trouble": reason})

    def wait(self, seconds: float) -> None:
        """Return when woken or after `seconds`.

        Raises:
            ParentGone: end of file.
        """
        if self._socket is None:
            select.select([], [], [], seconds)
            return
        select.select([self._socket], [], [], seconds)
        self.check()

    def check(self) -> None:
        """Swallow wake-ups without waiting.

        Raises:
            ParentGone: end of file.
        """
        if self._socket is None:
            return
        try:
            while True:
                data = self._socket.recv(4096)
                if not data:
                    raise ParentGone
                if len(data) < 4096:
                    return
        except BlockingIOError:
            return
        except OSError:
            raise ParentGone from None

    def _send(self, message: dict[str, object]) -> None:
        if self._socket is None:
            return
        # A line cut by a full buffer is completed before the next one; whole lines that do not fit are dropped.
        line = self._unsent or orjson.dumps(message) + b"\n"
        try:
            sent = self._socket.send(line)
        except BlockingIOError:
            return
        except OSError:
            raise ParentGone from None
        self._unsent = line[sent:]
