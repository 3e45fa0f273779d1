from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from prefect.events.filters import EventFilter

def get_events_subscriber(
    filter: EventFilter | None = None, reconnection_attempts: int = 10
) -> AbstractAsyncContextManager[AsyncIterator[Any]]: ...
