from typing import Any

from airflow_client.client import ApiClient

class AssetApi:
    def __init__(self, api_client: ApiClient) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
