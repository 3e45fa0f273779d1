"""The code itself as its version, where nothing else identifies it: digest and snapshot of first-party sources.

Owns reading the entry point's and the loaded first-party modules' sources. Size-capped; what is above the cap counts
in the digest and leaves no text.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import Any

from lineage import first_party
from lineage.redact import redact_text

_TEXT_LIMIT = 64 * 1024
_TOTAL_LIMIT = 256 * 1024
_FILE_LIMIT = 8 << 20
_MAX_MODULES = 500


def capture() -> dict[str, Any] | None:
    """`sourceDigest` and `snapshot` of `weftline_codeVersion`, or None if there is no source (a bare console)."""
    sources = _sources()
    if not sources:
        return None
    whole = hashlib.sha256()
    snapshot: list[dict[str, Any]] = []
    left = _TOTAL_LIMIT
    for module, data in sorted(sources.items()):
        digest = hashlib.sha256(data).hexdigest()
        whole.update(f"{module}\0{digest}\n".encode())
        entry: dict[str, Any] = {"module": module, "digest": digest}
        if len(data) <= min(_TEXT_LIMIT, left):
            entry["text"] = redact_text(data.decode("utf-8", "replace"))
            left -= len(data)
        snapshot.append(entry)
    return {"sourceDigest": whole.hexdigest(), "snapshot": snapshot}


def _sources() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    paths = dict(list(first_party.modules().items())[:_MAX_MODULES])
    name, path = first_party.entry_point()
    if path is not None and first_party.is_first_party(path):
        paths.pop("__main__", None)
        paths[name or "__main__"] = path
    for module, path in paths.items():
        data = _read(path)
        if data is not None:
            found[module] = data
    cells = sys.modules["__main__"].__dict__.get("In") if "__main__" in sys.modules else None
    if "ipykernel" in sys.modules and isinstance(cells, list):
        # A notebook's code is what was run; its outputs are data and stay.
        found["notebook"] = "\n\n".join(cell for cell in cells if isinstance(cell, str)).encode("utf-8", "replace")
    return found


def _read(path: str) -> bytes | None:
    try:
        if os.path.getsize(path) > _FILE_LIMIT:
            return None
        with open(path, "rb") as file:
            return file.read(_FILE_LIMIT)
    except OSError:
        return None
