from typing import Any

class Configuration:
    access_token: str | None
    username: str | None
    password: str | None
    retries: Any
    def __init__(self, host: str) -> None: ...

class ApiClient:
    rest_client: Any
    def __init__(self, configuration: Configuration) -> None: ...
