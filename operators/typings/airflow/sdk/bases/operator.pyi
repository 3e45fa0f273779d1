from collections.abc import Mapping, Sequence
from logging import Logger
from typing import Any

class BaseOperator:
    template_fields: Sequence[str]
    task_id: str
    log: Logger
    def __init__(self, *, task_id: str, **options: Any) -> None: ...
    def execute(self, context: Mapping[str, Any]) -> Any: ...
    def defer(self, *, trigger: Any, method_name: str, timeout: Any = ..., kwargs: Any = ...) -> None: ...
