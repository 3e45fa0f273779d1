from typing import Any

from airflow.sdk import BaseOperator

class BashOperator(BaseOperator):
    def __rshift__(self, other: Any) -> Any: ...
    def __rrshift__(self, other: Any) -> Any: ...
