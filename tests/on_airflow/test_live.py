"""DAGs on a real Airflow: what each leaves in the graph, and how often it was told on the wire."""

from __future__ import annotations

import pytest

from on_airflow.graph import Graph
from on_airflow.standalone import Standalone

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(400)]


def test_a_dag_tells_its_lineage(airflow: Standalone, graph: Graph) -> None:
    run, state = airflow.run("thin")
    assert state == "success"
    shape = graph.shape("thin", run, attempts=2)
    assert shape["thin.load"]["read"] == ["thin.extract"]
