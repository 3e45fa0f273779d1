"""Edges without declarations: reads and writes of pandas, polars, pyarrow and `open`, recorded on the current run.

    import lineage
    lineage.autocapture()

Opt-in, and undone by `autocapture.stop()`. Owns starting and stopping; what is watched is in `targets`, how in
`patching`, what counts as data in `observed`.
"""

from __future__ import annotations

import sys
import threading

from lineage.capture.patching import Hook, Patches, builtin
from lineage.capture.targets import MODULES
from lineage.guard import guarded


class AutoCapture:
    """`autocapture()` starts, `autocapture.stop()` stops; doing either twice changes nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._patches: Patches | None = None
        self._hook: Hook | None = None

    @property
    def running(self) -> bool:
        """Whether reads and writes are being recorded."""
        return self._patches is not None

    @guarded
    def __call__(self) -> None:
        """Record what runs read and write from now on, for libraries imported before and after this call."""
        with self._lock:
            if self._patches is not None:
                return
            self._patches = Patches()
            self._hook = Hook(self._patches)
            sys.meta_path.insert(0, self._hook)
            for name in MODULES:
                module = sys.modules.get(name)
                if module is not None:
                    self._patches.module(module)
            builtin(self._patches)

    @guarded
    def stop(self) -> None:
        """Record no more; runs in progress still tell what they have written so far."""
        with self._lock:
            if self._patches is None:
                return
            self._patches.undo()
            if self._hook in sys.meta_path:
                sys.meta_path.remove(self._hook)
            self._patches = self._hook = None


autocapture = AutoCapture()
