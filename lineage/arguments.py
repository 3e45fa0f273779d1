"""Arguments of a call: which value goes under which name, and what of it is recorded.

Owns binding (without the checks Python makes itself a moment later), the choice of parameters, and the notice of seeds
that were left open. Does not look for values that came from other tasks (`handover`).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Mapping
from os import PathLike
from pathlib import PurePath
from typing import Any

from lineage import diagnostics, increments
from lineage.datasets import Dataset
from lineage.typed import Typed, typed

MAX_EXTRA = 64
_SEEDS = frozenset({"seed", "random_seed", "random_state"})


class Signature:
    """How a function takes its arguments, worked out once."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.positional: list[str] = []
        self.defaults: dict[str, Any] = {}
        self.rest: str | None = None
        self.owner: str | None = None
        try:
            parameters = list(inspect.signature(fn).parameters.values())
        except (TypeError, ValueError):
            parameters = []
        for parameter in parameters:
            if parameter.kind is parameter.VAR_POSITIONAL:
                self.rest = parameter.name
            elif parameter.kind is not parameter.VAR_KEYWORD:
                if parameter.kind is not parameter.KEYWORD_ONLY:
                    self.positional.append(parameter.name)
                if parameter.default is not parameter.empty:
                    self.defaults[parameter.name] = parameter.default
        if self.positional and self.positional[0] in ("self", "cls"):
            self.owner = self.positional[0]

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Values by parameter name; further positional ones as `args[0]`, `args[1]` … as far as the 64th."""
        bound = dict(self.defaults)
        bound.update(zip(self.positional, args, strict=False))
        if self.rest is not None:
            extra = args[len(self.positional) :][:MAX_EXTRA]
            bound.update((f"{self.rest}[{index}]", value) for index, value in enumerate(extra))
        bound.update(kwargs)
        return bound


def parameters(bound: Mapping[str, Any], signature: Signature, chosen: Collection[str] | None) -> dict[str, Typed]:
    """What is recorded of a call: every scalar; or, if names are `chosen`, those, small JSON-like values included."""
    found: dict[str, Typed] = {}
    for name, value in bound.items():
        try:
            if chosen is None:
                if name == signature.owner or (value is not None and typed(value) is None):
                    continue
            elif name not in chosen:
                continue
            parameter = increments.parameter(name, value)
        except Exception as error:  # an argument that cannot be read must not cost the others
            diagnostics.debug(f"argument {name} is not recorded: {type(error).__name__}")
            continue
        if parameter is not None:
            found[name] = parameter
        else:
            diagnostics.debug(f"argument {name} is not recorded: a {type(value).__name__} is no scalar")
    return found


def stamps(bound: Mapping[str, Any]) -> dict[str, int | None]:
    """Paths among the arguments, made absolute: when each was last written (ns), None where nothing is."""
    found: dict[str, int | None] = {}
    for value in bound.values():
        if issubclass(type(value), PurePath):  # isinstance would ask the value itself, which may lie or fail
            place = os.path.abspath(value)
            try:
                found[place] = os.stat(place).st_mtime_ns
            except OSError:
                found[place] = None
    return found


def open_seeds(bound: Mapping[str, Any]) -> list[str]:
    """Names of arguments that would have fixed a seed and are None."""
    return [name for name, value in bound.items() if value is None and name in _SEEDS]


def fixed_seeds(bound: Mapping[str, Any]) -> bool:
    """Whether an argument fixes a seed."""
    return any(name in _SEEDS and value is not None for name, value in bound.items())


def open_seed_of(value: Any) -> str | None:
    """The attribute by which an estimator could have been given a seed, if it is None there."""
    if not hasattr(type(value), "get_params"):
        return None
    attributes = getattr(value, "__dict__", {})
    return next((name for name in sorted(_SEEDS) if name in attributes and attributes[name] is None), None)


Declared = Any
"""A dataset, path or address; several of them; or a function of the call's arguments that answers those."""


def declared(choice: Declared, bound: Mapping[str, Any]) -> list[Any]:
    """The datasets a decorator names; a function is given those of the call's arguments that it names."""
    if isinstance(choice, (str, PathLike, Dataset)):
        return [choice]
    if not callable(choice):
        return list(choice)
    wanted = inspect.signature(choice).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in wanted):
        return declared(choice(**bound), {})
    positional = [parameter for parameter in wanted if parameter.kind is parameter.POSITIONAL_ONLY]
    named = [parameter.name for parameter in wanted if parameter not in positional and parameter.name in bound]
    answer = choice(*(bound[parameter.name] for parameter in positional), **{name: bound[name] for name in named})
    return declared(answer, {})
