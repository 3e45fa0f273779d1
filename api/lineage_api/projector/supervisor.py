"""The server's side of the projector: start it, wake it, follow its progress, start it again when it dies.

Owns the child process and the socket pair, the newest projected number and everybody who waits for one. The child
ends by itself when this end closes, so killing the server leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import socket
import subprocess
import sys
import time
from collections import deque
from itertools import count

import orjson

from lineage_api.logs import logger
from lineage_api.projector.channel import URGENT, WAKE
from lineage_api.settings import Settings

_FIRST_DELAY = 0.1
_LONGEST_DELAY = 5.0
_LAST_BATCH = 10.0
"""Seconds the projector gets to finish what it is at when the server stops."""

log = logger("supervisor")


class ProjectorSupervisor:
    """One projector process, restarted until `stop`. Belongs to the event loop's thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._writer: asyncio.StreamWriter | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiters: list[tuple[int, int, asyncio.Future[bool]]] = []
        self._order = count()
        self._commits: deque[tuple[int, float]] = deque()
        self._called = False
        self.projected = 0
        self.running = False
        self.started_once = False
        self.restarts = 0
        self.trouble: str | None = None

    @property
    def pid(self) -> int | None:
        """Of the projector process."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process and follow it."""
        self._task = asyncio.get_running_loop().create_task(self._supervise(), name="projector-supervisor")

    def wake(self, seq: int) -> None:
        """Tell that the journal now reaches `seq`."""
        if self._commits and self._commits[-1][0] >= seq:
            return
        self._commits.append((seq, time.monotonic()))
        self._call()

    def _call(self) -> None:
        """Send a wake-up, unless one is out that no progress has answered: each costs both processes a switch."""
        if self._writer is not None and not self._called:
            self._called = True
            self._writer.write(WAKE)

    def lag(self) -> tuple[int, float]:
        """Records journalled and not yet projected, and the age in seconds of the oldest such commit."""
        if not self._commits:
            return 0, 0.0
        return self._commits[-1][0] - self.projected, time.monotonic() - self._commits[0][1]

    async def wait(self, seq: int, seconds: float) -> bool:
        """Whether everything up to `seq` was projected within `seconds`."""
        if seq <= self.projected:
            return True
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiters, (seq, next(self._order), future))
        if self._writer is not None:
            self._writer.write(URGENT)
        try:
            return await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return False

    async def stop(self) -> None:
        """End the process and wait for it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._hang_up()
        if self._process is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._reap, self._process)
        for _, _, future in self._waiters:
            if not future.done():
                future.set_result(False)

    async def _supervise(self) -> None:
        delay = _FIRST_DELAY
        while True:
            reader = await self._spawn()
            started = time.monotonic()
            await self._follow(reader)
            self.running = False
            self._hang_up()
            assert self._process is not None
            code = await asyncio.get_running_loop().run_in_executor(None, self._process.wait)
            log.error("projector ended", code=code, pid=self._process.pid, restart_in=delay)
            self.restarts += 1
            await asyncio.sleep(delay)
            delay = _FIRST_DELAY if time.monotonic() - started > _LONGEST_DELAY else min(delay * 2, _LONGEST_DELAY)

    async def _spawn(self) -> asyncio.StreamReader:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        command = [
            sys.executable,
            "-P",  # a json.py in the working directory is somebody else's
            "-m",
            "lineage_api.projector",
            f"--data={self._settings.data}",
            f"--graph={self._settings.graph.address}",
            f"--channel={theirs.fileno()}",
        ]
        environment = {
            **os.environ,
            "LINEAGE_NEO4J_USER": self._settings.graph.user,
            "LINEAGE_NEO4J_PASSWORD": self._settings.graph.password,
        }
        with theirs:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env=environment
            )
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._called = False
        return reader

    async def _follow(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await reader.readline()
            except OSError:
                return  # it died with our wake-ups unread: the kernel says reset, not end of file
            if not line.endswith(b"\n"):
                return
            message = orjson.loads(line)
            self.trouble = message.get("trouble")
            if "projected" in message:
                self.running = self.started_once = True
                self._advance(int(message["projected"]))
                self._called = False
                if self._commits:
                    self._call()

    def _advance(self, seq: int) -> None:
        self.projected = seq
        while self._commits and self._commits[0][0] <= seq:
            self._commits.popleft()
        while self._waiters and self._waiters[0][0] <= seq:
            future = heapq.heappop(self._waiters)[2]
            if not future.done():
                future.set_result(True)

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    @staticmethod
    def _reap(process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(_LAST_BATCH)
        except subprocess.TimeoutExpired:
            process.kill()  # it loses nothing: what it had not committed is projected again
            process.wait()
