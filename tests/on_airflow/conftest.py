"""One warm Airflow and one service for every test here; the provider on, its events in our spool."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.server import Server, serving
from on_airflow.graph import Graph
from on_airflow.standalone import Standalone, environment_made
from plugins.report import met


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The lineage service."""
    with serving(tmp_path_factory.mktemp("service") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def airflow(service: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    """A running Airflow."""
    environment_made()
    standalone = Standalone(tmp_path_factory.mktemp("airflow"), service.url)
    try:
        standalone.start()
        met("airflow", standalone.version)
        yield standalone
    finally:
        standalone.stop()


@pytest.fixture(scope="session")
def bare_airflow(
    airflow: Standalone, service: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standalone]:
    """Another Airflow, with the provider switched off: our listener tells everything. Ends the first one."""
    airflow.stop()
    standalone = Standalone(tmp_path_factory.mktemp("bare"), service.url, {"AIRFLOW__OPENLINEAGE__DISABLED": "True"})
    try:
        yield standalone.start()
    finally:
        standalone.stop()


@pytest.fixture
def graph(service: Server, airflow: Standalone) -> Graph:
    """What the service says of that Airflow's runs."""
    return Graph(service, airflow)
