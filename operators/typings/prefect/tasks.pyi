from typing import Any

class Task:
    __call__: Any
    name: str
    fn: Any
