"""The `log_*` functions: the same as the methods of `Run`, on the run that the calling code belongs to.

Owns finding that run, the warning when there is none, and nothing else; what is recorded and how is described at the
methods (`recording`). `register_model` also works outside a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from lineage import active, diagnostics, settings
from lineage.guard import guarded

if TYPE_CHECKING:
    from lineage.datasets import Dataset, Model
    from lineage.mentions import Nameable
    from lineage.runs import Run


@guarded
def _here(call: str) -> Run | None:
    """The current run, or None and (unless switched off) a warning."""
    if settings.current().disabled:
        return None
    run = active.current()
    if run is None:
        diagnostics.warn_once(
            f"no-run:{call}",
            f"{call}: not recorded, no run is in progress here; call it inside a @tracked_task function or "
            "`with lineage.run(name):` (in a thread of your own: start it with contextvars.copy_context().run)",
        )
    return run


def log_param(name: str, value: Any) -> None:
    """Record a parameter of the current run: a scalar, None, or a small JSON-like container; secrets are redacted."""
    if (run := _here("log_param")) is not None:
        run.log_param(name, value)


def log_metric(
    name: str, value: Any, step: int | None = None, timestamp: Any = None, *, slice: Mapping[str, Any] | None = None
) -> None:
    """Record a number of the current run; the last value per name and slice counts.

    Args:
        name: for example `auc`.
        value: int, float, bool, or anything `float()` takes.
        step: refused with a warning until series are supported.
        timestamp: when it was measured: datetime, seconds since the epoch or RFC 3339; default now.
        slice: the part of the data it holds for, for example `{"country": "NZ"}`.
    """
    if (run := _here("log_metric")) is not None:
        run.log_metric(name, value, step, timestamp, slice=slice)


def log_metrics(metrics: Mapping[str, Any], step: int | None = None, timestamp: Any = None) -> None:
    """Record several metrics of the current run as one event; see `log_metric`."""
    if (run := _here("log_metrics")) is not None:
        run.log_metrics(metrics, step, timestamp)


def log_input(dataset: Nameable) -> None:
    """Record that the current run reads a dataset: a `Dataset`, a `Model`, a path or an address."""
    if (run := _here("log_input")) is not None:
        run.log_input(dataset)


def log_output(dataset: Nameable) -> None:
    """Record that the current run has written a dataset; call it when the content is there."""
    if (run := _here("log_output")) is not None:
        run.log_output(dataset)


def log_file(path: str | PathLike[str], name: str | None = None) -> None:
    """Record a file the current run has written, by its digest. The file stays where it is: nothing is uploaded yet.

    Args:
        path: the file.
        name: what people call it, for example `confusion matrix`.
    """
    if (run := _here("log_file")) is not None:
        run.log_file(path, name)


def log_check(
    name: str,
    success: bool,
    *,
    dataset: Dataset | None = None,
    severity: str | None = None,
    expected: Any = None,
    actual: Any = None,
) -> None:
    """Record the outcome of a check, of a dataset if one is named, else of the current run."""
    if (run := _here("log_check")) is not None:
        run.log_check(name, success, dataset=dataset, severity=severity, expected=expected, actual=actual)


def log_deployment(model: Dataset | str, target: str, *, endpoint: str | None = None) -> None:
    """Record that a model went live.

    Args:
        model: what `register_model` returned, or the name of a registered model.
        target: where to, for example `production`.
        endpoint: where it answers.
    """
    if (run := _here("log_deployment")) is not None:
        run.log_deployment(model, target, endpoint=endpoint)


def log_predictions(dataset: Nameable, model: Dataset | str) -> None:
    """Record that a dataset holds predictions of a model; the model becomes an input of the current run."""
    if (run := _here("log_predictions")) is not None:
        run.log_predictions(dataset, model)


def tag(key: str, value: Any = True) -> None:
    """Tag the current run: `tag("kind", "debug")`, or `tag("debug")` for true."""
    if (run := _here("tag")) is not None:
        run.tag(key, value)


def register_model(name: str, model: Any = None, tags: Mapping[str, Any] | None = None) -> Model:
    """Register a model under a name; the service gives it a version number.

    Works outside a run too: it then is a run of its own, `register_model`.

    Args:
        name: for example `churn`.
        model: the trained object, or the path of the file or folder it is saved in. Its content's digest identifies
            the version; without a model, or where its content cannot be digested safely, the run does.
        tags: for example `{"stage": "candidate"}`.

    Returns:
        The registered model, with `version` `sha256:…` where its content is known. With a name that is blank or no
        text nothing is registered, a warning says so, and the answer is a model without a name.
    """
    from lineage.datasets import nameless
    from lineage.runs import run

    fallback = _named(name) or nameless()
    if not fallback.name or settings.current().disabled:
        return fallback
    current = active.current()
    if current is not None:
        return current.register_model(name, model, tags) or fallback
    with run("register_model") as own:
        return own.register_model(name, model, tags) or fallback


@guarded
def _named(name: str) -> Model | None:
    from lineage.datasets import Model
    from lineage.errors import NamelessModel

    try:
        return Model(name)
    except NamelessModel as error:
        if not settings.current().disabled:
            diagnostics.warn_once(f"register_model:{error}", f"register_model: not registered, {error}")
        return None
