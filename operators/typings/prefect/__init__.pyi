from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

from prefect.flows import Flow
from prefect.tasks import Task

P = ParamSpec("P")
R = TypeVar("R")

__version__: str

@overload
def task(fn: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(**options: Any) -> Callable[[Callable[P, R]], Task[P, R]]: ...
@overload
def flow(fn: Callable[P, R], /) -> Flow[P, R]: ...
@overload
def flow(**options: Any) -> Callable[[Callable[P, R]], Flow[P, R]]: ...
def unmapped(value: Any) -> Any: ...
