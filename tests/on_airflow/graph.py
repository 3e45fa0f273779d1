"""The graph of one DAG run in words, so that a test can say what it must be."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fixtures.server import Server, eventually
from lineage_airflow import naming
from on_airflow import wire
from on_airflow.standalone import Standalone

ENDED = ("COMPLETE", "FAIL", "ABORT")
Shape = dict[str, dict[str, Any]]


class Graph:
    """What the service answers about the DAG runs of one Airflow."""

    def __init__(self, server: Server, airflow: Standalone) -> None:
        self.server = server
        self.airflow = airflow

    def get(self, path: str, **params: Any) -> Any:
        """GET under `/api/v1`."""
        answer = self.server.client.get(f"/api/v1{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def run_id(self, dag: str, run: str) -> str:
        """The OpenLineage id of a DAG run."""
        found = self.airflow.get(f"/dags/{dag}/dagRuns/{run}")
        return naming.dag_run_id("ml", dag, datetime.fromisoformat(found["logical_date"] or found["run_after"]))

    def shape(self, dag: str, run: str, attempts: int) -> Shape:
        """A DAG run and its `attempts` runs of tasks, once all have ended.

        By job and map index, later attempts with ` #2` and so on: {state, outcome, read, made, findings}, with the
        names of the datasets it read and made.
        """
        ident = self.run_id(dag, run)

        def complete() -> list[dict[str, Any]] | None:
            self.server.settle()
            items = self.get("/runs", limit=1000)["items"]
            top = [item for item in items if item["run_id"] == ident]
            found = top + [item for item in items if top and item["parent"] == top[0]["id"]]
            ended = [item for item in found if item["state"] in ENDED]
            return ended if len(ended) == attempts + 1 else None

        found = eventually(complete, 60, f"{attempts} runs of tasks of {dag} in the graph")
        shape: Shape = {}
        for item in sorted(found, key=lambda item: str(item["started_at"])):
            name, described = self._described(item)
            again = sum(1 for known in shape if known.partition(" #")[0] == name)
            shape[f"{name} #{again + 1}" if again else name] = described
        return shape

    def events(self, dag: str, run: str) -> list[wire.Event]:
        """What reached the service of a DAG run and of its tasks."""
        ident = self.run_id(dag, run)
        known = wire.events(self.server.data)
        return [event for event in known if event["run"]["runId"] == ident or wire.parent(event) == ident]

    def _described(self, item: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        answer = self.get(f"/nodes/{item['id']}")
        props = answer["node"]["props"]
        attributes = {key: value["text"] for key, value in props.get("attributes", {}).items()}
        names = {node["id"]: node["name"] for node in answer["nodes"]}
        edges = answer["edges"]
        read = sorted(names[edge["dst"]] for edge in edges if edge["type"] == "USED")
        made = sorted(names[edge["src"]] for edge in edges if edge["type"] == "GENERATED_BY")
        index = attributes.get("tag.airflow.map_index")
        name = item["job"]["name"] + (f"[{index}]" if index else "")
        found = {"state": item["state"], "outcome": props.get("outcome"), "read": read, "made": made}
        return name, {**found, "findings": [finding["code"] for finding in props.get("findings", ())]}
