"""Watching functions: replacing them by wrappers that note the call, now or when their library is imported.

Owns putting wrappers in and taking them out again, the import hook for libraries that come later, and that a call
inside a watched call counts once. A wrapper returns what the function returns and raises what it raises.
"""

from __future__ import annotations

import builtins
import functools
import importlib.abc
import importlib.machinery
import io
import os
import sys
import threading
from collections.abc import Callable, Sequence
from types import FunctionType, ModuleType
from typing import Any

from lineage import diagnostics, first_party
from lineage.capture import observed
from lineage.capture.targets import MODULES, TARGETS, Target

_MISSING = object()
_CHANGES = frozenset("wxa+")
_inside = threading.local()


class Patches:
    """Everything that is replaced at the moment, and how to put it back."""

    def __init__(self) -> None:
        self._undo: list[tuple[Any, str, Any, Any]] = []
        self._rebound: list[tuple[dict[str, Any], str, Any, Any]] = []
        self._done: set[str] = set()

    def put(self, owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
        """Replace `owner.name`; a class gets its own entry back as it was, inherited or not."""
        self._undo.append((owner, name, vars(owner).get(name, _MISSING), wrapper))
        setattr(owner, name, wrapper)

    def module(self, module: ModuleType) -> None:
        """Watch the functions of one library."""
        if module.__name__ in self._done:
            return
        self._done.add(module.__name__)
        replaced: dict[int, tuple[Any, Any]] = {}
        for target in TARGETS:
            if target.module != module.__name__:
                continue
            owner = getattr(module, target.owner, None) if target.owner else module
            original = getattr(owner, target.name, None)
            if owner is None or original is None:
                continue  # a version of the library without it
            wrapper = watch(original, target)
            self.put(owner, target.name, wrapper)
            if not target.owner:
                self._at_home(original, wrapper)
                replaced[id(original)] = (original, wrapper)
        self.rebind(replaced)

    def _at_home(self, original: Any, wrapper: Any) -> None:
        """Replace a function where it was defined too: pickle looks there, and wants to find the same object."""
        home = sys.modules.get(str(getattr(original, "__module__", "")))
        name = getattr(original, "__qualname__", "")
        if home is not None and vars(home).get(name) is original:
            self.put(home, name, wrapper)

    def rebind(self, replaced: dict[int, tuple[Any, Any]]) -> None:
        """Replace what first-party modules took out before (`from pandas import read_csv`)."""
        names = ["__main__", *first_party.modules()]
        for name in dict.fromkeys(names):
            held = sys.modules.get(name)
            if held is None:
                continue
            for key, value in list(vars(held).items()):
                known = replaced.get(id(value))
                if known is not None and known[0] is value:
                    self._rebound.append((vars(held), key, value, known[1]))
                    vars(held)[key] = known[1]

    def undo(self) -> None:
        """Put everything back that is still ours to put back."""
        for owner, name, original, wrapper in reversed(self._undo):
            if vars(owner).get(name) is not wrapper:
                continue  # somebody else replaced it after us; what they hold of ours goes quiet by itself
            if original is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
        for held, key, original, wrapper in self._rebound:
            if held.get(key) is wrapper:
                held[key] = original
        self._undo.clear()
        self._rebound.clear()
        self._done.clear()


class Hook(importlib.abc.MetaPathFinder):
    """Watches for the import of the libraries in the table, by way of the finders that would find them anyway."""

    def __init__(self, patches: Patches) -> None:
        self._patches = patches

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec that the other finders give, with a loader that patches after it has loaded."""
        if fullname not in MODULES:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader, self._patches)
                return spec
        return None


class _Loader(importlib.abc.Loader):
    """A loader that does what the real one does, then patches."""

    def __init__(self, real: Any, patches: Patches) -> None:
        self._real = real
        self._patches = patches

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """As the real loader."""
        made: ModuleType | None = self._real.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        """As the real loader; afterwards the module shows its real loader again, and is watched."""
        spec = module.__spec__
        if spec is not None:
            spec.loader = self._real
        module.__loader__ = self._real
        self._real.exec_module(module)
        try:
            self._patches.module(module)
        except Exception as error:
            diagnostics.warn_once(f"autocapture:{module.__name__}", f"autocapture: {module.__name__}: {error!r}")


def watch(original: Callable[..., Any], target: Target) -> Callable[..., Any]:
    """A stand-in for `original` that notes where it read from or wrote to, after it has returned."""

    @functools.wraps(original)
    def watched(*args: Any, **kwargs: Any) -> Any:
        if getattr(_inside, "depth", 0):
            return original(*args, **kwargs)
        run = observed.current()
        if run is not None and target.writes and kwargs.get("mode") == "a" and not target.table:
            _extended(run, args[target.position] if len(args) > target.position else kwargs.get(target.argument))
        _inside.depth = 1
        try:
            result = original(*args, **kwargs)
        finally:
            _inside.depth = 0
        if run is not None:
            _note(run, target, args, kwargs)
        return result

    _hide(watched, original)
    return watched


def _note(run: Any, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    place = args[target.position] if len(args) > target.position else kwargs.get(target.argument)
    _inside.depth = 1
    try:
        if target.table:
            after = target.position + 1
            connection = args[after] if len(args) > after else kwargs.get(target.table)
            observed.saw_table(run, connection, place, kwargs.get("schema"), writes=target.writes)
        else:
            observed.saw(run, place, writes=target.writes)
    finally:
        _inside.depth = 0


def _hide(watched: Any, original: Any) -> None:
    """Make the wrapper's frame look like the library's: pandas and polars blame warnings on the first foreign frame."""
    code = getattr(original, "__code__", None)
    if isinstance(watched, FunctionType) and code is not None:
        watched.__code__ = watched.__code__.replace(co_filename=code.co_filename, co_firstlineno=code.co_firstlineno)


def watch_open(original: Callable[..., Any]) -> Callable[..., Any]:
    """A stand-in for the builtin `open`."""

    @functools.wraps(original)
    def open(file: Any, mode: Any = "r", *args: Any, **kwargs: Any) -> Any:
        if getattr(_inside, "depth", 0) or not isinstance(file, (str, os.PathLike)) or not isinstance(mode, str):
            return original(file, mode, *args, **kwargs)
        run = observed.current()
        if run is None:
            return original(file, mode, *args, **kwargs)
        if "a" in mode:
            _extended(run, file)
        elif "+" in mode and "w" not in mode:
            _opened(run, file, writes=False)  # what is in it before the run changes it
        handle = original(file, mode, *args, **kwargs)
        _opened(run, file, writes=not _CHANGES.isdisjoint(mode))
        return handle

    return open


def _opened(run: Any, file: Any, *, writes: bool) -> None:
    _inside.depth = 1
    try:
        observed.saw(run, file, writes=writes)
    finally:
        _inside.depth = 0


def _extended(run: Any, file: Any) -> None:
    """What is appended to is read in effect: its earlier content is part of what the run leaves, if there is any."""
    try:
        extends = os.stat(file).st_size > 0
    except (OSError, TypeError, ValueError):
        return
    if extends:
        _opened(run, file, writes=False)


def watch_rename(original: Callable[..., Any]) -> Callable[..., Any]:
    """A stand-in for `os.replace` and `os.rename`: many a file is written under another name first."""

    @functools.wraps(original)
    def renamed(src: Any, dst: Any, **kwargs: Any) -> Any:
        result = original(src, dst, **kwargs)
        run = observed.current()
        paths = isinstance(src, (str, os.PathLike)) and isinstance(dst, (str, os.PathLike))
        if run is not None and paths and not kwargs:
            observed.moved(run, os.fsdecode(src), os.fsdecode(dst))
        return result

    return renamed


def builtin(patches: Patches) -> None:
    """Watch `open`, `io.open`, `os.replace` and `os.rename`."""
    opened = watch_open(builtins.open)
    replaced = {id(builtins.open): (builtins.open, opened)}
    patches.put(builtins, "open", opened)
    patches.put(io, "open", opened)
    patches.put(os, "replace", watch_rename(os.replace))
    patches.put(os, "rename", watch_rename(os.rename))
    patches.rebind(replaced)
