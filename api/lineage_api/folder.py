"""The data folder: who may use it, and where its server can be found.

Owns the lock that makes a folder serve one server, the projector's lock, and the runtime file `server.json` (port,
pid, instance). The locks are the kernel's (flock): they end with their process, whatever way it ends. Also
owns noticing that a database was taken away from under its server.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import orjson

SERVER_LOCK = "server.lock"
PROJECTOR_LOCK = "projector.lock"
RUNTIME = "server.json"


class FolderInUse(RuntimeError):
    """Another server has this data folder; the message names its pid."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """How to reach the server of a folder."""

    url: str
    pid: int
    instance: str


class Claim:
    """This process's hold on a data folder, from construction to `release`.

    Raises:
        FolderInUse: another server has it.
    """

    def __init__(self, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.instance = str(uuid.uuid4())
        self.pid = os.getpid()
        self._runtime = data / RUNTIME
        self._descriptor = os.open(data / SERVER_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise FolderInUse(
                f"{data} is served by process {owner}: ask that server, stop it, or use another --data folder"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def publish(self, url: str) -> Runtime:
        """Write the runtime file, whole or not at all."""
        runtime = Runtime(url, os.getpid(), self.instance)
        fresh = self._runtime.with_suffix(f".{os.getpid()}.new")
        fresh.write_bytes(orjson.dumps(asdict(runtime)))
        fresh.replace(self._runtime)
        return runtime

    def release(self) -> None:
        """Give the folder back."""
        if self._descriptor < 0:
            return
        self._runtime.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1


def runtime_of(data: Path) -> Runtime | None:
    """What the runtime file says; it may be of a server that is gone."""
    with contextlib.suppress(OSError, orjson.JSONDecodeError, TypeError, KeyError):
        found = orjson.loads((data / RUNTIME).read_bytes())
        return Runtime(found["url"], found["pid"], found["instance"])
    return None


class OpenFiles:
    """Databases as they are now: whoever deletes one later leaves its server with what nobody else sees."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._opened = {path: _identity(path) for path in paths}

    def lost(self) -> Path | None:
        """A file that is not there, or is another one than it was."""
        for path, opened in self._opened.items():
            if opened is None or _identity(path) != opened:
                return path
        return None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class ProjectorLock:
    """Held while projecting: an old projector that is finishing its last batch keeps a new one waiting.

    Args:
        while_waiting: called between attempts; what it raises ends the wait.
    """

    def __init__(self, data: Path, while_waiting: Callable[[], None]) -> None:
        self._path = data / PROJECTOR_LOCK
        self._while_waiting = while_waiting
        self._descriptor = -1

    def __enter__(self) -> ProjectorLock:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return self
            except OSError:
                self._while_waiting()
                time.sleep(0.02)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)
