"""The Python client: typed failures that say what to do, paging, and the questions from `lineage` itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

import lineage
from fixtures.asking import Project, model_history
from fixtures.run_shapes import run_event, run_id
from fixtures.server import free_port
from lineage.client import Ambiguous, BadAnswer, Client, NotAllowed, NotFound
from lineage.errors import ServiceRefused, ServiceUnavailable
from lineage.refs import ModelRef, WordRef, parse


@pytest.fixture
def client(asking: Project) -> Iterator[Client]:
    with Client(asking.server.url, project=asking.name) as made:
        yield made


@contextmanager
def answering(status: int, body: bytes, media_type: str) -> Iterator[str]:
    """Something that is not this service."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_items_run_over_pages(asking: Project, client: Client) -> None:
    asking.send(*(run_event("START", number, "many", number) for number in range(7)))
    assert [run["run_id"] for run in client.items("/runs", limit=5)] == [run_id(n) for n in (6, 5, 4, 3, 2)]
    assert len(list(client.items("/runs"))) == 7
    assert len(client.runs(limit=3)["items"]) == 3


def test_a_reference_becomes_one_thing_or_an_error(asking: Project, client: Client) -> None:
    asking.send(*model_history())
    assert client.resolve(ModelRef("churn"))["kind"] == "DatasetVersion"
    assert client.resolve(parse(run_id(2)))["name"] == run_id(2)
    with pytest.raises(NotFound, match="nothing in"):
        client.resolve(WordRef("nowhere"))
    with pytest.raises(Ambiguous) as several:
        client.resolve(WordRef(run_id(2)[:8]))
    assert len(several.value.candidates) == 2
    with pytest.raises(Ambiguous):
        client.run(run_id(2)[:8])


def test_nobody_there_names_the_address() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with Client(url) as client, pytest.raises(ServiceUnavailable, match=url):
        client.runs()
    with pytest.raises(ServiceUnavailable, match="LINEAGE_URL"):
        Client("ftp://elsewhere")


@pytest.mark.parametrize(
    ("status", "body", "media_type", "error"),
    [
        (200, b"<html>a router's page</html>", "text/html", BadAnswer),
        (200, b"[1]", "application/json", BadAnswer),
        (502, b"bad gateway", "text/plain", BadAnswer),
        (404, b'{"title": "Nothing", "detail": "no such run"}', "application/problem+json", NotFound),
        (403, b'{"title": "Not allowed"}', "application/problem+json", NotAllowed),
        (405, b'{"title": "That method"}', "application/problem+json", ServiceRefused),
        (422, b'{"title": "Check", "detail": "x"}', "application/problem+json", ServiceRefused),
    ],
)
def test_every_sort_of_answer_has_its_error(status: int, body: bytes, media_type: str, error: type[Exception]) -> None:
    with answering(status, body, media_type) as url, Client(url) as client, pytest.raises(error) as raised:
        client.runs()
    assert str(raised.value)


def test_questions_from_python(asking: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    asking.send(*model_history())
    monkeypatch.setenv("LINEAGE_URL", asking.server.url)
    monkeypatch.setenv("LINEAGE_PROJECT", asking.name)
    assert lineage.origins("churn@1")["version"]["number"] == 1
    raw = lineage.Dataset("s3://lake/raw.csv")
    assert [hit["name"] for hit in lineage.impact(raw)["models"]] == ["churn"]
    assert lineage.impact(lineage.Model("churn"))["models"] == []
    with pytest.raises(NotFound):
        lineage.origins("nothing")
