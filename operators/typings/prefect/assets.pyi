from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect.tasks import Task

P = ParamSpec("P")
R = TypeVar("R")

def materialize(*assets: str, **options: Any) -> Callable[[Callable[P, R]], Task[P, R]]: ...
