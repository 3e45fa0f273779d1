class ApiException(Exception):
    status: int | None
    reason: str | None
