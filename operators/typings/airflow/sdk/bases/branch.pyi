from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator

class BaseBranchOperator(BaseOperator):
    def choose_branch(self, context: Mapping[str, Any]) -> str | list[str]: ...
