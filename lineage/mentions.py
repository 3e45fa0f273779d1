"""Datasets as events mention them: what a user names, described as far as it can be at this moment.

Owns the step from a `Dataset`, `Model`, path or address to a member of an event's `inputs` or `outputs`. Naming is
`datasets`' and `naming`'s, digests are `digests`', values handed from task to task are `passing`'s and `returned`'s.
"""

from __future__ import annotations

import os
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

from lineage import diagnostics, events, facets, increments
from lineage.datasets import Dataset, Model, coerce
from lineage.digests import describe_dataset
from lineage.errors import NamelessModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lineage.recording import Recording

Nameable: TypeAlias = "Dataset | str | PathLike[str]"


def mention(run: Recording, thing: Nameable, extra: dict[str, Any] | None = None) -> events.DatasetEntry | None:
    """The entry of a dataset, with digest and schema where they are at hand; None (and a warning) if it names none.

    A path of this machine where nothing is makes `run` lack it: the entry says what was declared, no more.
    """
    try:
        dataset = coerce(thing)
        if not dataset.name:
            raise ValueError("a model without a name")
    except (TypeError, ValueError) as error:
        diagnostics.warn_once(
            f"dataset:{type(thing).__name__}:{error}",
            f"not recorded: {error}; values passed from one tracked task to another are followed by themselves",
        )
        return None
    absent(run, dataset)
    found = describe_dataset(dataset).facets
    return events.entry(dataset.namespace, dataset.name, {**_by_content(found), **(extra or {})})


def absent(run: Recording, dataset: Dataset) -> bool:
    """Whether a dataset is a path of this machine where nothing is now; `run` then lacks it, and a warning says so."""
    if dataset.path is None:
        return False
    try:
        os.stat(dataset.path)
    except (FileNotFoundError, NotADirectoryError):
        run.lacks(dataset.name, "declared, but there is no such file")
        diagnostics.warn_once(
            f"absent:{dataset.name}",
            f"{dataset.name} is declared, but there is no such file: recorded by its name alone; "
            "call log_output and log_file when the file is written",
        )
        return True
    except OSError as error:
        diagnostics.debug(f"{dataset.name}: {error}")
    return False


def _by_content(found: dict[str, Any]) -> dict[str, Any]:
    """A version that is a digest is told as one, so that it is the same version as where the content was seen."""
    version = found.get("version", {}).get("datasetVersion", "")
    if not version.startswith("sha256:"):
        return found
    rest = {key: value for key, value in found.items() if key != "version"}
    content = {"algorithm": "sha256", "value": version.removeprefix("sha256:"), "exact": True}
    return {**rest, "weftline_digest": facets.digest(content)}


def mentions(run: Recording, things: Iterable[Nameable]) -> list[events.DatasetEntry]:
    """The entries of several; one that cannot be described does not cost the others."""
    found = []
    for thing in things:
        try:
            entry = mention(run, thing)
        except Exception as error:
            said = f"a {type(thing).__name__} is not recorded: {error!s:.200}"
            diagnostics.warn_once(f"mention:{said}", said)
            continue
        if entry is not None:
            found.append(entry)
    return found


def reference(thing: Dataset | str) -> dict[str, str]:
    """A dataset or model as facets name it; a bare name is that of a registered model."""
    dataset = thing if isinstance(thing, Dataset) else Model(thing)
    if not dataset.name:
        raise NamelessModel("a model that could not be registered has no name")
    found = {"namespace": dataset.namespace, "name": dataset.name}
    if dataset.version is not None:
        found["version"] = dataset.version
    return found


def file_entry(run: Recording, path: str | PathLike[str], name: str | None) -> events.DatasetEntry | None:
    """The entry of a file that a run wrote, with the label a user gave it."""
    label = None if name is None else increments.plain("name", name)
    return mention(run, Dataset(path, type="FILE", description=label))
