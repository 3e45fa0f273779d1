from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R", covariant=True)

class Flow(Generic[P, R]):
    name: str
    fn: Any
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def serve(self, *args: Any, **options: Any) -> None: ...
    def with_options(self, **options: Any) -> Flow[P, R]: ...
