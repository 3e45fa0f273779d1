"""Which version, and which generation of it, an input means.

Owns the binding rule of design § 4: the latest finished, not failed generation that is not the run's own, at or
before the run's start, over the alias component. Pure given a `Timeline`, the port through which it sees the
generations of other runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from lineage_graph import identity
from lineage_graph.derive.view import Mention, Passed, RunView
from lineage_graph.model import Basis, Precision

DECLARED = b""
"""`run` of a generation that a dataset event declared: no run made it, as far as anybody said."""


class Generation(NamedTuple):
    """A version came to be: by `run`, at `time` (UTC microseconds)."""

    version: bytes
    dataset: bytes
    run: bytes
    time: int


class Timeline(Protocol):
    """Generations over all runs of a project, as derived so far."""

    def members(self, dataset: bytes) -> Sequence[bytes]:
        """The dataset's alias component, itself included."""
        ...

    def name(self, dataset: bytes) -> tuple[str, str]:
        """(namespace, name) of a dataset."""
        ...

    def latest(self, datasets: Sequence[bytes], at: int | None, not_run: bytes) -> Generation | None:
        """The last finished generation of any of the datasets at or before `at`, by (time, version, run)."""
        ...

    def latest_of(self, versions: Sequence[bytes], at: int | None, not_run: bytes) -> Generation | None:
        """The same over all generations of these versions."""
        ...

    def generated(self, versions: Sequence[bytes]) -> bool:
        """Whether any run, finished or not, generated one of these versions."""
        ...

    def made_by(self, run: bytes, dataset: bytes) -> Sequence[bytes]:
        """Versions of a dataset that a run generated."""
        ...


@dataclass(slots=True)
class Bound:
    """One input, settled.

    `generation` is a run ident or b"". `ambiguous`: the version has generations but none could be chosen.
    `changed`: the value was changed between the task that made it and the one that took it.
    `dataset` is the input's own; `target` the dataset of the version, another one when an alias was followed.
    """

    dataset: bytes
    target: bytes
    scheme: str
    value: str
    version: bytes
    generation: bytes = b""
    basis: Basis = Basis.OBSERVED
    precision: str = ""
    ambiguous: bool = False
    argument: str = ""
    changed: bool = False


class Versions(Protocol):
    """Looks a version ident up: (dataset, scheme, value)."""

    def __call__(self, version: bytes) -> tuple[bytes, str, str]: ...


def bind_input(view: RunView, mention: Mention, timeline: Timeline, versions: Versions) -> list[Bound]:
    """Versions one input of a run means; never empty."""
    if mention.passed:
        return [bound for origin in mention.passed for bound in _passed(mention, origin, timeline, versions)]
    if not mention.versions:
        return [bind_unversioned(view, mention.dataset, timeline, versions)]
    return [_versioned(view, mention, scheme, value, timeline, versions) for scheme, value in mention.versions]


def _passed(mention: Mention, origin: Passed, timeline: Timeline, versions: Versions) -> list[Bound]:
    namespace, run_id, argument, changed, version = origin
    run = identity.run(namespace, run_id)
    stated: list[tuple[bytes, str, str]]
    if version is not None:
        stated = [(identity.dataset_version(mention.namespace, mention.name, *version), *version)]
    else:
        stated = [(made, *versions(made)[1:]) for made in timeline.made_by(run, mention.dataset)]
    if not stated:
        value = identity.run_version_value(namespace, run_id)
        made = identity.dataset_version(mention.namespace, mention.name, identity.SCHEME_RUN, value)
        stated = [(made, identity.SCHEME_RUN, value)]
    return [
        Bound(
            mention.dataset,
            mention.dataset,
            scheme,
            value,
            made,
            run,
            precision=Precision.PASSED,
            argument=argument,
            changed=changed,
        )
        for made, scheme, value in stated
    ]


def _versioned(
    view: RunView, mention: Mention, scheme: str, value: str, timeline: Timeline, versions: Versions
) -> Bound:
    own = identity.dataset_version(mention.namespace, mention.name, scheme, value)
    members = timeline.members(mention.dataset)
    if len(members) == 1:
        candidates = [own]
    else:
        candidates = [identity.dataset_version(*timeline.name(member), scheme, value) for member in members]
    found = timeline.latest_of(candidates, view.bind_time, view.ident)
    if found is not None:
        return Bound(mention.dataset, found.dataset, scheme, value, found.version, found.run)
    return Bound(mention.dataset, mention.dataset, scheme, value, own, ambiguous=timeline.generated([own]))


def bind_unversioned(view: RunView, dataset: bytes, timeline: Timeline, versions: Versions) -> Bound:
    """The latest version at the run's start, marked inferred; else the dataset's one unversioned version."""
    found = timeline.latest(timeline.members(dataset), view.bind_time, view.ident)
    if found is not None:
        _, scheme, value = versions(found.version)
        return Bound(dataset, found.dataset, scheme, value, found.version, found.run, basis=Basis.INFERRED)
    version = identity.dataset_version(*timeline.name(dataset), identity.SCHEME_UNVERSIONED, "")
    return Bound(dataset, dataset, identity.SCHEME_UNVERSIONED, "", version, basis=Basis.INFERRED)
