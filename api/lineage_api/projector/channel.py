"""The projector's end of the socket pair to its server: wake-ups in, progress out, end of file = the server is gone.

Owns framing (a wake-up is a byte, progress is one JSON line) and nothing else. A full pipe never
blocks the projector: progress is cumulative, so the newest line alone matters.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time

import orjson

WAKE = b"\0"  # there are records
URGENT = b"\1"  # and somebody waits for them to be projected


_GRACE = 5.0
"""Seconds a batch may take to its end after the server is gone."""


class ParentGone(Exception):
    """The server closed its end: it ended, whatever way."""


class Channel:
    """One socket, or none (`rebuild` runs without a server)."""

    def __init__(self, connection: socket.socket | None) -> None:
        self._socket = connection
        self._unsent = b""
        self._newest = b""
        self._urgent = False
        if connection is not None:
            connection.setblocking(False)

    def end_with_parent(self) -> None:
        """End this process soon after the server has, even while it waits for a graph store that does not answer."""
        if self._socket is not None:
            threading.Thread(target=self._outlive_parent_briefly, args=(self._socket,), daemon=True).start()

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
            time.sleep(seconds)
            return
        writable = [self._socket] if self._unsent or self._newest else []
        _, ready, _ = select.select([self._socket], writable, [], seconds)
        if ready:
            self._flush()
        self.check()

    def linger(self, until: float) -> None:
        """Let records gather until the monotonic time `until`; somebody waiting for an answer cuts it short.

        Raises:
            ParentGone: end of file.
        """
        while not self._urgent and (left := until - time.monotonic()) > 0:
            self.wait(left)
        self._urgent = False

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
                self._urgent = self._urgent or URGENT in data
                if len(data) < 4096:
                    return
        except BlockingIOError:
            return
        except OSError:
            raise ParentGone from None

    @staticmethod
    def _outlive_parent_briefly(connection: socket.socket) -> None:
        poll = select.poll()
        poll.register(connection, select.POLLHUP)
        poll.poll()
        time.sleep(_GRACE)
        os._exit(0)  # what was not committed is projected again

    def _send(self, message: dict[str, object]) -> None:
        self._newest = orjson.dumps(message) + b"\n"
        self._flush()

    def _flush(self) -> None:
        """Send what fits: the rest of a line that was cut, then the newest; older ones are not worth keeping."""
        if self._socket is None:
            return
        try:
            while self._unsent or self._newest:
                if not self._unsent:
                    self._unsent, self._newest = self._newest, b""
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError:
            raise ParentGone from None
