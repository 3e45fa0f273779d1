"""What is installed in this environment, read from the records that installers leave on `sys.path`.

Owns names, versions and origins of distributions. `importlib.metadata` knows the same and more, but brings the parsers
of mail, CSV and archives (several megabytes) into every process that is tracked.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

from lineage import diagnostics

_RECORDS = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}
_HEADERS = 64 << 10
_NORMAL = re.compile(r"[-_.]+")


def packages() -> dict[str, str]:
    """Versions of installed distributions by normalised name; of doubles the one that an import would find."""
    found: dict[str, str] = {}
    for path, record in _distributions():
        name, version = _name_and_version(path, record)
        if name and version:
            found.setdefault(_NORMAL.sub("-", name).lower(), version)
    return dict(sorted(found.items()))


def origins(package: str) -> Iterator[dict[str, Any]]:
    """Where the distributions that hold an import package were installed from: pip's `direct_url.json` (PEP 610)."""
    for path, _ in _distributions():
        try:
            with open(os.path.join(path, "direct_url.json"), encoding="utf-8") as file:
                origin = json.load(file)
            with open(os.path.join(path, "RECORD"), encoding="utf-8") as file:
                holds = any(line.startswith((f"{package}/", f"{package}.py,")) for line in file)
        except (OSError, ValueError):  # not installed from a URL, or a record nobody can read
            continue
        if holds and isinstance(origin, dict):
            yield origin


def _distributions() -> Iterator[tuple[str, str]]:
    """(folder or file of a distribution's record, name of its metadata file), in the order of `sys.path`."""
    for folder in dict.fromkeys(sys.path):
        try:
            entries = sorted(os.listdir(folder or os.curdir))
        except OSError:  # a zip file, or a folder that is gone
            continue
        for entry in entries:
            record = _RECORDS.get(os.path.splitext(entry)[1])
            if record is not None:
                yield os.path.join(folder, entry), record


def _name_and_version(path: str, record: str) -> tuple[str, str]:
    """Of one installed distribution; empty where its metadata cannot be read."""
    try:
        with open(os.path.join(path, record) if os.path.isdir(path) else path, "rb") as file:
            head = file.read(_HEADERS).partition(b"\n\n")[0].decode()
    except (OSError, ValueError) as error:  # half-removed or hand-made metadata
        diagnostics.debug(f"a distribution can't be read: {error!r}")
        return "", ""
    parts = (line.partition(":") for line in head.splitlines() if not line.startswith((" ", "\t")))
    headers = {name: value for name, _, value in parts}
    return headers.get("Name", "").strip(), headers.get("Version", "").strip()
