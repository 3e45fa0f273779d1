"""The command `lineage prefect`: what can be done with Prefect's server from outside.

Owns the command table, the options and the exit codes. Prefect is imported when a command runs, so that
`lineage --help` stays quick.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from datetime import timedelta
from typing import Annotated

import typer

from lineage.cli.connection import JsonFlag
from lineage.cli.render import emit_json, line
from lineage.emit import emitter
from lineage.errors import ServiceUnavailable, UsageError

app = typer.Typer(help="Read runs and assets from Prefect's server.", no_args_is_help=True)

_INSTALL = "pip install 'weftline[prefect]'"


@app.callback()
def prefect() -> None:
    """Read runs and assets from Prefect's server."""


@app.command()
def watch(
    once: Annotated[bool, typer.Option("--once", help="Read what happened since the last look, then end.")] = False,
    hours: Annotated[float, typer.Option(help="How far back to look where nobody has watched before.")] = 24.0,
    json: JsonFlag = False,
) -> None:
    """Record runs, states and assets of flows that are not tracked themselves, from the events of Prefect's server.

    Which server that is, Prefect's own settings say (PREFECT_API_URL or a profile). Ends with Ctrl-C.
    """
    try:
        from prefect.settings import get_current_settings

        from lineage_prefect.watch import Watch
    except ImportError as error:
        raise ServiceUnavailable(f"lineage prefect needs {error.name}: {_INSTALL}") from None
    api = get_current_settings().api.url
    if not api:
        raise UsageError(
            "no Prefect server is configured: set PREFECT_API_URL, or prefect config set PREFECT_API_URL=…"
        )
    watching = Watch(str(api), timedelta(hours=hours))
    asyncio.run(_until_stopped(watching.once() if once else watching.follow()))
    emitter.sync(5.0)
    if json:
        emit_json({"events": watching.events, "records": watching.records})
    else:
        line(f"{watching.events} events of {api} read, {watching.records} records made")


async def _until_stopped(work: object) -> None:
    """Run a coroutine until it ends, or Ctrl-C or SIGTERM ends it."""
    assert asyncio.iscoroutine(work)
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends asyncio.run by itself
            loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
