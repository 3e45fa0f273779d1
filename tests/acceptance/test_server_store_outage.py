"""Neo4j away at the start, and going away under load: ingest goes on, readiness says why, nothing is missing after."""

from __future__ import annotations

import contextlib
import socket
import threading
import uuid
from pathlib import Path
from types import TracebackType

import psutil
import pytest

from fixtures.run_shapes import SHAPES
from fixtures.server import Server, eventually, free_port, serving

pytestmark = [pytest.mark.full, pytest.mark.neo4j]


class Cable:
    """A TCP forwarder that can be pulled out and put in again."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()

    def put_in(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def pull_out(self) -> None:
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            self._open |= {client, server}
            back = threading.Thread(target=self._carry, args=(server, client))
            back.start()
            self._carry(client, server)
            back.join()
            self._open -= {client, server}

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def __enter__(self) -> Cable:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pull_out()


def post(server: Server, shape: str, project: str) -> None:
    for body in SHAPES[shape]():
        assert server.post(body, project).status_code in (200, 201)


def test_ingest_goes_on_while_the_graph_is_away(neo4j_uri: str, tmp_path: Path) -> None:
    project = f"outage/{uuid.uuid4().hex}"
    with Cable(int(neo4j_uri.rpartition(":")[2])) as cable:
        server = Server(tmp_path / "data", f"bolt://127.0.0.1:{cable.port}")
        server.data.mkdir()
        server.start(ready=False)
        with server:
            eventually(lambda: is_up(server), 60, "the server to answer")
            post(server, "rebound", project)
            state = eventually(lambda: troubled(server), 60, "readiness to tell the trouble")
            assert "Neo4j" in state["trouble"]
            assert server.client.get("/readyz").status_code == 503
            cable.put_in()
            eventually(lambda: server.client.get("/readyz").status_code == 200, 90, "readiness")
            server.settle()
            cable.pull_out()
            post(server, "failing", project)
            cable.put_in()
            eventually(lambda: server.ready_state()["projected"] == server.ready_state()["journalled"], 120, "no lag")
            digest = server.digest(project)
    with serving(tmp_path / "undisturbed") as other:
        post(other, "rebound", project)
        post(other, "failing", project)
        assert other.digest(project) == digest


def test_the_projector_ends_with_its_server_even_when_it_waits_for_the_graph(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", f"bolt://127.0.0.1:{free_port()}")
    server.data.mkdir()
    server.start(ready=False)
    with server:
        eventually(lambda: is_up(server), 60, "the server to answer")
        assert server.process is not None
        (projector,) = psutil.Process(server.process.pid).children()
        eventually(lambda: troubled(server), 60, "readiness to tell the trouble")
        server.kill()
        eventually(lambda: not projector.is_running() or projector.status() == psutil.STATUS_ZOMBIE, 15, "its end")


def is_up(server: Server) -> bool:
    with contextlib.suppress(OSError, Exception):
        return server.client.get("/healthz").status_code == 200
    return False


def troubled(server: Server) -> dict[str, str] | None:
    state = server.ready_state()
    return state if "trouble" in state else None
