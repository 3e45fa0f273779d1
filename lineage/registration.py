"""Registering a model: the output dataset that asks the model registry for a version number.

Owns what identifies the version (the digest of the model's content, where it has one) and the input that ties it to
the run or file it comes from. Numbers are given by the service.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lineage import arguments, events, facets, handover, increments, mentions, passing
from lineage.datasets import Dataset, Model
from lineage.digests import DatasetDescription, describe_dataset, describe_value
from lineage.passing import Origin

if TYPE_CHECKING:
    from lineage.runs import Run


def register(run: Run, name: str, model: Any, tags: Mapping[str, Any] | None) -> Model:
    """Record a registration in `run`; see `lineage.register_model`."""
    described, inputs = _content(run, model)
    found: dict[str, Any] = {
        "datasetType": facets.dataset_type("MODEL"),
        "weftline_modelRegistration": facets.model_registration(name, increments.members(tags or {})),
    }
    digest = None
    if described is not None:
        found |= {key: value for key, value in described.facets.items() if key in ("weftline_digest", "schema")}
        digest = described.digest
    registered = Model(name, None if digest is None else f"sha256:{digest}")
    run.tally.models[name] = digest
    run.increment(inputs=inputs, outputs=[events.entry(registered.namespace, registered.name, found)])
    origin = Origin(run.id, run.namespace, run.job, registered.namespace, registered.name)
    passing.returned(registered, (origin,))
    return registered


def _content(run: Run, model: Any) -> tuple[DatasetDescription | None, list[events.DatasetEntry]]:
    """What is known of the model's content, and the entry of where it comes from."""
    if model is None:
        return None, []
    if isinstance(model, (str, os.PathLike, Dataset)):
        dataset = model if isinstance(model, Dataset) else Dataset(model)
        if mentions.absent(run, dataset) or _made_here(run, dataset):
            return describe_dataset(dataset), []
        return describe_dataset(dataset), mentions.mentions(run, [dataset])
    inputs = handover.inputs({"model": model}, run.id, run.known_inputs)
    seed = None if run.seeded or inputs else arguments.open_seed_of(model)
    if seed is not None:  # trained here; a run that trained it elsewhere has told
        run.lacks("seed", f"{seed} not set")
    return describe_value(model), inputs


def _made_here(run: Run, dataset: Dataset) -> bool:
    """Whether the run itself has written the file, as far as can be seen: it is then no input."""
    if any((namespace, name) == (dataset.namespace, dataset.name) for namespace, name, _ in list(run.tally.outputs)):
        return (dataset.namespace, dataset.name) in run.written
    if dataset.path is None:
        return False
    try:
        stamp = os.stat(dataset.path).st_mtime_ns
    except OSError:
        return False
    place = os.path.abspath(dataset.path)
    if place in run.stamps:
        return stamp != run.stamps[place]
    # Files are stamped by the tick (4 or 10 ms): one written as the run began may pass for older, and then is an input.
    return stamp >= run.started * 1e9
