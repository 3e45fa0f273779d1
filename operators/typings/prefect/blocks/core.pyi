from typing import Any, Self

from pydantic import BaseModel

class Block(BaseModel):
    @classmethod
    def load(cls, name: str) -> Self: ...
    def save(self, name: str, overwrite: bool = ...) -> Any: ...
