from typing import Any

__version__: str

task: Any
flow: Any
