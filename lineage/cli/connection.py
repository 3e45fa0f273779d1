"""Which service a command talks to: the configured one, else the embedded one, started on demand.

Owns that choice, and the options every asking command shares. The embedded service is found through the entry-point
group `lineage.embedded`, so that the base install neither imports nor names it. Does not talk HTTP itself
(`lineage.client`).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Annotated, Any

import typer

from lineage import settings
from lineage.client import Client
from lineage.errors import ServiceUnavailable

_SERVICE_NEEDS = ("fastapi", "sqlalchemy", "uvicorn")  # its code is in every install, its libraries are an extra
INSTALL = 'pip install "weftline[server]"'

JsonFlag = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Project = Annotated[
    str | None, typer.Option("--project", metavar="WORKSPACE/PROJECT", help="Ask this project [env: LINEAGE_PROJECT].")
]


def connect(project: str | None = None) -> Client:
    """A client for the configured service; without LINEAGE_URL the embedded one is started if it does not run.

    Raises:
        ServiceUnavailable: none is configured and none can be started here.
    """
    configured = settings.current()
    chosen = project or configured.project
    if configured.url is not None:
        return Client(configured.url, configured.token(), chosen)
    url, token = _embedded()(configured.home)
    return Client(url, token, chosen)


def embedded_available() -> bool:
    """Whether the service is installed here."""
    try:
        _embedded()
    except ServiceUnavailable:
        return False
    return True


def _embedded() -> Callable[..., Any]:
    points = list(entry_points(group="lineage.embedded"))
    missing = [name for name in _SERVICE_NEEDS if not _installed(name)]
    if missing or not points:
        lacks = f" ({', '.join(missing)} missing)" if missing else ""
        raise ServiceUnavailable(
            f"LINEAGE_URL is not set and the service is not installed{lacks}. {waiting()}\n"
            f"set LINEAGE_URL, or: {INSTALL}"
        )
    starter: Callable[..., Any] = points[0].load()
    return starter


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ImportError:  # an import hook refuses it
        return False


def waiting() -> str:
    """How many records wait in the spool, as a sentence."""
    from lineage.cli.spool import waiting_records

    found = waiting_records()
    return f"{found:,} record{'' if found == 1 else 's'} wait in the spool ({settings.current().spool_dir})."
