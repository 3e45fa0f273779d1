"""The end of a process: nothing to do where a sender outlives it, a bounded wait where the spool may die with it.

It decides only how long to wait and what to say; sending is the sender's. One line at most, on stderr.
"""

from __future__ import annotations

import os
import time

from lineage import diagnostics
from lineage.emit import launcher, spooldir
from lineage.emit.flusher import Flusher
from lineage.emit.spool import Spool
from lineage.emit.spooldir import Drained
from lineage.settings import LOCAL, Settings

_VOLATILE = frozenset({"tmpfs", "ramfs", "overlay", "aufs"})
_INIT_SYSTEMS = frozenset({"systemd", "init", "launchd", "openrc-init", "runit", "s6-svscan"})
_LAUNCH_SECONDS = 1.0


def finish(spool: Spool, flusher: Flusher, now: Settings) -> None:
    """See what is left on its way, at most `exit_timeout` seconds where it might be lost with this process."""
    if spool.untold:
        diagnostics.say(f"{spool.untold} records were dropped because the spool could not be written")
    if spool.destination == LOCAL:
        if spool.in_memory:
            diagnostics.say(
                f"{spool.held_in_memory()} records are lost with this process: no spool folder can be written"
            )
        return
    if left(spool) == 0:
        return
    # Starting a sender is not waiting for it: it happens even where the end may take no time at all.
    flusher.perform(lambda: launcher.ensure(spool, insist=True), _LAUNCH_SECONDS)
    danger = danger_of(spool)
    if danger is None:
        launcher.let_go()
        return
    drained = drain(spool, flusher, now.exit_timeout)
    launcher.let_go()
    if drained.left:
        diagnostics.say(
            f"{drained.left} records were not delivered within {now.exit_timeout:g} s ({drained.reason}); "
            f"they may be lost because {danger}: set LINEAGE_SPOOL_DIR to a volume"
        )


def drain(spool: Spool, flusher: Flusher, timeout: float) -> Drained:
    """Wait until the service has everything this spool's client wrote."""
    if spool.destination == LOCAL:
        return Drained(left(spool), "no service is configured (LINEAGE_URL)")
    deadline = time.monotonic() + timeout
    pause = 0.01
    while (waiting := left(spool)) and time.monotonic() < deadline:
        started = time.monotonic()
        flusher.perform(lambda: launcher.ensure(spool), min(pause, deadline - started))
        time.sleep(max(0.0, min(started + pause, deadline) - time.monotonic()))
        pause = min(0.1, pause * 1.5)
    if not waiting:
        return Drained(0, None)
    state = spooldir.load_state(spool.root or spool.roots[0], spool.destination)
    return Drained(waiting, (state.last_error if state else None) or "the service did not answer in time")


def left(spool: Spool) -> int:
    """Records of this client nobody has acknowledged yet."""
    stored = sum(spooldir.waiting_for(root, spool.client) for root in spool.roots)
    return stored + spool.held_in_memory()


def danger_of(spool: Spool) -> str | None:
    """Why the spool may not survive this process, or None."""
    if spool.in_memory or spool.root is None:
        return "no spool folder can be written"
    if os.getpid() == 1:
        return "the container ends with this process"
    if os.getppid() == 1 and _comm(1) not in _INIT_SYSTEMS:
        return "the container ends with this process's parent"
    kind = file_system(spool.root)
    return f"the spool is on {kind}" if kind in _VOLATILE else None


def file_system(path: str) -> str:
    """Type of the file system a path is on, empty where the system does not say."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return ""
    path = os.path.realpath(path)
    best, kind = -1, ""
    for line in lines:
        before, _, behind = line.partition(" - ")
        point = before.split(" ")[4].replace("\\040", " ")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:
            best, kind = len(point), behind.split(" ")[0]
    return kind


def _comm(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""
