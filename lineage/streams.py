"""Tracked generators that are handed to another task: `total(rows())`.

Owns the tie between a generator and the run it will be, which begins only with its first value, often inside the task
it was handed to. A generator that has begun is an input at once; of one that has not, the taker's input is told when
it begins, and its run belongs to where it was handed over, not to the taker. One that never begins is no input. Values
that generators yield are `handover`'s.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from types import AsyncGeneratorType, CodeType, FunctionType, GeneratorType
from typing import TYPE_CHECKING, Any, NamedTuple

from lineage import handover, passing
from lineage.guard import guarded

if TYPE_CHECKING:
    from lineage.events import DatasetEntry
    from lineage.runs import Run

_codes: set[CodeType] = set()
_claims: dict[int, Claim] = {}


class Claim:
    """What is known of a generator before it begins: who waits for it, and which run it was handed over in."""

    __slots__ = ("kwargs", "parent", "takers")

    def __init__(self, kwargs: dict[str, Any], parent: Run | None) -> None:
        self.kwargs = kwargs
        self.parent = parent
        self.takers: list[tuple[Run, str]] = []


class _Offer(NamedTuple):
    argument: str
    generator: Any
    variables: dict[str, Any]


def tracks(wrapper: FunctionType) -> None:
    """Note the code of a wrapper: generators that run it are tracked ones."""
    _codes.add(wrapper.__code__)


def inputs(arguments: Mapping[str, Any], taker: Run) -> list[DatasetEntry]:
    """Entries for tracked generators among `arguments` that have begun; the others are claimed for `taker`."""
    found = []
    for offer in _offers(arguments):
        run = getattr(offer.variables.get("call"), "run", None)
        if run is not None:
            if run is not taker:
                found.append(handover.stream_input(run, offer.argument))
            continue
        kwargs = offer.variables["kwargs"]
        claim = _claims.get(id(kwargs))
        if claim is None:
            claim = _claims[id(kwargs)] = Claim(kwargs, taker.parent)
            weakref.finalize(offer.generator, _claims.pop, id(kwargs), None).atexit = False
        claim.takers.append((taker, offer.argument))
    return found


def claimed(kwargs: dict[str, Any]) -> Claim | None:
    """The claim on the generator that was called with this very `kwargs` dictionary, if there is one."""
    return _claims.pop(id(kwargs), None) if _claims else None


@guarded
def begun(claim: Claim, run: Run) -> None:
    """Tell those who wait for a generator that it is `run`."""
    for taker, argument in claim.takers:
        taker.increment(inputs=[handover.stream_input(run, argument)])


def _offers(arguments: Mapping[str, Any]) -> Iterator[_Offer]:
    for name, value in arguments.items():
        yield from _offer(name, value)
        if type(value) in (list, tuple, dict):
            for key, element in passing.elements(value):
                yield from _offer(f"{name}[{key}]", element)


def _offer(argument: str, value: Any) -> Iterator[_Offer]:
    if type(value) is GeneratorType:
        code, frame = value.gi_code, value.gi_frame
    elif type(value) is AsyncGeneratorType:
        code, frame = value.ag_code, value.ag_frame
    else:
        return
    if code in _codes and frame is not None:
        yield _Offer(argument, value, frame.f_locals)
