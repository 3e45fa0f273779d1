"""Evidence about the whole process: code version, environment, and who started it.

Owns when it is captured (once, by a background thread, at the first tracked run) and how it is dealt out: in full in
the first event after it is ready, afterwards by its identity only. What it consists of is `code_version`'s and
`environment`'s business.
"""

from __future__ import annotations

import getpass
import os
import socket
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

from lineage import diagnostics, facets

WAIT = 1.0
"""Seconds that the last event of a root run waits for evidence which is still being captured."""

_LONG_CODE = frozenset({"diff", "snapshot", "repositories"})


class _Evidence:
    """What is known of this process."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.ready = threading.Event()
        self.code: Mapping[str, Any] | None = None
        self.environment: Mapping[str, Any] | None = None
        self.told_in_full = False

    def start(self) -> None:
        if self.thread is None:
            self.thread = threading.Thread(target=self._capture, name="lineage-evidence", daemon=True)
            self.thread.start()

    def _capture(self) -> None:
        try:
            from lineage import code_version, environment

            self.code = code_version.capture()
            self.environment = environment.capture()
        except Exception as error:
            diagnostics.warn_once("evidence", f"code version and environment are not recorded: {error!r}")
        finally:
            self.ready.set()


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


def run_facets() -> dict[str, Any]:
    """The evidence as run facets: in full the first time, then what identifies it."""
    found: dict[str, Any] = {}
    code, environment, short = _evidence.code, _evidence.environment, _evidence.told_in_full
    if code:
        content = {key: value for key, value in code.items() if not (short and key in _LONG_CODE)}
        found["weftline_codeVersion"] = facets.code_version(content)
    if environment:
        content = {"digest": environment["digest"]} if short and "digest" in environment else dict(environment)
        found["weftline_environment"] = facets.environment(content)
    _evidence.told_in_full = True
    return found


@cache
def actor() -> dict[str, Any]:
    """`weftline_actor` of this process."""
    try:
        user: str | None = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = None
    return facets.actor("os", user, socket.gethostname())


def _begin_again() -> None:
    """After fork: the thread that captured is not here; what it has found already is."""
    global _evidence
    if not _evidence.ready.is_set():
        _evidence = _Evidence()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again)
