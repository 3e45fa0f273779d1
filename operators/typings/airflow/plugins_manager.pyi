from typing import Any

class AirflowPlugin:
    name: str | None
    listeners: list[Any]
