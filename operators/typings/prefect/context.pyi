from typing import Any

class FlowRunContext:
    flow: Any
    flow_run: Any
    persist_result: bool
    @classmethod
    def get(cls) -> FlowRunContext | None: ...

class TaskRunContext:
    task: Any
    task_run: Any
    @classmethod
    def get(cls) -> TaskRunContext | None: ...

class AssetContext:
    direct_asset_dependencies: set[Any]
    upstream_assets: set[Any]
    downstream_assets: set[Any]
    @classmethod
    def get(cls) -> AssetContext | None: ...
