"""What a run can be told while it goes on: the `log_*` methods of `Run`.

Owns their signatures and turns each call into one event with just its increment, in the kernel before the call
returns. Life and end of a run are `runs`' business; the functions of the same names that act on the current run are
in `record`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from itertools import islice
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from lineage import diagnostics, facets, increments, mentions, registration, settings
from lineage.datasets import Model
from lineage.guard import guarded

if TYPE_CHECKING:
    from os import PathLike

    from lineage.datasets import Dataset
    from lineage.events import DatasetEntry
    from lineage.mentions import Nameable
    from lineage.runs import Run


P = ParamSpec("P")
T = TypeVar("T")


def _recorded(method: Callable[P, T]) -> Callable[P, T | None]:
    """A method that does nothing when the SDK is switched off, and never raises."""
    safe = guarded(method)

    @wraps(method)
    def inner(*args: P.args, **kwargs: P.kwargs) -> T | None:
        return None if settings.current().disabled else safe(*args, **kwargs)

    return inner


class Recording:
    """The recording half of a run."""

    __slots__ = ()

    def increment(
        self,
        run_facets: Mapping[str, Any] | None = None,
        inputs: Iterable[DatasetEntry] = (),
        outputs: Iterable[DatasetEntry] = (),
    ) -> None:
        """Send one event that adds something to the run."""
        raise NotImplementedError

    def lacks(self, what: str, why: str) -> None:
        """Note that a piece of evidence is missing."""
        raise NotImplementedError

    @_recorded
    def log_param(self, name: str, value: Any) -> None:
        """Record a parameter: a scalar, None, or a small JSON-like container; secrets are redacted."""
        if increments.name_of("log_param", name) is None:
            return
        found = increments.parameter(name, value)
        if found is None:
            diagnostics.warn_once(
                f"param:{name}",
                f"log_param({name!r}): not recorded, a {type(value).__name__} is no scalar and no small JSON value",
            )
            return
        self.increment(facets.parameters({name: found}))

    @_recorded
    def log_metric(
        self,
        name: str,
        value: Any,
        step: int | None = None,
        timestamp: Any = None,
        *,
        slice: Mapping[str, Any] | None = None,
    ) -> None:
        """Record a number; the last value per name and slice counts.

        Args:
            name: for example `auc`.
            value: int, float, bool, or anything `float()` takes.
            step: refused with a warning until series are supported.
            timestamp: when it was measured: datetime, seconds since the epoch or RFC 3339; default now.
            slice: the part of the data it holds for, for example `{"country": "NZ"}`.
        """
        if increments.name_of("log_metric", name) is None:
            return
        if step is not None:
            increments.refuse_step(name)
            return
        item = increments.metric(name, value, timestamp, slice)
        if item is not None:
            self.increment({"weftline_metrics": facets.metrics([item])})

    @_recorded
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None, timestamp: Any = None) -> None:
        """Record several metrics as one event; see `log_metric`."""
        if step is not None:
            increments.refuse_step(", ".join(str(name)[:50] for name in islice(metrics, 4)))
            return
        items = []
        for name, value in metrics.items():
            if increments.name_of("log_metrics", name) is not None:
                item = increments.metric(name, value, timestamp, None)
                if item is not None:
                    items.append(item)
        if items:
            self.increment({"weftline_metrics": facets.metrics(items)})

    @_recorded
    def log_input(self, dataset: Nameable) -> None:
        """Record that the run reads a dataset: a `Dataset`, a `Model`, a path or an address."""
        entry = mentions.mention(self, dataset)
        if entry is not None:
            self.increment(inputs=[entry])

    @_recorded
    def log_output(self, dataset: Nameable) -> None:
        """Record that the run has written a dataset; call it when the content is there."""
        entry = mentions.mention(self, dataset)
        if entry is not None:
            self.increment(outputs=[entry])

    @_recorded
    def log_file(self, path: str | PathLike[str], name: str | None = None) -> None:
        """Record a file the run has written, by its digest. The file stays where it is: nothing is uploaded yet.

        Args:
            path: the file.
            name: what people call it, for example `confusion matrix`.
        """
        entry = mentions.file_entry(self, path, name)
        if entry is not None:
            self.increment(outputs=[entry])

    @_recorded
    def log_check(
        self,
        name: str,
        success: bool,
        *,
        dataset: Dataset | None = None,
        severity: str | None = None,
        expected: Any = None,
        actual: Any = None,
    ) -> None:
        """Record the outcome of a check, of a dataset if one is named, else of the run."""
        if increments.name_of("log_check", name) is not None:
            subject = None if dataset is None else mentions.reference(dataset)
            item = increments.check(name, success, subject, severity, expected, actual)
            if item is not None:
                self.increment({"weftline_checks": facets.checks([item])})

    @_recorded
    def log_deployment(self, model: Dataset | str, target: str, *, endpoint: str | None = None) -> None:
        """Record that a model went live.

        Args:
            model: what `register_model` returned, or the name of a registered model.
            target: where to, for example `production`.
            endpoint: where it answers.
        """
        item = increments.deployment(mentions.reference(model), target, endpoint)
        self.increment({"weftline_deployments": facets.deployments([item])})

    @_recorded
    def log_predictions(self, dataset: Nameable, model: Dataset | str) -> None:
        """Record that a dataset holds predictions of a model; the model becomes an input of the run."""
        used = Model(model) if isinstance(model, str) else model
        facet = {"weftline_predictions": facets.predictions(mentions.reference(used))}
        entry = mentions.mention(self, dataset, facet)
        if entry is not None:
            self.increment(inputs=mentions.mentions(self, [used]), outputs=[entry])

    @_recorded
    def tag(self, key: str, value: Any = True) -> None:
        """Tag the run: `tag("kind", "debug")`, or `tag("debug")` for true."""
        if increments.name_of("tag", key) is not None:
            self.increment({"tags": facets.tags({key: increments.plain(key, value)})})

    @_recorded
    def register_model(self, name: str, model: Any = None, tags: Mapping[str, Any] | None = None) -> Model:
        """Register a model that this run has made; see `lineage.register_model`."""
        return registration.register(cast("Run", self), name, model, tags)
