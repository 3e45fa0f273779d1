"""Values on their way: which run returned the object that another run is given.

Owns the register of returned objects and the look-up of arguments in it, by identity alone (`holds` says what counts
as the same object). Equal content is no evidence here; when identity is in doubt there is no edge and `LINEAGE_DEBUG`
says so. Registered values stay as long-lived as they were: nothing big is kept alive.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from itertools import islice
from types import CodeType, FrameType
from typing import Any, NamedTuple

from lineage import diagnostics
from lineage.holds import Hold, hold, holdable

MAX_ENTRIES = 10_000
MAX_BYTES = 8 << 20
MAX_ELEMENTS = 256
_ELEMENT_NODES = 50


class Origin(NamedTuple):
    """Where an object comes from: the run that returned it, if known, that run's job, and the dataset it stands for."""

    run_id: str
    job_namespace: str
    job: str
    namespace: str
    dataset: str
    digest: str | None = None
    """Digest of the content it was returned with, where that is cheap enough to be compared on arrival."""


class Arrival(NamedTuple):
    """An object with an origin, as the argument it arrived in."""

    argument: str
    origin: Origin
    value: Any


class _Entry(NamedTuple):
    held: Hold
    origins: tuple[Origin, ...]
    order: int


class _Register:
    """Objects by address; the oldest leave first when there are too many or they hold too much."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # reentrant: a weak reference may die while this thread is in here
        self.entries: dict[int, _Entry] = {}
        self.bytes = 0
        self.growing: deque[int] = deque()
        self.order = 0

    def put(self, value: Any, origins: tuple[Origin, ...], nodes: int) -> bool:
        address = id(value)
        with self.lock:
            self._drop(address)
            held = hold(value, partial(self._gone, address), nodes)
            self._review()
            if held is None:
                return False
            if held.kept is not None:
                self.growing.append(address)
            self.order += 1
            self.entries[address] = _Entry(held, origins, self.order)
            self.bytes += held.size
            while len(self.entries) > MAX_ENTRIES or self.bytes > MAX_BYTES:
                self._drop(next(iter(self.entries)))
        return True

    def find(self, value: Any) -> _Entry | None:
        entry = self.entries.get(id(value))
        if entry is None or not entry.held.same(value):
            return None
        return entry

    def clear(self) -> None:
        with self.lock:
            self.entries.clear()
            self.growing.clear()
            self.bytes = 0

    def _review(self) -> None:
        """Let go of a container that has grown since it was registered; two at a time, in turn."""
        for _ in range(min(2, len(self.growing))):
            address = self.growing.popleft()
            entry = self.entries.get(address)
            if entry is None or entry.held.kept is None:
                continue
            if entry.held.outgrown():
                self._drop(address)
            else:
                self.growing.append(address)

    def _drop(self, address: int) -> None:
        entry = self.entries.pop(address, None)
        if entry is not None:
            self.bytes -= entry.held.size

    def _gone(self, address: int, reference: weakref.ref[Any]) -> None:
        with self.lock:
            entry = self.entries.get(address)
            if entry is not None and entry.held.reference is reference:
                self._drop(address)

    def renew_lock(self) -> None:
        """After fork: another thread may have held the lock, and it does not live in the child."""
        self.lock = threading.RLock()


_register = _Register()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_register.renew_lock)


def returned(value: Any, origins: tuple[Origin, ...]) -> bool:
    """Note that the run of `origins` returned `value`; False if the object cannot be told apart from others."""
    return _register.put(value, origins, 2000)


def returned_inside(value: Any, origins: tuple[Origin, ...]) -> bool:
    """The same for a member of what the run returned; less effort is spent on each."""
    return _register.put(value, origins, _ELEMENT_NODES)


def origins_of(value: Any) -> tuple[Origin, ...]:
    """Where exactly this object comes from; empty if no tracked task returned it or identity proves nothing."""
    entry = _find(value)
    return () if entry is None else entry.origins


def arrivals(arguments: Mapping[str, Any]) -> list[Arrival]:
    """Everything among `arguments`, or one level inside them, that a tracked task returned; each origin once.

    What was inside a value already when its task returned it came with that value and is no arrival of its own.
    """
    if not _register.entries:
        return []
    found: dict[tuple[str, str], Arrival] = {}
    for name, value in arguments.items():
        whole = _find(value)
        if whole is not None:
            _arrive(found, name, whole, value)
        for key, element in elements(value):
            part = _find(element)
            if part is not None and (whole is None or part.order > whole.order):
                _arrive(found, f"{name}[{key}]", part, element)
    return list(found.values())


def _arrive(found: dict[tuple[str, str], Arrival], argument: str, entry: _Entry, value: Any) -> None:
    for origin in entry.origins:
        found.setdefault((origin.run_id, origin.dataset), Arrival(argument, origin, value))


def _find(value: Any) -> _Entry | None:
    entry = _register.find(value)
    if entry is None or not holdable(value):
        return None
    if entry.held.literal and _may_be_constant(value):
        diagnostics.debug(
            f"no edge from {entry.origins[0].job}: the {type(value).__name__} may be a constant of the caller"
        )
        return None
    return entry


def elements(value: Any) -> Iterator[tuple[str, Any]]:
    """The members of a list, tuple, dict or dataclass instance with their keys, at most 256.

    Read past whatever a subclass has made of access: looking must not load, compute or log anything.
    """
    if isinstance(value, (list, tuple)):
        read = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
        for index, element in enumerate(islice(read, MAX_ELEMENTS)):
            yield str(index), element
    elif type(value) is dict:
        for index, (key, element) in enumerate(list(value.items()) if len(value) <= MAX_ELEMENTS else ()):
            yield key if isinstance(key, str) and key.isidentifier() else str(index), element
    elif is_dataclass(type(value)):
        try:
            members: dict[str, Any] = object.__getattribute__(value, "__dict__")
        except AttributeError:  # a dataclass with slots
            members = {field.name: getattr(value, field.name, None) for field in fields(value)}
        for field in fields(value):
            if field.name in members:
                yield field.name, members[field.name]


def forget() -> None:
    """Empty the register."""
    _register.clear()


def _may_be_constant(value: Any) -> bool:
    """Whether the calling code could hold this very object by itself, as a literal or a module's global."""
    frame = _caller()
    if frame is None:
        return True
    return _among_constants(frame.f_code, value) or any(member is value for member in list(frame.f_globals.values()))


def _among_constants(code: CodeType, value: Any) -> bool:
    for constant in code.co_consts:
        if constant is value or (type(constant) is tuple and any(member is value for member in constant)):
            return True
    return False


def constant_of(code: CodeType | None, value: Any) -> bool:
    """Whether `value` is a literal in `code` or in a function written inside it."""
    if code is None:
        return False
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return _among_constants(code, value) or any(constant_of(part, value) for part in inner)


def _caller() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "lineage":
        frame = frame.f_back
    return frame
