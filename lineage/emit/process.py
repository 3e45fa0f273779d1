"""Who writes: the identity of a process across hosts, containers and reboots, and whether that process is gone.

A pid alone is reused; pid + start time + boot + pid namespace is not. Where that cannot be compared (another host or
container), the answer is `None`: unknown, and the reader must wait until the segment has stopped growing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process, told apart from every other one that ever ran anywhere."""

    host: str
    boot: str
    namespace: str
    pid: int
    started: str


def this_process() -> ProcessIdentity:
    """The identity of the calling process."""
    return _identity(os.getpid())


def is_gone(writer: ProcessIdentity) -> bool | None:
    """True or False where this process can tell, None where it cannot (another machine or pid namespace)."""
    host, boot, namespace = _machine(os.getpid())
    if (writer.boot, writer.namespace) != (boot, namespace) or (not namespace and writer.host != host):
        return None
    if not _alive(writer.pid):
        return True
    started = _started(writer.pid)
    if started is None or not writer.started:
        return False
    return started != writer.started


@lru_cache(maxsize=2)
def _identity(pid: int) -> ProcessIdentity:
    host, boot, namespace = _machine(pid)
    return ProcessIdentity(host, boot, namespace, pid, _started(pid) or "")


def host_name() -> str:
    """This machine's name, or an empty text where it has none."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


@lru_cache(maxsize=2)
def _machine(pid: int) -> tuple[str, str, str]:
    """Host, boot id and pid namespace; cached by pid because a fork may be followed by a new namespace."""
    host = host_name()
    boot = _read("/proc/sys/kernel/random/boot_id").strip() or host
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return host, boot, namespace


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    state = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return not state or state[0] not in ("Z", "X")


def _started(pid: int) -> str | None:
    """Start time in the kernel's ticks since boot, as text; None where the kernel does not say."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else None


def _read(path: str) -> str:
    # The calls of `os`, because the built-in `open` is already gone when a finaliser emits at interpreter shutdown.
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(fd, 4096).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(fd)
