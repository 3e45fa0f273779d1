"""The service under faults: kills, repetition, half-finished work, partial batches (S1, S2, S5, S10)."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import orjson
import pytest
import sqlalchemy as sa

from fixtures.run_shapes import SHAPES, dataset, digest, run_event, run_id
from fixtures.server import Server, eventually, serving
from lineage_api.journal import tables
from lineage_api.journal.database import open_engine
from lineage_api.journal.packing import unpack
from lineage_api.ledger import commitment, leaf_hash
from lineage_api.settings import Settings
from scale import count, seeded

DYING = Path(__file__).parents[1] / "fixtures" / "dying"
RESTART_SECONDS = 10.0


def journal_of(data: Path) -> list[Any]:
    """Rows of a folder's journal with project uuid and client uuid, checked: dense numbers, recomputable leaves."""
    engine = open_engine(Settings(data=data).registry_url, read_only=True)
    journal, project, client = tables.journal, tables.project, tables.client
    statement = (
        sa.select(journal, project.c.uuid.label("project_uuid"), client.c.uuid.label("client_uuid"))
        .join(project, project.c.id == journal.c.project)
        .outerjoin(client, client.c.id == journal.c.client)
        .order_by(journal.c.seq)
    )
    with engine.begin() as connection:
        rows = list(connection.execute(statement))
    engine.dispose()
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    for row in rows:
        assert row.commitment == commitment(row.salt, unpack(row.body))
        assert row.leaf == leaf_hash(
            seq=row.seq,
            project=row.project_uuid,
            received=row.received,
            principal=row.principal,
            media_type=row.media_type,
            client=row.client_uuid,
            sequence=row.sequence,
            committed=row.commitment,
        )
    return rows


def bodies_of(data: Path) -> list[Any]:
    return [orjson.loads(unpack(row.body)) for row in journal_of(data)]


def marks(bodies: list[Any]) -> list[str]:
    """What tells the events of these tests apart."""
    return [f"{body['run']['runId']} {body['eventType']} {body['eventTime']}" for body in bodies if "run" in body]


