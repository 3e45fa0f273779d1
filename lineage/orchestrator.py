"""What an orchestrator says of the code that runs here: which of its runs this is, and whose children it has.

Owns the shape of that answer (`Place`), who is asked for it, and the rule by which a tracked call becomes the
orchestrator's run itself (it is the function the orchestrator called), its child (anything else in there), or neither.
Knows no orchestrator: an integration lies in a package of its own, and is imported when its orchestrator has been
imported by somebody else. Runs are `runs`' business.
"""

from __future__ import annotations

import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from lineage import diagnostics

if TYPE_CHECKING:
    from lineage.events import DatasetEntry
    from lineage.facets import Facet
    from lineage.runs import Run

# The orchestrator's module that is imported wherever it runs something → the module of ours that is its `Integration`.
_INTEGRATIONS = {
    "prefect.context": "lineage_prefect.integration",
    "airflow.sdk": "lineage_airflow.integration",
}
_MADE_UP = re.compile(r"^unusual_prefix_[0-9a-f]{40}_")


@dataclass(frozen=True, slots=True)
class Named:
    """A run as events name it: its id, its job and the job's namespace."""

    run_id: str
    job: str
    namespace: str

    @property
    def job_entry(self) -> dict[str, str]:
        """The job as events refer to it."""
        return {"namespace": self.namespace, "name": self.job}


@dataclass(frozen=True, slots=True)
class Place:
    """The orchestrator's run that surrounds the code running here.

    Attributes:
        run: the run itself; of a task that is tried again, this attempt.
        parent: the run it is part of, if any.
        root: the outermost run of the tree; None if that is `parent`, or the run itself.
        body: the function it calls; a tracked call of that function is the run.
        prefix: what jobs inside are called after: `<prefix>.<name>`.
        attempt: which attempt this is, from 1.
        facets: run facets told with its beginning; free of secrets, they are not redacted again.
        handed: by argument of `body`, the runs that returned what it is given, as far as the orchestrator knows.
        told: whether somebody else sends its START and its end, so that we only add to it.
        received: the datasets that other runs gave it, where that cannot be seen here; told with its beginning.
        returned: what becomes of the value it returns, where the orchestrator takes it to other processes.
        made: the datasets that the orchestrator says it has written, asked when it has returned.
    """

    run: Named
    parent: Named | None = None
    root: Named | None = None
    body: Callable[..., Any] | None = None
    prefix: str | None = None
    attempt: int | None = None
    facets: Mapping[str, Facet] = field(default_factory=dict)
    handed: Mapping[str, tuple[Named, ...]] = field(default_factory=dict)
    told: bool = False
    received: Callable[[], list[DatasetEntry]] | None = None
    returned: Callable[[Any], list[DatasetEntry]] | None = None
    made: Callable[[], list[DatasetEntry]] | None = None

    @property
    def top(self) -> Named:
        """The outermost run of the tree."""
        return self.root or self.parent or self.run


class Integration(Protocol):
    """What a module in the table above offers."""

    def place(self) -> Place | None:
        """The run that surrounds the calling code; None outside the orchestrator. Fast: asked at each tracked call."""
        ...

    def adopt(self, thing: Any, kind: str, options: Mapping[str, Any]) -> Any:
        """`thing`, one of the orchestrator's own objects, tracked with a decorator's options; None if it is none."""
        ...


_loaded: dict[str, Integration | None] = {}
_MAX_ENDED = 10_000
_ended: OrderedDict[str, str] = OrderedDict()


def surroundings(function: Callable[..., Any] | None, parent: Run | None) -> tuple[Place | None, bool]:
    """The place a run beginning here has, and whether it is the orchestrator's run itself.

    Args:
        function: the function called, None for a block of code.
        parent: the run of ours that is current.

    Returns:
        (None, False) outside an orchestrator, and where `parent` is that run already or inside it.
    """
    for place in _places():
        run = parent
        while run is not None:
            if run.id == place.run.run_id:
                return None, False
            run = run.parent
        return place, function is not None and _same(place.body, function)
    return None, False


def adopted(thing: Any, kind: str, options: Mapping[str, Any]) -> Any:
    """An orchestrator's own object (a task, a flow) made to be tracked, or None if it belongs to no orchestrator."""
    for integration in _integrations():
        try:
            found = integration.adopt(thing, kind, options)
        except Exception as error:
            diagnostics.warn_once(f"orchestrator:{thing!r:.200}", f"{thing!r:.200} is not tracked: {error!r}")
            continue
        if found is not None:
            return found
    return None


def ended(run_id: str, state: str) -> None:
    """Note that this process has told the end of an orchestrator's run: COMPLETE, FAIL or ABORT."""
    _ended[run_id] = state
    if len(_ended) > _MAX_ENDED:
        _ended.popitem(last=False)


def end_of(run_id: str) -> str | None:
    """Which end this process has told of an orchestrator's run lately, so that a hook need not tell it again."""
    return _ended.get(run_id)


def module_name(function: Any) -> str | None:
    """The module a function was written in: Airflow imports DAG files under names that it makes up."""
    name = getattr(function, "__module__", None)
    return _MADE_UP.sub("", name) if isinstance(name, str) else None


def _places() -> list[Place]:
    found = []
    for integration in _integrations():
        try:
            place = integration.place()
        except Exception as error:
            diagnostics.warn_once("orchestrator:place", f"the orchestrator's run cannot be read: {error!r}")
            continue
        if place is not None:
            found.append(place)
    return found


def _integrations() -> list[Integration]:
    for theirs, ours in _INTEGRATIONS.items():
        if theirs in sys.modules and theirs not in _loaded:
            _loaded[theirs] = None
            try:
                _loaded[theirs] = cast("Integration", import_module(ours))
            except Exception as error:
                diagnostics.warn_once(f"orchestrator:{ours}", f"{ours} cannot be used: {error!r}")
    return [integration for integration in _loaded.values() if integration is not None]


def _same(body: Callable[..., Any] | None, function: Callable[..., Any]) -> bool:
    """Whether calling `body` calls `function`: it is it, or is wrapped around it."""
    inner: Any = body
    while inner is not None:
        if inner is function:
            return True
        inner = getattr(inner, "__wrapped__", None)
    return False
