"""weftline's SDK: what runs inside the user's process.

    from lineage import tracked_task

    @tracked_task
    def clean(rows): ...

Owns the public names and nothing else; each is loaded from its module when it is first used, so that importing
`lineage` costs next to nothing. No submodule has the name of a public function: importing it would hide the function.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage.ask import impact, origins, query, why
    from lineage.capture import autocapture
    from lineage.datasets import Dataset, Model
    from lineage.decorators import tracked_flow, tracked_task
    from lineage.record import (
        log_check,
        log_deployment,
        log_file,
        log_input,
        log_metric,
        log_metrics,
        log_output,
        log_param,
        log_predictions,
        register_model,
        tag,
    )
    from lineage.runs import Run, current_run, run

__version__ = "0.1.0"

__all__ = [
    "Dataset",
    "Model",
    "Run",
    "autocapture",
    "current_run",
    "impact",
    "log_check",
    "log_deployment",
    "log_file",
    "log_input",
    "log_metric",
    "log_metrics",
    "log_output",
    "log_param",
    "log_predictions",
    "origins",
    "query",
    "register_model",
    "run",
    "tag",
    "tracked_flow",
    "tracked_task",
    "why",
]

_HOMES = {
    "ask": ("impact", "origins", "query", "why"),
    "capture": ("autocapture",),
    "datasets": ("Dataset", "Model"),
    "decorators": ("tracked_flow", "tracked_task"),
    "runs": ("Run", "current_run", "run"),
    "record": (
        "log_check",
        "log_deployment",
        "log_file",
        "log_input",
        "log_metric",
        "log_metrics",
        "log_output",
        "log_param",
        "log_predictions",
        "register_model",
        "tag",
    ),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    try:
        home = _HOME[name]
    except KeyError:
        raise AttributeError(f"module 'lineage' has no attribute {name!r}") from None
    value = getattr(import_module(f"lineage.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
