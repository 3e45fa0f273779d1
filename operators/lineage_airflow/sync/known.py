"""What the service knows of Airflow's runs, so that only what it lacks is told.

Owns the look-up of run ids and their states, read in large pages, and only where something is to be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lineage.client import Client
from lineage.events import Event

_PAGE = 1000


class Known:
    """States by run id, of one namespace.

    Args:
        client: the service.
        namespace: that of Airflow's jobs.
    """

    def __init__(self, client: Client, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self._states: dict[str, str] | None = None

    def states(self) -> Mapping[str, str]:
        """State by run id."""
        if self._states is None:
            self._states = {}
            cursor = None
            while True:
                page = self.client.runs(limit=_PAGE, cursor=cursor, namespace=self.namespace)
                self._states.update((item["run_id"], item["state"]) for item in page["items"])
                cursor = page["next_cursor"]
                if cursor is None:
                    break
        return self._states

    def tell(self, events: Sequence[Event]) -> list[str]:
        """Send events; what the service said of those it refused."""
        refused = []
        for first in range(0, len(events), _PAGE):
            answer = self.client.post("/lineage/batch", list(events[first : first + _PAGE]))
            refused += [_problem(item) for item in answer["items"] if item["status"] >= 300]
        return refused


def _problem(item: Mapping[str, Any]) -> str:
    problem = item.get("problem") or {}
    return f"{item['status']} {problem.get('title', '')}: {problem.get('detail', '')}"
