"""Datasets and models as users name them: what a task read or wrote, whatever store it lies in.

Owns the two value types and how anything a user hands over becomes one (`coerce`). Names are settled by `naming`;
what is in a dataset (digest, schema, rows) is found by `digests`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from lineage import naming
from lineage.errors import NamelessModel

MODEL_NAMESPACE = "models"
MEMORY_NAMESPACE = "memory"
MAX_NAME = 8192

SchemaLike = Mapping[str, str] | Sequence[Mapping[str, Any]]


class Dataset:
    """A dataset: immutable, equal by namespace, name and version.

    `Dataset("s3://bucket/raw.csv")`, `Dataset(Path("raw.csv"))`, `Dataset("postgres://host:5432/db", "public.users")`,
    `Dataset(engine, "public.users")`, `Dataset("hf://datasets/owner/name@revision")`.

    Args:
        location: URL, path or connection string; with `name`, the namespace or a database's address. Logins and
            passwords in it are dropped.
        name: name within that namespace, as a table's `schema.table`.
        version: the store's own version, if there is one (snapshot id, ETag, revision).
        type: OpenLineage's datasetType (FILE, TABLE, TOPIC, MODEL …); found from the location where left out.
        schema: columns, as {name: type} or as OpenLineage fields.
        description: a sentence about it.

    Raises:
        ValueError: the location is empty, too long, or a database without a table.
        TypeError: the location is neither text nor path nor database connection.
    """

    __slots__ = ("description", "name", "namespace", "schema", "type", "version")

    namespace: str
    name: str
    version: str | None
    type: str | None
    schema: tuple[Mapping[str, Any], ...] | None
    description: str | None

    def __init__(
        self,
        location: Any,
        name: str | None = None,
        *,
        version: str | int | None = None,
        type: str | None = None,
        schema: SchemaLike | None = None,
        description: str | None = None,
    ) -> None:
        text = _location_text(location)
        longest = max(len(os.fspath(text)), len(name or ""))
        if longest > MAX_NAME:
            raise ValueError(f"a location or name of {longest} characters; at most {MAX_NAME} are recorded")
        if name is None:
            found = naming.locate(text)
            namespace, name = found.namespace, found.name
            version = version if version is not None else found.version
            type = type or found.type
        else:
            namespace, name = naming.normalise(os.fspath(text), name, look=True)
            if not namespace or not name:
                raise ValueError(
                    "a dataset needs a namespace and a name: Dataset('postgres://host:5432', 'db.schema.table')"
                )
            type = type or naming.dataset_type(namespace)
        values = (namespace, name, None if version is None else str(version), type, _fields(schema), description)
        for slot, value in zip(("namespace", "name", "version", "type", "schema", "description"), values, strict=True):
            object.__setattr__(self, slot, value)

    def __setattr__(self, attribute: str, value: Any) -> None:
        raise AttributeError(f"a Dataset does not change; make another one to set {attribute}")

    def __delattr__(self, attribute: str) -> None:
        raise AttributeError(f"a Dataset does not change; {attribute} stays")

    def _key(self) -> tuple[str, str, str | None]:
        return self.namespace, self.name, self.version

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Dataset) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        version = f", version={self.version!r}" if self.version is not None else ""
        return f"{self.__class__.__name__}({self.namespace!r}, {self.name!r}{version})"

    def __reduce__(self) -> tuple[Any, ...]:
        values = {slot: getattr(self, slot) for slot in Dataset.__slots__}
        return _restore, (self.__class__, values)

    @property
    def is_model(self) -> bool:
        """Whether this is a model."""
        return self.type == "MODEL"

    @property
    def path(self) -> str | None:
        """Path on this machine, or None where the dataset lies elsewhere."""
        return naming.local_path(self.namespace, self.name)


class Model(Dataset):
    """A model by its registered name: a dataset of type MODEL in namespace `models`.

    Args:
        name: name it is, or will be, registered under.
        version: number or digest, where a certain one is meant.
        description: a sentence about it.

    Raises:
        NamelessModel: the name is blank, or no text.
    """

    __slots__ = ()

    def __init__(self, name: str, version: str | int | None = None, *, description: str | None = None) -> None:
        if _blank(name):
            raise NamelessModel(f"a model needs a name, for example 'churn', not {_shown(name)}")
        if len(name) > MAX_NAME:
            raise NamelessModel(f"a model's name has at most {MAX_NAME} characters, not {len(name)}")
        super().__init__(MODEL_NAMESPACE, name, version=version, type="MODEL", description=description)

    def __repr__(self) -> str:
        return f"Model({self.name!r})" if self.version is None else f"Model({self.name!r}, {self.version!r})"


def coerce(thing: Any) -> Dataset:
    """`thing` as a dataset: a Dataset or Model as it is, text and paths by their location.

    Raises:
        TypeError: it names no place; the message says what would.
        ValueError: see `Dataset`.
    """
    return thing if isinstance(thing, Dataset) else Dataset(thing)


def _blank(name: object) -> bool:
    return not isinstance(name, str) or not name.strip()


def _shown(name: object) -> str:
    if type(name) is str:
        return repr(name[:80])
    return f"{name!r:.80}" if name is None or type(name) in (bool, int, float) else f"a {type(name).__name__}"


def nameless() -> Model:
    """What stands for a model that could not be registered: it has no name, and nothing that names it is recorded."""
    empty = dict.fromkeys(Dataset.__slots__) | {"namespace": MODEL_NAMESPACE, "name": "", "type": "MODEL"}
    made: Any = _restore(Model, empty)
    return made  # type: ignore[no-any-return]


def _restore(cls: type[Dataset], values: Mapping[str, Any]) -> Dataset:
    made = object.__new__(cls)
    for slot, value in values.items():
        object.__setattr__(made, slot, value)
    return made


def _location_text(location: Any) -> str | os.PathLike[str]:
    if isinstance(location, (str, os.PathLike)):
        return location
    if type(location).__module__.partition(".")[0] == "sqlalchemy":
        url = getattr(getattr(location, "engine", location), "url", location)
        if url.get_backend_name() in ("sqlite", "duckdb") and url.database:
            return f"{url.get_backend_name()}:///{naming.file_name(url.database)}"
        render = getattr(url, "render_as_string", None)
        if render is not None:
            return str(render(hide_password=True))
    raise TypeError(
        f"{type(location).__name__} names no place: pass a path, a URL, a Dataset, or a namespace and a name"
    )


def _fields(schema: SchemaLike | None) -> tuple[Mapping[str, Any], ...] | None:
    if schema is None:
        return None
    if isinstance(schema, Mapping):
        return tuple({"name": str(name), "type": str(kind)} for name, kind in schema.items())
    return tuple(dict(field) for field in schema)
