"""Loads named queries from `.sql` and `.cypher` files shipped in a package.

Owns the file format: a `-- name: x` (SQL) or `// name: x` (Cypher) line, comment lines that describe the query,
then its text up to the next name. Does not run queries and never sees data: values travel as parameters only.
Where a database cannot take an identifier as parameter, `Queries.per` writes one text per member of a closed
enum, in place of the enum's own class name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any, LiteralString, TypeVar

E = TypeVar("E", bound=StrEnum)

_COMMENT = {".sql": "--", ".cypher": "//"}
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a file."""

    name: str
    description: str
    text: str


class Queries(Mapping[str, LiteralString]):
    """The texts of one file's queries by name.

    They are `LiteralString`s, so that type checkers refuse a query put together from data.
    """

    def __init__(self, source: str, queries: list[Query]) -> None:
        self.source = source
        self.queries = {query.name: query for query in queries}
        self._texts: dict[str, LiteralString] = {query.name: _trusted(query.text) for query in queries}

    def __getitem__(self, name: str) -> LiteralString:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.queries)

    def __len__(self) -> int:
        return len(self.queries)

    def per(self, name: str, enum: type[E]) -> dict[E, LiteralString]:
        """One text per member of `enum`: its class name, as a whole word, becomes the member's value.

        Raises:
            ValueError: the text does not name the enum, or a value is not a plain identifier.
        """
        marker = re.compile(rf"\b{enum.__name__}\b")
        text = self[name]
        if not marker.search(text):
            raise ValueError(f"{self.source}: query {name} does not name {enum.__name__}")
        for member in enum:
            if not _IDENTIFIER.match(member.value):
                raise ValueError(f"{enum.__name__}.{member.name} is not an identifier: {member.value!r}")
        return {member: _trusted(marker.sub(member.value, text)) for member in enum}


def load_queries(package: str, path: str) -> Queries:
    """Read and parse one query file of an installed package.

    Args:
        package: dotted name of the package that ships the file.
        path: path of the file below the package, for example `queries/read.sql`.
    """
    return Queries(f"{package}/{path}", parse_queries(read_text(package, path), f"{package}/{path}"))


def read_text(package: str, path: str) -> str:
    """The text of one file below an installed package."""
    return files(package).joinpath(path).read_text(encoding="utf-8")


def list_files(package: str, folder: str) -> list[str]:
    """Sorted names of the files in one folder of an installed package."""
    return sorted(entry.name for entry in files(package).joinpath(folder).iterdir() if entry.is_file())


def parse_queries(text: str, source: str) -> list[Query]:
    """Split a query file into its queries.

    Raises:
        ValueError: text before the first name, a name given twice, or a query without description or text.
    """
    comment = _COMMENT[source[source.rindex(".") :]]
    header = re.compile(rf"^{comment} name: *(\w+) *$", re.MULTILINE)
    parts = header.split(text)
    if any(not line.startswith(comment) for line in parts[0].strip().splitlines()):
        raise ValueError(f"{source}: text before the first `{comment} name:` line")
    queries: dict[str, Query] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name in queries:
            raise ValueError(f"{source}: query {name} is given twice")
        lines = body.strip().splitlines()
        described = [line for line in lines if line.startswith(comment)]
        statement = "\n".join(line for line in lines if not line.startswith(comment)).strip().removesuffix(";")
        if not described or not statement:
            raise ValueError(f"{source}: query {name} needs a description line and a text")
        description = " ".join(line.removeprefix(comment).strip() for line in described)
        queries[name] = Query(name, description, statement)
    return list(queries.values())


def parse_statements(text: str, comment: str) -> list[LiteralString]:
    """The statements of a migration: separated by `;` at a line's end, comment lines left out."""
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(comment))
    parts = (part.strip() for part in re.split(r";[ \t]*(?:\n|\Z)", kept))
    return [_trusted(part) for part in parts if part]


def _trusted(text: Any) -> LiteralString:
    """Text of a file this package ships; the one place where text becomes a query."""
    literal: LiteralString = text
    return literal
