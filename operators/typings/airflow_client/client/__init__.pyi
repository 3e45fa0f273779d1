from typing import Any

class Configuration:
    access_token: str | None
    retries: Any
    def __init__(self, host: str) -> None: ...

class ApiClient:
    rest_client: Any
    def set_default_header(self, header_name: str, header_value: str) -> None: ...
    def __init__(self, configuration: Configuration) -> None: ...
