"""What `lineage doctor prefect` looks at: whether flows here reach a Prefect server, and are seen when they run.

To be run in the environment and with the settings of the flows; asks Prefect's server for its version, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings

from lineage import settings
from lineage.cli.doctor_trip import Checked
from lineage.cli.findings import FINE, NOTE, WRONG, Finding
from lineage_prefect import instrument

_SECONDS = 5.0
_FIRST_BROKEN = (0, 155)


def check() -> Checked:
    """Everything there is to say about this Prefect, and the namespace of its jobs."""
    return Checked([*_installation(), *_server()], settings.current().namespace)


def _installation() -> Iterator[Finding]:
    instrument.attach()
    text = f"Prefect {version('prefect')}, jobs in namespace {settings.current().namespace}"
    yield Finding("prefect", FINE, text)
    try:
        fastapi = version("fastapi")
    except PackageNotFoundError:  # prefect-client
        return
    if tuple(int(part) for part in fastapi.split(".")[:2] if part.isdigit()) >= _FIRST_BROKEN:
        text = f"fastapi {fastapi}: Prefect's server does not start with it, nor does a flow without PREFECT_API_URL"
        yield Finding("fastapi", NOTE, f"{text}; pip install 'fastapi<0.155'")


def _server() -> Iterator[Finding]:
    api = get_current_settings().api.url
    if not api:
        text = "PREFECT_API_URL is not set: each flow starts a server of its own, and there is none to watch"
        yield Finding("server", NOTE, text)
        return
    try:
        with get_client(sync_client=True, httpx_settings={"timeout": _SECONDS}) as client:
            found = client.api_version()
    except Exception as error:
        yield Finding("server", WRONG, f"{api} does not answer: {str(error) or type(error).__name__}")
        return
    yield Finding("server", FINE, f"{api} answers, version {found}; lineage prefect watch records what is not tracked")
