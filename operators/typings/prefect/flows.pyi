from typing import Any

class Flow:
    __call__: Any
    name: str
    fn: Any
