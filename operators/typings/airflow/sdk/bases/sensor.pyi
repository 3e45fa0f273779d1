from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator

class PokeReturnValue:
    def __init__(self, is_done: bool, xcom_value: Any = ...) -> None: ...

class BaseSensorOperator(BaseOperator):
    poke_interval: float
    timeout: float | None
    def __init__(self, **options: Any) -> None: ...
    def poke(self, context: Mapping[str, Any]) -> bool | PokeReturnValue: ...
