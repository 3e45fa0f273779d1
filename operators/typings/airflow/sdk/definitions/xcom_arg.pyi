from collections.abc import Iterator
from typing import Any

class XComArg:
    @staticmethod
    def iter_xcom_references(arg: Any) -> Iterator[tuple[Any, str]]: ...
