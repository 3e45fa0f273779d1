"""Evidence about the whole process: code version, environment, and who started it.

Owns when it is captured (once, by a background thread, at the first tracked run) and how it is dealt out: in full in
the first event after it is ready, afterwards by its identity only. What it consists of is `code_version`'s and
`environment`'s business.
"""

from __future__ import annotations

import atexit
import getpass
import os
import socket
import sysconfig
import threading
from collections import deque
from collections.abc import Callable
from functools import cache, partial
from types import ModuleType
from typing import Any

from lineage import diagnostics, facets
from lineage.redact import redact_event

WAIT = 1.0
"""Seconds that the last event of a root run waits for evidence which is still being captured."""

_LONG_CODE = frozenset({"diff", "diffTruncated", "snapshot", "repositories"})


class _Evidence:
    """What is known of this process, as facets: `first` for the first event after capture, `later` for the others."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.ready = threading.Event()
        self.first: dict[str, Any] | None = None
        self.later: dict[str, Any] = {}
        self.job: dict[str, Any] = {}
        self.waiting: deque[Callable[[], None]] = deque()

    def start(self) -> None:
        if self.thread is not None:
            return
        # Imported here and not in the thread: a thread that is importing while the process forks leaves the module
        # locked for ever in the child.
        from lineage import code_version, environment

        sysconfig.get_paths()
        capture = partial(self._capture, code_version, environment)
        self.thread = threading.Thread(target=capture, name="lineage-evidence", daemon=True)
        try:
            self.thread.start()
            atexit.register(_at_exit)
        except RuntimeError as error:  # the interpreter is shutting down, or there can be no more threads
            diagnostics.debug(f"no code version and environment: {error}")
            self.ready.set()

    def pay(self) -> None:
        while True:
            try:
                tell = self.waiting.popleft()
            except IndexError:  # perhaps taken by another thread a moment ago
                return
            tell()

    def _capture(self, code_version: ModuleType, environment: ModuleType) -> None:
        try:
            code, surroundings = code_version.capture(), environment.capture()
            self._keep(redact_event(code), redact_event(surroundings), code_version.source_code_location)
        except Exception as error:
            diagnostics.warn_once("evidence", f"code version and environment are not recorded: {error!r}")
        finally:
            self.ready.set()
            self.pay()

    def _keep(
        self,
        code: dict[str, Any] | None,
        surroundings: dict[str, Any] | None,
        locate: Callable[[dict[str, Any]], dict[str, Any] | None],
    ) -> None:
        first: dict[str, Any] = {}
        later: dict[str, Any] = {}
        if code is not None:
            first["weftline_codeVersion"] = facets.code_version(code)
            short = {key: value for key, value in code.items() if key not in _LONG_CODE}
            later["weftline_codeVersion"] = facets.code_version(short)
            location = locate(code)
            if location is not None:
                self.job = {"sourceCodeLocation": facets.source_code_location(location)}
        if surroundings is not None:
            first["weftline_environment"] = facets.environment(surroundings)
            later["weftline_environment"] = facets.environment({"digest": surroundings["digest"]})
        self.first, self.later = first, later

    def told(self) -> dict[str, Any]:
        first, self.first = self.first, None
        return self.later if first is None else first


_evidence = _Evidence()


def start() -> None:
    """Begin to capture, unless that has been done."""
    if _evidence.thread is None:
        _evidence.start()


def ready() -> bool:
    """Whether the evidence is there."""
    return _evidence.ready.is_set()


def wait(seconds: float = WAIT) -> bool:
    """Wait for the evidence; False if it isn't there in time."""
    if _evidence.thread is None:
        return False
    return _evidence.ready.wait(seconds)


def when_ready(tell: Callable[[], None]) -> None:
    """Have `tell` called once the evidence is there, by whichever thread sees it first."""
    _evidence.waiting.append(tell)
    if _evidence.ready.is_set():
        _evidence.pay()


def forget_waiting() -> None:
    """Drop the runs that still wait for the evidence, as a test does at its end: their events have nowhere to go."""
    _evidence.waiting.clear()


def run_facets() -> dict[str, Any]:
    """The evidence as run facets: in full the first time, then what identifies it."""
    return _evidence.told()


def job_facets() -> dict[str, Any]:
    """The evidence as job facets: where the source code is, if that is known."""
    return _evidence.job


@cache
def actor() -> dict[str, Any]:
    """`weftline_actor` of this process."""
    try:
        user: str | None = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = None
    return facets.actor("os", user, socket.gethostname())


def _at_exit() -> None:
    """Runs that ended before the evidence was there still wait for it; not longer than a root run would."""
    if _evidence.waiting:
        wait()


def _begin_again() -> None:
    """After fork: the thread that captured is not here; what it has found already is."""
    global _evidence
    if not _evidence.ready.is_set():
        _evidence = _Evidence()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)
