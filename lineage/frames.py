"""Frames of pandas, polars and Arrow as content, and the schemas of stored tables where a loaded library reads them.

Owns the choice of reader and the caps; how each library's columns become plain buffers is in `frames_pandas`,
`frames_polars` and `frames_arrow`. Nothing lazy is ever computed, nothing is imported that the user has not.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from lineage import diagnostics
from lineage.fingerprint import Content

_POLARS = ("DataFrame", "Series")
_ARROW = ("Table", "RecordBatch", "ChunkedArray", "Array")


def reader(base: type) -> Callable[[Any], Content] | None:
    """The function that reads instances of a class of pandas, polars or pyarrow, or None (lazy frames, readers)."""
    root, name = base.__module__.partition(".")[0], base.__name__
    if root == "pandas":
        from lineage import frames_pandas

        return frames_pandas.READERS.get(name)
    if root == "polars" and name in _POLARS:
        from lineage import frames_polars

        return frames_polars.content
    if root == "pyarrow" and name in _ARROW:
        from lineage import frames_arrow

        return frames_arrow.content
    return None


def stored_schema(path: str) -> tuple[Sequence[dict[str, Any]] | None, int | None]:
    """Fields and rows of a stored table, from its footer, if the user has loaded the library that reads it."""
    lowered = path.lower()
    try:
        if lowered.endswith((".parquet", ".pq")) and "pyarrow.parquet" in sys.modules:
            from lineage import frames_arrow

            return frames_arrow.parquet_schema(path)
        if lowered.endswith((".feather", ".arrow", ".ipc")) and "pyarrow.ipc" in sys.modules:
            from lineage import frames_arrow

            return frames_arrow.ipc_schema(path), None
    except Exception as error:  # half a file, or one that only has the name
        diagnostics.debug(f"no schema of {path}: {type(error).__name__}: {error}")
    return None, None
