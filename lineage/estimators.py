"""Fitted estimators (scikit-learn's) and sparse matrices as content: a model's digest without pickling it.

Owns the walk over parameters and fitted attributes: the instance's dictionary, never its methods, so no code of a
user's subclass runs; scikit-learn's and SciPy's own compiled objects are asked for their state. What isn't
walkable makes the whole estimator unreadable rather than half digested.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from lineage.fingerprint import Content, Fingerprint, Unreadable

_TRUSTED = ("sklearn", "scipy", "numpy")
_MAX_OBJECTS = 200_000


def reader(base: type) -> Callable[[Any], Content] | None:
    """The function that reads instances of a class of scikit-learn or SciPy, or None."""
    names = {c.__name__ for c in base.__mro__}
    if "BaseEstimator" in names:
        return estimator
    return sparse if _is_sparse(base) else None


def estimator(value: Any) -> Content:
    """Content of an estimator: its class, parameters and fitted attributes.

    Raises:
        Unreadable: an attribute can't be walked.
    """
    walk = _Walk()
    walk.add(value)
    return Content(walk.print_.hex(), not walk.inexact, bytes=walk.print_.bytes, note=walk.inexact, type="MODEL")


def sparse(value: Any) -> Content:
    """Content of a sparse matrix: shape, format and stored entries."""
    walk = _Walk()
    walk.add(value)
    return Content(
        walk.print_.hex(), not walk.inexact, rows=int(value.shape[0]), bytes=walk.print_.bytes, note=walk.inexact
    )


def _is_sparse(kind: type) -> bool:
    return kind.__module__.startswith("scipy.sparse") and any(base.__name__ == "_spbase" for base in kind.__mro__)


class _Walk:
    """One pass over an object tree; shared objects are written once and then by their number."""

    def __init__(self) -> None:
        self.print_ = Fingerprint("estimator")
        self.inexact: str | None = None
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []

    def add(self, value: Any) -> None:
        kind = type(value)
        if kind in (type(None), bool, int, float, complex, str, bytes):
            self._leaf(value)
            return
        if kind.__module__.partition(".")[0] == "numpy":
            self._numpy(value, kind)  # by content wherever it stands: sharing an array is no part of a model
            return
        number = self._seen.get(id(value))
        if number is not None:
            self.print_.add("again", str(number).encode())
            return
        if len(self._seen) >= _MAX_OBJECTS:
            raise Unreadable(f"more than {_MAX_OBJECTS} objects")
        self._seen[id(value)] = len(self._seen)
        self._kept.append(value)  # an id is only somebody's while it lives
        self._compound(value, kind)

    def _leaf(self, value: Any) -> None:
        from lineage.plain import Encoder

        self.print_.add("value", Encoder(lambda inner: b"").encode(value))

    def _compound(self, value: Any, kind: type) -> None:
        if kind in (list, tuple):
            self.print_.add(kind.__name__, str(len(value)).encode())
            for item in value:
                self.add(item)
        elif issubclass(kind, dict):
            self._items("dict", dict.items(value))
        elif kind in (set, frozenset, slice):
            self._plain(value)
        elif kind in (FunctionType, BuiltinFunctionType, MethodType) or issubclass(kind, type):
            self._code(value)
        elif kind is partial:
            for part in (value.func, value.args, value.keywords):
                self.add(part)
        elif _is_sparse(kind):
            self._sparse(value, kind)
        elif self._own(kind):
            self._object(value, kind)
        else:
            self._plain(value)

    def _sparse(self, value: Any, kind: type) -> None:
        """Shape, format and entries; what SciPy remembers about their order is not content."""
        self.print_.text("sparse", f"{kind.__qualname__}:{value.format}:{tuple(value.shape)}")
        stored = value if value.format in ("csr", "csc", "bsr", "dia", "coo") else value.tocoo()
        for name in ("data", "indices", "indptr", "offsets", "coords"):
            part = getattr(stored, name, None)
            if part is not None:
                self.add(name)
                self.add(part)

    @staticmethod
    def _own(kind: type) -> bool:
        """Whether instances are estimators, or objects that scikit-learn and SciPy keep inside them."""
        roots = {base.__module__.partition(".")[0] for base in kind.__mro__}
        return "sklearn" in roots or kind.__module__.partition(".")[0] in _TRUSTED

    def _object(self, value: Any, kind: type) -> None:
        self.print_.text("class", f"{kind.__module__}.{kind.__qualname__}")
        try:
            state = object.__getattribute__(value, "__dict__")
        except AttributeError:
            state = None
        if state is not None and (state or kind.__module__.partition(".")[0] not in _TRUSTED):
            self._items("state", state.items())
        elif kind.__module__.partition(".")[0] in _TRUSTED:
            # Compiled classes: the state is what they pickle, asked for without pickling anything.
            self.add(self._reduced(value))
        else:
            raise Unreadable(f"{kind.__module__}.{kind.__qualname__} keeps no readable state")

    @staticmethod
    def _reduced(value: Any) -> Any:
        parts = value.__reduce_ex__(2)
        if not isinstance(parts, tuple):
            raise Unreadable(f"{type(value).__qualname__} keeps no readable state")
        # Of what it would be rebuilt with, classes are named already.
        arguments = tuple(a for a in parts[1] if not isinstance(a, type)) if len(parts) > 1 else ()
        return (arguments, parts[2] if len(parts) > 2 else None)

    def _items(self, tag: str, items: Any) -> None:
        pairs = list(items)
        self.print_.add(tag, str(len(pairs)).encode())
        if all(type(key) is str for key, _ in pairs):
            pairs.sort(key=lambda pair: pair[0])
        for key, item in pairs:
            self.add(key)
            self.add(item)

    def _numpy(self, value: Any, kind: type) -> None:
        from lineage import arrays

        np: Any = sys.modules["numpy"]
        if isinstance(value, np.ndarray) and value.dtype.kind == "O":
            self.print_.add("objects", str(value.shape).encode())
            for item in value.reshape(-1).tolist():
                self.add(item)
            return
        if isinstance(value, (np.dtype, np.ufunc)):
            self.print_.text("named", f"{kind.__qualname__}:{value!s}")
            return
        found = arrays.reader(kind)
        if found is None:
            self._object(value, kind)
        else:
            self._content(found(value))

    def _plain(self, value: Any) -> None:
        from lineage import values

        self._content(values.content(value))

    def _content(self, found: Content | None) -> None:
        if found is None or found.value is None:
            raise Unreadable("it holds something that can't be read without running its author's code")
        self.inexact = self.inexact or (None if found.exact else found.note or "sampled")
        self.print_.add("content", found.value.encode())

    def _code(self, value: Any) -> None:
        """Functions and classes count by name; a function made on the spot by its byte code too."""
        module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", repr(type(value)))
        self.print_.text("code", f"{module}:{name}")
        code = getattr(value, "__code__", None)
        if code is not None and "<" in name:
            if getattr(value, "__closure__", None):
                raise Unreadable(f"{name} closes over values")
            self.print_.add("bytecode", code.co_code)
            self.print_.text("constants", repr([c for c in code.co_consts if not hasattr(c, "co_code")]))
            self.print_.text("names", repr(code.co_names))
        if isinstance(value, MethodType):
            self.add(value.__self__)
