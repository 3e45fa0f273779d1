"""Which service a command talks to: the configured one, else the embedded one, started on demand.

Owns that choice, and the options every asking command shares. The embedded service is found through the entry-point
group `lineage.embedded`, so that the base install neither imports nor names it. Does not talk HTTP itself
(`lineage.client`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Annotated, Any

import typer

from lineage import settings
from lineage.cli import render
from lineage.client import Client
from lineage.errors import ServiceUnavailable, UsageError

_SERVICE_NEEDS = ("fastapi", "sqlalchemy", "uvicorn")  # its code is in every install, its libraries are an extra
ASKED = ("LINEAGE_URL", "LINEAGE_PROJECT")
"""What decides who is asked about what."""
_SILENT_SECONDS = 1.0
INSTALL = 'pip install "weftline[server]"'

JsonFlag = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Project = Annotated[
    str | None, typer.Option("--project", metavar="WORKSPACE/PROJECT", help="Ask this project [env: LINEAGE_PROJECT].")
]


def connect(project: str | None = None) -> Client:
    """A client for the configured service; without LINEAGE_URL the embedded one is started if it does not run.

    Raises:
        UsageError: LINEAGE_URL, LINEAGE_PROJECT or `project` does not parse.
        ServiceUnavailable: none is configured and none can be started here.
    """
    for name in ASKED:
        setting(name)
    configured = settings.current()
    chosen = configured.project if project is None else _parsed("LINEAGE_PROJECT", "--project", project)
    if configured.url is not None:
        return Client(configured.url, configured.token(), chosen)
    with _told_when_slow():
        url, token = embedded_service()
    return Client(url, token, chosen)


@contextmanager
def _told_when_slow() -> Iterator[None]:
    """Say on stderr what is waited for, once it takes long enough to wonder."""
    telling = threading.Timer(_SILENT_SECONDS, render.note, ["starting the service on this machine …"])
    telling.daemon = True
    telling.start()
    try:
        yield
    finally:
        telling.cancel()


def embedded_service() -> tuple[str, str | None]:
    """Address and credential of the embedded service, which is started if it does not run.

    Raises:
        ServiceUnavailable: it is not installed here.
    """
    url, token = _embedded()(settings.current().home)
    return str(url), token


def address(option: str, text: str) -> str:
    """The address of a service that an option names.

    Raises:
        UsageError: it is none.
    """
    return _parsed("LINEAGE_URL", option, text)


def setting(name: str) -> str | None:
    """A setting as the environment has it; None when it is not set.

    Recording goes on with the default where a value does not parse; an answer from another place than the one meant
    would be a wrong answer.

    Raises:
        UsageError: it does not parse; the message names the variable.
    """
    given = os.environ.get(name, "")
    return _parsed(name, name, given) if given.strip() else None


def _parsed(name: str, place: str, text: str) -> str:
    knob = next(knob for knob in settings.KNOBS if knob.env == name)
    try:
        return str(knob.parse(text))
    except ValueError as error:
        # An address may hold a password.
        shown = "its value" if knob.field == "url" else repr(text[:80])
        raise UsageError(f"{place}: {shown} is not {error}") from None


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
