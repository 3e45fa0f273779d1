"""The server process: binds, runs the application under uvicorn, tells when it is ready, ends when idle.

Owns everything around the application in its process: sockets, signals, logs. `lineage server` and the embedded
service both come through `run`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import uvicorn

from lineage_api import memory
from lineage_api.access import require_loopback
from lineage_api.app import create_app
from lineage_api.folder import Claim, Runtime
from lineage_api.logs import configure, logger
from lineage_api.protocol import bounded_protocol
from lineage_api.settings import GraphAccess, Settings

_SWITCH_INTERVAL = 0.001
"""Seconds a thread may hold the interpreter while others wait: acks must not queue behind a batch being parsed."""

_STOP_SECONDS = 10
_KEEP_ALIVE = 75

log = logger("server")


def run(
    settings: Settings, *, ready_descriptor: int | None = None, on_ready: Callable[[str], None] | None = None
) -> int:
    """Serve until a signal or idleness ends it; returns the exit code.

    Args:
        ready_descriptor: an inherited pipe; one JSON line {url, pid, instance} is written when queries can be answered.
        on_ready: called with the address at the same moment.

    Raises:
        RuntimeError: the host is not loopback.
        FolderInUse: another server has the data folder.
        OSError: the port is taken.
    """
    require_loopback(settings.host)
    claim = Claim(settings.data)
    try:
        listener = _listen(settings)
        sys.setswitchinterval(_SWITCH_INTERVAL)

        def ready(runtime: Runtime) -> None:
            _announce(runtime, ready_descriptor)
            if on_ready is not None:
                on_ready(runtime.url)

        return asyncio.Runner(loop_factory=_loop_factory()).run(_serve(settings, claim, listener, ready))
    finally:
        claim.release()


def main() -> None:
    """Entry of the embedded service: `python -m lineage_api.main`."""
    parser = argparse.ArgumentParser(prog="lineage_api.main")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--graph", default="embedded")
    parser.add_argument("--idle", type=float, default=None)
    parser.add_argument("--ready", type=int, default=None)
    parser.add_argument("--detach", action="store_true", help="leave the starter, which need not reap us")
    arguments = parser.parse_args()
    if arguments.detach and os.fork():
        os._exit(0)
    configure()
    settings = Settings(
        data=arguments.data,
        host=arguments.host,
        port=arguments.port,
        graph=GraphAccess.from_environment(arguments.graph),
        idle_seconds=arguments.idle,
    )
    try:
        sys.exit(run(settings, ready_descriptor=arguments.ready))
    except (RuntimeError, OSError) as error:
        log.error("cannot start", reason=str(error))
        sys.exit(1)


class _Server(uvicorn.Server):
    """Ends with code 0 when told to by a signal, where uvicorn would raise it again after an orderly end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


async def _serve(settings: Settings, claim: Claim, listener: socket.socket, ready: Callable[[Runtime], None]) -> int:
    app = create_app(settings, claim)
    config = uvicorn.Config(
        app,
        http=bounded_protocol(settings.limits),
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        date_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_STOP_SECONDS,
        limit_concurrency=settings.limits.connections,
        backlog=1024,
    )
    server = _Server(config)
    with contextlib.closing(listener):
        host, port = listener.getsockname()[:2]
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        watch = asyncio.create_task(_watch(server, app, settings, claim, url, ready))
        try:
            await server.serve(sockets=[listener])
        finally:
            watch.cancel()
    return 0 if server.started else 3


async def _watch(
    server: uvicorn.Server, app: object, settings: Settings, claim: Claim, url: str, ready: Callable[[Runtime], None]
) -> None:
    """Publish the address once everything runs, then end the server when it has been idle long enough."""
    while not server.started:
        await asyncio.sleep(0.01)
    service = app.state.service  # type: ignore[attr-defined]
    while not service.projector.running:
        await asyncio.sleep(0.01)
    memory.settle()
    ready(claim.publish(url))
    log.info("ready", url=url, pid=claim.pid)
    while settings.idle_seconds is not None and not server.should_exit:
        await asyncio.sleep(min(1.0, settings.idle_seconds / 4))
        if service.idle_for() > settings.idle_seconds:
            log.info("idle, ending", seconds=settings.idle_seconds)
            server.should_exit = True


def _announce(runtime: Runtime, ready: int | None) -> None:
    if ready is None:
        return
    line = {"url": runtime.url, "pid": runtime.pid, "instance": runtime.instance}
    with contextlib.suppress(OSError):
        os.write(ready, orjson.dumps(line) + b"\n")
    os.close(ready)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host.strip("[]"), settings.port))
    except OSError as error:
        listener.close()
        raise OSError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; choose another --port"
        ) from None
    return listener


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # it has no wheels for Windows
        return None
    return uvloop.Loop


if __name__ == "__main__":
    main()
