"""What `lineage doctor airflow` looks at: whether Airflow finds the plugin, and the provider's events are safe.

To be run in the environment and with the variables of Airflow's worker or scheduler; looks at configuration only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, entry_points, version

from lineage.cli.doctor_trip import Checked
from lineage.cli.findings import FINE, NOTE, WRONG, Finding
from lineage_airflow import naming
from lineage_airflow.plugin import LineagePlugin

_SPOOL = "lineage.emit.transport.SpoolTransport"


def check() -> Checked:
    """Everything there is to say about this Airflow, and the namespace of its jobs."""
    return Checked([*_plugin(), *_provider()], naming.namespace())


def _plugin() -> Iterator[Finding]:
    text = f"Airflow {version('apache-airflow-core')}, jobs in namespace {naming.namespace()}"
    yield Finding("airflow", FINE, text)
    found = {point.value for point in entry_points(group="airflow.plugins")}
    if f"{LineagePlugin.__module__}:{LineagePlugin.__name__}" not in found:
        yield Finding("plugin", WRONG, "Airflow does not find the plugin: weftline is not installed here as a package")


def _provider() -> Iterator[Finding]:
    try:
        found = version("apache-airflow-providers-openlineage")
    except PackageNotFoundError:
        yield Finding("provider", FINE, "the OpenLineage provider is not installed: our listener tells everything")
        return
    from airflow.providers.openlineage import conf as provider

    if provider.is_disabled():
        text = f"the OpenLineage provider {found} is off or has no transport: our listener tells everything"
        yield Finding("provider", FINE, text)
        return
    kind = _transport()
    if kind == _SPOOL:
        yield Finding("provider", FINE, f"the OpenLineage provider {found} writes to the spool")
        return
    text = (
        f"the OpenLineage provider {found} sends by {kind!r}: with that service away each event holds a task up and is "
        f"lost; OPENLINEAGE__TRANSPORT__TYPE={_SPOOL} puts it on the spool"
    )
    yield Finding("provider", NOTE, text)


def _transport() -> str:
    from airflow.providers.openlineage import conf as provider

    configured = provider.transport().get("type")
    return str(configured or os.environ.get("OPENLINEAGE__TRANSPORT__TYPE") or "its configuration file")
