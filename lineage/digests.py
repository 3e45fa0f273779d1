"""What is in a dataset: fingerprint, schema, rows and bytes, of things stored and of values in memory.

Owns `describe_dataset` and `describe_value` and their answer. Never touches a network, never imports a library that
the user has not imported, never runs a user's code. How the kinds are read is in `files`, `frames`, `plain` and
`estimators`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage import facets, files
from lineage.datasets import Dataset
from lineage.fingerprint import Content


@dataclass(frozen=True, slots=True)
class DatasetDescription:
    """What is known of a dataset or value, as OpenLineage facets and as plain figures.

    Args:
        content: digest, rows, bytes and schema that were found; None if nothing could be read.
        version: the store's own version.
        type: OpenLineage's datasetType.
        schema: columns the user stated; they win over found ones.
        description: a sentence about it.
    """

    content: Content | None = None
    version: str | None = None
    type: str | None = None
    schema: Sequence[Mapping[str, Any]] | None = None
    description: str | None = None

    @property
    def digest(self) -> str | None:
        """Exact SHA-256 of the content in hexadecimal, or None where there is none that identifies it."""
        return self.content.value if self.content is not None and self.content.exact else None

    @property
    def rows(self) -> int | None:
        """Number of rows, where known."""
        return self.content.rows if self.content is not None else None

    @property
    def bytes(self) -> int | None:
        """Size of the content, where known."""
        return self.content.bytes if self.content is not None else None

    @property
    def facets(self) -> dict[str, Any]:
        """OpenLineage dataset facets, complete with producer and schema address."""
        found: dict[str, Any] = {}
        if self.version is not None:
            found["version"] = facets.version(self.version)
        if self.type is not None:
            found["datasetType"] = facets.dataset_type(self.type)
        if self.description:
            found["documentation"] = facets.documentation(self.description)
        fields = self.schema or (self.content.fields if self.content is not None else None)
        if fields:
            found["schema"] = facets.schema(fields)
        if self.content is not None and self.content.value is not None:
            found["weftline_digest"] = facets.digest(self.content.facet())
        return found


def describe_dataset(dataset: Dataset) -> DatasetDescription:
    """Describe a dataset by what it says of itself and, where it lies on this machine, by its content.

    Files and folders are digested (see `files`); anything else is described from the `Dataset` alone.
    """
    path = dataset.path
    content = files.content(path) if path is not None else None
    return DatasetDescription(content, dataset.version, dataset.type, dataset.schema, dataset.description)


def describe_value(value: Any, *, brief: bool = False) -> DatasetDescription | None:
    """Describe a value in memory, or None if it can't be read without running somebody's code.

    Frames and arrays, bytes, text, numbers, containers of these, fitted estimators. The same content gives the same
    digest in every process; order, types and index count. `rowsDigest` is the same for the same rows in another order.

    Args:
        value: anything.
        brief: a task waits for this: a plain value too big for that gets no digest, and `content.note` says why.
    """
    from lineage import values

    content = values.content(value, brief=brief)
    return None if content is None else DatasetDescription(content, type=content.type)