class Load:
    """Posts pairs of events over eight connections until the server goes away; remembers what was acknowledged."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.acked: list[Any] = []
        self.number = 0

    async def _worker(self, client: httpx.AsyncClient) -> None:
        while True:
            self.number += 1
            number = self.number
            for kind in ("START", "COMPLETE"):
                body = run_event(
                    kind, number % 3000, f"job{number % 7}", number, [dataset("a")], [dataset(f"o{number}")]
                )
                try:
                    answer = await client.post("/api/v1/lineage", json=body)
                except httpx.HTTPError:
                    return
                if answer.status_code in (200, 201):
                    self.acked.append(body)

    async def _until_gone(self) -> None:
        async with httpx.AsyncClient(base_url=self.server.url, timeout=10, trust_env=False) as client:
            await asyncio.gather(*(self._worker(client) for _ in range(8)))

    async def until_killed(self, seconds: float) -> None:
        """Run until the server has been killed after `seconds`."""
        loop = asyncio.get_running_loop()
        loop.call_later(seconds, self.server.kill)
        await self._until_gone()


@pytest.mark.full
@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_s1_acknowledged_records_survive_every_kill(tmp_path: Path) -> None:
    rng = seeded("S1")
    kills = count("S1", ci=30, soak=500)
    data = tmp_path / "data"
    data.mkdir()
    server = Server(data)
    load = Load(server)
    slowest = 0.0
    try:
        for _ in range(kills):
            begin = time.monotonic()
            server.start(ready=False)
            eventually(lambda: answers(server), 6 * RESTART_SECONDS, "the server to answer")
            slowest = max(slowest, time.monotonic() - begin)
            asyncio.run(load.until_killed(rng.expovariate(1 / 0.15)))
    finally:
        server.kill()
    stored = marks(bodies_of(data))
    assert len(load.acked) > kills
    assert len(stored) == len(set(stored)), "an event is in the journal twice"
    lost = set(marks(load.acked)) - set(stored)
    busy = os.getloadavg()[0]
    print(f"[S1] {kills} kills, {len(load.acked)} acknowledged, {len(stored)} stored")
    print(f"[S1] slowest start {slowest:.1f} s at load {busy:.1f}{' (not measured)' if busy > 1.5 else ''}")
    assert not lost
    assert slowest <= RESTART_SECONDS or busy > 1.5
    with server.restart():
        after_kills = server.digest()
    bodies = bodies_of(data)
    with serving(tmp_path / "fresh") as fresh:
        rng.shuffle(bodies)
        send_all(fresh, bodies)
        assert fresh.digest() == after_kills


def answers(server: Server) -> bool:
    assert server.process is not None
    assert server.process.poll() is None, server.log.read_text()[-3000:]
    try:
        return server.client.get("/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def send_all(server: Server, bodies: list[Any], size: int = 500) -> None:
    for start in range(0, len(bodies), size):
        answer = server.client.post("/api/v1/lineage/batch", json=bodies[start : start + size])
        assert {item["status"] for item in answer.json()["items"]} <= {200, 201}, answer.text[:500]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("faults") / "data") as running:
        yield running


def test_s2_repetition_and_other_cuts_change_nothing(server: Server) -> None:
    rng = seeded("S2")
    times = count("S2", ci=10, soak=100)
    for name, shape in SHAPES.items():
        events = shape()
        once, often = f"s2/{name}-once", f"s2/{name}-often-{uuid.uuid4().hex}"
        before = server.settle()
        for body in events:
            assert server.post(body, once).status_code in (200, 201)
        assert server.settle() == before + len(events)
        for _ in range(times):
            for body in rng.sample(events, len(events)):
                server.post(body, often)
        for cut in (1, 2, 5):
            for start in range(0, len(events), cut):
                part = events[start : start + cut] * 2
                server.client.post("/api/v1/lineage/batch", json=part, headers={"Lineage-Project": often})
        assert server.settle() == before + 2 * len(events)
        assert server.digest(often) == server.digest(once), name


def test_s2_the_same_number_with_other_bytes_is_a_conflict(server: Server) -> None:
    client, project = str(uuid.uuid4()), f"s2/{uuid.uuid4().hex}"
    first, second = run_event("START", 1, "a", 1), run_event("START", 1, "b", 1)
    lines = [{"client": client, "sequence": 1, "project": project, "event": body} for body in (first, second)]
    before = server.settle()
    seen = [server.post_records([line]).json()["items"][0]["status"] for line in (lines[0], lines[1]) * 5]
    assert seen == [201, 409] + [200, 409] * 4
    assert server.settle() == before + 3


def history() -> list[Any]:
    """Events that touch every kind of row, a model registration among them."""
    events = [body for shape in SHAPES.values() for body in shape()]
    model = dataset(
        "churn",
        "models",
        **digest("e"),
        datasetType={"datasetType": "MODEL"},
        weftline_modelRegistration={"name": "churn"},
    )
    return [*events, run_event("COMPLETE", 90, "register", 77, [dataset("clean")], [model])]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    with serving(tmp_path_factory.mktemp("expected") / "data") as undisturbed:
        send_all(undisturbed, history(), size=7)
        return undisturbed.digest()


def dying_environment(module: str, number: int, marker: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(DYING), "DIE_AT": f"{module}:{number}:{marker}"}


@pytest.mark.full
@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_s5_a_projector_killed_anywhere_leaves_all_or_nothing(tmp_path: Path, expected: str) -> None:
    rng = seeded("S5 projector")
    rounds = count("S5 projector", ci=8, soak=100)
    died = 0
    for turn in range(rounds):
        marker = tmp_path / f"died{turn}"
        environment = dying_environment("lineage_api.projector", rng.randint(1, 900), marker)
        with serving_from(tmp_path / f"p{turn}", environment) as server:
            send_all(server, history(), size=7)
            server.settle()
            died += marker.exists()
            assert server.digest() == expected, environment["DIE_AT"]
        journal_of(tmp_path / f"p{turn}")
    print(f"[S5] projector: {died} of {rounds} died before they were done")
    assert died >= rounds // 3


@pytest.mark.full
@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_s5_a_server_killed_anywhere_keeps_journal_and_leaves_whole(tmp_path: Path, expected: str) -> None:
    rng = seeded("S5 server")
    rounds = count("S5 server", ci=8, soak=100)
    died = 0
    for turn in range(rounds):
        data, marker = tmp_path / f"s{turn}", tmp_path / f"killed{turn}"
        data.mkdir()
        server = Server(data, environment=dying_environment("lineage_api.main", rng.randint(1, 400), marker))
        acked = until_gone(server)
        died += marker.exists()
        if acked:  # killed while its schema was made, it has no journal to look into
            assert set(marks(acked)) <= set(marks(bodies_of(data)))
        with server.restart():
            send_all(server, history(), size=7)
            assert server.digest() == expected
        numbers = [body["number"] for body in bodies_of(data) if body.get("type") == "model_version"]
        assert numbers == [1]
    print(f"[S5] server: {died} of {rounds} died before they were done")
    assert died >= rounds // 3


def serving_from(data: Path, environment: dict[str, str]) -> Server:
    data.mkdir()
    return Server(data, environment=environment)


def until_gone(server: Server) -> list[Any]:
    """Send the history one by one to a server that may die at any moment, at start-up too; what it acknowledged."""
    acked = []
    server.start(ready=False)
    assert server.process is not None
    try:
        eventually(lambda: server.process is None or server.process.poll() is not None or answers_now(server), 30)
        for body in history():
            if server.post(body).status_code in (200, 201):
                acked.append(body)
    except httpx.HTTPError:
        pass
    if server.process.poll() is None:
        server.kill()
    server.process.wait()
    return acked


def answers_now(server: Server) -> bool:
    try:
        return server.client.get("/healthz").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.full
def test_s5_a_deleted_graph_or_projection_comes_back_from_the_journal(tmp_path: Path, expected: str) -> None:
    data = tmp_path / "data"
    with serving(data) as server:
        send_all(server, history())
        assert server.digest() == expected
    for lost in (["graph.db"], ["projection.db"], ["graph.db", "projection.db"]):
        for name in lost:
            for path in data.glob(f"{name}*"):
                path.unlink()
        with server.restart():
            assert server.digest() == expected, lost


@pytest.mark.full
def test_a_full_disk_is_told_and_costs_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    limit = ["sh", "-c", 'ulimit -f 2048; exec "$0" "$@"']  # blocks of 512 bytes: no file grows beyond 1 MiB
    acked, refusal = [], None
    with Server(data, prefix=limit) as full:
        for number in range(3000):
            body = run_event("START", number, "j", number, [], [dataset(f"{number}-{'x' * 3000}")])
            answer = full.post(body)
            if answer.status_code != 201:
                refusal = answer
                break
            acked.append(body)
        assert refusal is not None
        assert refusal.status_code == 503, refusal.text
        assert int(refusal.headers["retry-after"]) > 0
        assert full.client.get("/healthz").status_code == 200
        full.kill()
    assert set(marks(acked)) <= set(marks(bodies_of(data)))
    with serving(data) as roomy:
        assert roomy.post(run_event("START", 1, "after", 1)).status_code == 201
        assert roomy.settle() >= len(acked) + 1


def test_s10_one_bad_record_of_a_thousand_stays_alone(server: Server) -> None:
    project, client = f"s10/{uuid.uuid4().hex}", str(uuid.uuid4())
    poison = random.Random(10).randrange(1000)
    lines: list[Any] = []
    for number in range(1000):
        body = run_event("START", number, "many", number)
        if number == poison:
            del body["eventTime"]
        lines.append({"client": client, "sequence": number + 1, "project": project, "event": body})
    before = server.settle()
    answer = server.post_records(lines).json()
    assert [item["index"] for item in answer["items"] if item["status"] != 201] == [poison]
    refused = answer["items"][poison]
    assert refused["status"] == 422
    assert refused["problem"]["errors"][0]["path"] == "eventTime"
    assert answer["high_water"] == {client: 1000}
    assert server.settle() == before + 999
    again = server.post_records(lines).json()
    assert [item["status"] for item in again["items"]].count(200) == 999


def test_a_second_server_on_the_folder_is_refused_and_told_the_pid(server: Server) -> None:
    assert server.process is not None
    second = Server(server.data)
    second.log = server.data.with_name("second.log")
    with pytest.raises(AssertionError, match=f"served by process {server.process.pid}"):
        second.start()
    assert second.process is not None
    assert second.process.returncode == 1
    assert answers(server)


@pytest.mark.full
def test_the_projector_is_started_again_and_ends_with_its_server(tmp_path: Path) -> None:
    import psutil

    with serving(tmp_path / "data") as server:
        assert server.process is not None
        first = psutil.Process(server.process.pid).children()[0]
        first.kill()
        for number in range(20):
            assert server.post(run_event("START", number, "j", number)).status_code == 201
        assert server.settle() == 20
        second = psutil.Process(server.process.pid).children()[0]
        assert second.pid != first.pid
        server.kill()
        eventually(
            lambda: not second.is_running() or second.status() == psutil.STATUS_ZOMBIE, 10, "the projector to end"
        )
        with server.restart():
            assert server.settle() == 20


def test_run_ids_of_the_fixture_are_what_the_marks_say() -> None:
    assert marks([run_event("START", 1, "a", 5)])[0].startswith(run_id(5))
    assert marks(history()) == marks(json.loads(json.dumps(history())))
