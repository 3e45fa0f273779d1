from typing import Any

class Controls:
    emit: bool

def resolve_task_emission_policy(*, operator: Any, dag_id: str, task_id: str) -> Controls: ...
def resolve_dag_emission_policy(dag_id: str, *, dag: Any) -> Controls: ...
