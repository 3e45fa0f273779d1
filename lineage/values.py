"""Content of a value in memory, whatever its kind: the dispatch to frames, arrays, plain values and estimators.

Owns which reader takes what, by the class's own module, so that a library the user has not imported is never
touched. A value that can't be read without running its author's code has no content.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from lineage import diagnostics
from lineage.fingerprint import Content, Fingerprint, TooBig, Unreadable
from lineage.plain import MAX_VALUES, Encoder

Reader = Callable[[Any], Content]

# library → the module that reads its objects
_OWNERS = {
    "pandas": "frames",
    "polars": "frames",
    "pyarrow": "frames",
    "numpy": "arrays",
    "scipy": "estimators",
    "sklearn": "estimators",
}
# Some 20 ms each on a usual machine.
BRIEF_VALUES = 10_000
BRIEF_BYTES = 16 << 20
_BYTES = (bytes, bytearray, memoryview)


def content(value: Any, *, brief: bool = False) -> Content | None:
    """What is in `value`, or None: nothing (None itself) or nothing that can be read safely.

    Args:
        value: anything.
        brief: somebody waits: of a plain value that is too big for that, only say so.
    """
    if value is None:
        return None
    try:
        return _content(value, brief=brief)
    except TooBig as reason:
        return Content(None, exact=False, note=f"too big for a digest while the task waits: {reason}")
    except Unreadable as reason:
        diagnostics.debug(f"no digest of a {type(value).__qualname__}: {reason}")
    except RecursionError:
        diagnostics.debug(f"no digest of a {type(value).__qualname__}: nested too deeply")
    except Exception as error:  # a library refusing its own object must not cost the run its record
        diagnostics.debug(f"no digest of a {type(value).__qualname__}: {type(error).__name__}: {error}")
    return None


def _content(value: Any, *, brief: bool) -> Content:
    kind = type(value)
    if kind in _BYTES:
        if brief and memoryview(value).nbytes > BRIEF_BYTES:
            raise TooBig(f"more than {BRIEF_BYTES >> 20} MiB")
        # The same as the digest of a file with these bytes.
        view = memoryview(value)
        data = view if view.contiguous else view.tobytes()
        return Content(hashlib.sha256(data).hexdigest(), bytes=view.nbytes)
    reader = _reader(kind)
    if reader is not None:
        return reader(value)
    return plain_content(value, BRIEF_VALUES if brief else MAX_VALUES)


def plain_content(value: Any, most: int = MAX_VALUES) -> Content:
    """Content of plain values and containers; what else is inside is read as itself.

    Raises:
        Unreadable: something inside can't be read.
    """
    inexact: list[str] = []

    def other(inner: Any) -> bytes:
        reader = _reader(type(inner))
        if reader is None:
            raise Unreadable(f"it holds a {type(inner).__module__}.{type(inner).__qualname__}")
        found = reader(inner)
        if not found.exact:
            inexact.append(found.note or "sampled")
        return f"{type(inner).__module__.partition('.')[0]}:{found.value}".encode()

    encoded = Encoder(other, most).encode(value)
    whole = Fingerprint("plain")
    whole.add("value", encoded)
    rows = len(value) if type(value) in (list, tuple) else None
    return Content(whole.hex(), not inexact, rows=rows, bytes=len(encoded), note=inexact[0] if inexact else None)


def _reader(kind: type) -> Reader | None:
    """The function that reads instances of `kind`, or None. Subclasses are read as what they derive from."""
    for base in kind.__mro__:
        root = str(base.__module__).partition(".")[0]
        owner = _OWNERS.get(root)
        if owner is None or root not in sys.modules:
            continue
        found: Reader | None = import_module(f"lineage.{owner}").reader(base)
        if found is not None:
            return found
    return None
