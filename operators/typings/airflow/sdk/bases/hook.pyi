from logging import Logger
from typing import Any

class BaseHook:
    log: Logger
    def __init__(self) -> None: ...
    @classmethod
    def get_connection(cls, conn_id: str) -> Any: ...
