"""Reads and writes that were seen, as inputs and outputs of the run they belong to.

Owns which places count (the user's own data: not what is installed, hidden, or the system's), recording each once
per run, and waiting with outputs until the run's end, when the files are complete. Does not watch anything itself.
"""

from __future__ import annotations

import glob
import os
import stat
import threading
from typing import TYPE_CHECKING, Any

from lineage import active, diagnostics, first_party, guard, naming, settings
from lineage.datasets import Dataset
from lineage.guard import guarded

if TYPE_CHECKING:
    from lineage.runs import Run

_SYSTEM = ("/proc/", "/sys/", "/dev/", "/run/", "/etc/", "/usr/share/", "/usr/lib/")
# Written or read beside the data, and code that is recorded as code.
_SUFFIXES = (".py", ".pyc", ".pyi", ".pyd", ".so", ".ipynb", ".log", ".lock", ".pid", ".sock", ".egg-link", ".pth")
_MAX_GLOB = 100
_MAX_PLACES = 1000
_GLOB = frozenset("*?[")
_lock = threading.RLock()  # reentrant: a finaliser that opens a file may run while this thread is in here


class Seen:
    """What one run has read and written."""

    __slots__ = ("inputs", "outputs")

    def __init__(self) -> None:
        self.inputs: set[Dataset] = set()
        self.outputs: dict[Dataset, None] = {}


def _renew_lock() -> None:
    """After fork: another thread may have held the lock, and it does not live in the child."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def current() -> Run | None:
    """The run that reads and writes belong to here; None too where it is ourselves who read."""
    if guard.ours():
        return None
    run = active.current()
    if run is None or run.over or settings.current().disabled:
        return None
    return None if threading.current_thread().name.startswith("lineage-") else run


@guarded
def saw(run: Run, place: Any, *, writes: bool) -> None:
    """Note that `run` read from or wrote to a place: a path, a URL, a glob pattern, or a list of them."""
    for dataset in datasets(place, writes=writes):
        note(run, dataset, writes=writes)


@guarded
def saw_table(run: Run, connection: Any, table: Any, schema: Any, *, writes: bool) -> None:
    """Note that `run` read or wrote a table over a connection; one whose address can't be told is passed over."""
    if not isinstance(table, str):
        return
    try:
        dataset = Dataset(connection, f"{schema}.{table}" if schema else table)
    except (TypeError, ValueError) as error:
        diagnostics.debug(f"autocapture: table {table} is not recorded: {error}")
        return
    note(run, dataset, writes=writes)


def note(run: Run, dataset: Dataset, *, writes: bool) -> None:
    """Record a dataset once: an input now, as it is now; an output at the run's end."""
    with _lock:
        seen = _of(run)
        known = dataset in seen.outputs or (not writes and dataset in seen.inputs)
        if known or len(seen.inputs) + len(seen.outputs) >= _MAX_PLACES:
            if not known:
                diagnostics.warn_once(
                    "autocapture:places",
                    f"autocapture: a run reads or writes more than {_MAX_PLACES} places, the rest is not recorded; "
                    "declare the folder instead: log_input(Dataset(folder))",
                )
            return
        if writes:
            seen.outputs[dataset] = None
        else:
            seen.inputs.add(dataset)
    if not writes:
        run.log_input(dataset)


@guarded
def moved(run: Run, source: str, destination: str) -> None:
    """A file was renamed: what `run` wrote under the old name is its output under the new one."""
    seen = run.__dict__.get("_autocaptured")
    if seen is None:
        return
    before = Dataset("file", naming.file_name(source))
    with _lock:
        if before not in seen.outputs:
            return
        del seen.outputs[before]
        if is_data(naming.file_name(destination)):
            seen.outputs[Dataset("file", naming.file_name(destination))] = None


def _of(run: Run) -> Seen:
    """What `run` has seen; the first time, its end is told to send the outputs."""
    seen: Seen | None = run.__dict__.get("_autocaptured")
    if seen is None:
        seen = Seen()
        run.__dict__["_autocaptured"] = seen
        run.before_end.append(lambda: _flush(run, seen))
    return seen


@guarded
def _flush(run: Run, seen: Seen) -> None:
    with _lock:
        waiting = list(seen.outputs)
    for dataset in waiting:
        if dataset.path is None or os.path.exists(dataset.path):
            run.log_output(dataset)


def datasets(place: Any, *, writes: bool = False) -> list[Dataset]:
    """The datasets that an argument names; buffers, handles and what is not the user's data name none."""
    if isinstance(place, (list, tuple)):
        return [dataset for item in place[:_MAX_GLOB] for dataset in datasets(item, writes=writes)]
    if not isinstance(place, (str, os.PathLike)):
        return []
    text = os.fsdecode(place)
    if "\n" in text or not text or len(text) > 4096:
        return []  # data given as text
    if "://" not in text:
        return _local(text, writes)
    try:
        dataset = Dataset(place)
    except ValueError as error:
        diagnostics.debug(f"autocapture: {error}")
        return []
    return _local(dataset.path, writes) if dataset.path is not None else [dataset]


def _local(text: str, writes: bool) -> list[Dataset]:
    path = naming.file_name(text)
    if writes or os.path.exists(path):
        return [Dataset("file", path)] if is_data(path) else []
    if _GLOB.intersection(path):
        found = sorted(glob.glob(path, recursive=True))
        if len(found) > _MAX_GLOB:
            # Too many to name one by one: the folder that the pattern begins in.
            path = os.path.dirname(path[: min(path.index(mark) for mark in _GLOB if mark in path)])
            found = [path]
        return [Dataset("file", item) for item in found if is_data(item)]
    return []  # data given as text, or a path of another file system


def is_data(path: str) -> bool:
    """Whether an absolute path is the user's data: not the system's, not installed, not hidden, not code or a log."""
    if path.startswith(_SYSTEM) or path.endswith(_SUFFIXES):
        return False
    if any(part.startswith(".") or part == "__pycache__" for part in path.split("/")):
        return False
    if not first_party.is_first_party(path):
        return False
    known = settings.current()
    if path.startswith((f"{known.home}/", f"{known.spool_dir}/")):
        return False
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return True  # not there yet, or gone: the run's end will see
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)
