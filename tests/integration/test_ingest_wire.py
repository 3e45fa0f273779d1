"""The ingest routes over HTTP on the real service: what is taken, what is answered, what queries then see."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from fixtures.run_shapes import at, dataset, run_event
from fixtures.server import Server, serving
from lineage_api.ingest.service import NEW_PROJECTS

FIXTURES = Path(__file__).parents[1] / "fixtures"
SPEC = FIXTURES / "openlineage-spec" / "tests"
EVENTS = FIXTURES / "events"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("ingest") / "data") as running:
        yield running


def fresh_project() -> str:
    return f"tests/{uuid.uuid4().hex}"


def event(number: int, kind: str = "START", job: str = "wire") -> dict[str, Any]:
    return run_event(kind, number % 3000, job, number, [dataset("in")], [dataset(f"out{number}")])


def record(client: str, sequence: int, body: Any, project: str) -> dict[str, Any]:
    return {"client": client, "sequence": sequence, "project": project, "sent_at": at(0), "event": body}


def statuses(answer: Any) -> list[int]:
    assert answer.status_code == 207, answer.text
    return [item["status"] for item in answer.json()["items"]]


def test_an_event_is_journalled_once(server: Server) -> None:
    project = fresh_project()
    first, second = server.post(event(1), project), server.post(event(1), project)
    assert (first.status_code, first.json()["status"]) == (201, "journalled")
    assert (second.status_code, second.json()["status"]) == (200, "known")
    assert second.json()["seq"] == first.json()["seq"]


def test_spelling_does_not_make_another_event(server: Server) -> None:
    project = fresh_project()
    body = event(2)
    assert server.post(body, project).status_code == 201
    shuffled = json.dumps(dict(reversed(body.items())), indent=3).encode()
    assert server.post(shuffled, project).status_code == 200


def test_projects_do_not_meet(server: Server) -> None:
    one, other = fresh_project(), fresh_project()
    assert server.post(event(3), one).status_code == 201
    assert server.post(event(3), other).status_code == 201
    assert server.digest(one) == server.digest(other)
    assert server.digest(one) != server.digest(fresh_project())


def test_waiting_for_projection_sees_the_event(server: Server) -> None:
    project = fresh_project()
    before = server.digest(project)
    answer = server.post(event(4), project, wait=True)
    assert (answer.status_code, answer.json()["projected"]) == (201, True)
    digest = server.client.get("/api/v1/graph/digest", headers={"Lineage-Project": project}).json()["digest"]
    assert digest != before


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_single_events_may_be_compressed(server: Server, encoding: str) -> None:
    body = json.dumps(event(5, job=encoding)).encode()
    packed = gzip.compress(body) if encoding == "gzip" else zstandard.compress(body)
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding, "Lineage-Project": fresh_project()}
    assert server.client.post("/api/v1/lineage", content=packed, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {}, 400),
        (b'{"a": NaN}', {}, 400),
        (b"[]", {}, 422),
        (b"null", {}, 422),
        (b"{}", {}, 422),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Encoding": "br"}, 415),
        (b"{}", {"Content-Encoding": "gzip"}, 400),
        (b"{}", {"Lineage-Project": "nope"}, 400),
        (b"{}", {"Lineage-Project": "a/b/c"}, 400),
        (b"{}", {"Host": "evil.example"}, 421),
        (b"{}", {"Origin": "http://evil.example"}, 403),
    ],
)
def test_refusals_are_problem_documents(server: Server, content: bytes, headers: dict[str, str], status: int) -> None:
    answer = server.client.post(
        "/api/v1/lineage", content=content, headers={"Content-Type": "application/json"} | headers
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert {"type", "title", "detail"} <= problem.keys()
    if status in (415, 422):
        assert {"path", "expected", "got"} <= problem["errors"][0].keys()


def test_odd_events_that_can_be_placed_are_taken(server: Server) -> None:
    project = fresh_project()
    plain = event(6)
    odd = [
        {**plain, "run": {"runId": "not a uuid ‮ at all"}},
        {**plain, "eventTime": "2026-05-01T12:00:00"},
        {**plain, "eventTime": "1970-01-01T00:00:00Z"},
        {**plain, "eventTime": "2999-12-31T23:59:59.999999+14:00"},
        {**plain, "eventType": "SOMETHING"},
        {name: value for name, value in plain.items() if name not in ("inputs", "outputs")},
        {**plain, "huge": 2**80, "unknown": [None, True, 1e300]},
        {**plain, "producer": "forged"},
        {"eventTime": at(1), "producer": "p", "schemaURL": "s", "job": {"namespace": "n", "name": "only a job"}},
        {"eventTime": at(1), "producer": "p", "schemaURL": "s", "dataset": {"namespace": "n", "name": "only data"}},
    ]
    for body in odd:
        assert server.post(body, project).status_code == 201, body
    assert server.digest(project) != server.digest(fresh_project())


def every_sample() -> list[Any]:
    """Real events, and each sample facet of the specification in the place its schema is for."""
    found = [json.loads(line) for path in sorted(EVENTS.glob("*.jsonl")) for line in path.read_text().splitlines()]
    assert len(found) > 10
    found.append(json.loads((SPEC / "example_full_event.json").read_text()))
    places = {"Job": "job", "Run": "run", "Input": "inputFacets", "Output": "outputFacets"}
    for number, path in enumerate(sorted(SPEC.glob("*Facet/*.json"))):
        facets = json.loads(path.read_text())
        body = event(9000 + number, job=path.parent.name)
        kind = path.parent.name.removesuffix("Facet").removesuffix("Dataset")
        place = next((where for word, where in places.items() if kind.endswith(word)), "facets")
        if place in ("job", "run"):
            body[place]["facets"] = facets
        else:
            side = "inputs" if place == "inputFacets" else "outputs"
            body[side][0][place] = facets
        found.append(body)
    return found


def test_every_sample_is_taken_and_projected(server: Server) -> None:
    project = fresh_project()
    bodies = every_sample()
    answer = server.client.post(
        "/api/v1/lineage/batch?wait=projected", json=bodies, headers={"Lineage-Project": project}
    )
    assert set(statuses(answer)) <= {200, 201}
    assert answer.json()["projected"] is True
    assert not [line for line in server.log_lines() if "cannot be projected" in line["event"]]


def test_batches_keep_what_is_good(server: Server) -> None:
    project = {"Lineage-Project": fresh_project()}
    bodies = [event(7), {"bad": 1}, event(8), 5, event(7)]
    array = server.client.post("/api/v1/lineage/batch", json=bodies, headers=project)
    assert statuses(array) == [201, 422, 201, 422, 200]
    assert array.json()["high_water"] == {}
    lines = b"\n".join(json.dumps(body).encode() for body in [event(8), event(9)]) + b"\nnot json\n"
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip", **project}
    answer = server.client.post("/api/v1/lineage/batch?wait=projected", content=gzip.compress(lines), headers=headers)
    assert statuses(answer) == [200, 201, 400]
    assert answer.json()["projected"] is True
    assert answer.json()["items"][2]["problem"]["status"] == 400


def test_an_empty_batch_is_answered(server: Server) -> None:
    assert statuses(server.client.post("/api/v1/lineage/batch", json=[])) == []


def test_records_answer_with_a_high_water_mark(server: Server) -> None:
    project, client = fresh_project(), str(uuid.uuid4())
    lines = [record(client, n, event(100 + n), project) for n in (1, 2, 4)]
    answer = server.post_records(lines)
    assert statuses(answer) == [201, 201, 201]
    assert answer.json()["high_water"] == {client: 2}
    poison = record(client, 3, {"eventTime": "yesterday"}, project)
    answer = server.post_records([poison, *lines])
    assert statuses(answer) == [422, 200, 200, 200]
    assert answer.json()["high_water"] == {client: 4}


def test_another_body_under_a_sequence_is_a_conflict_and_both_stay(server: Server) -> None:
    project, client = fresh_project(), str(uuid.uuid4())
    before = server.settle()
    assert statuses(server.post_records([record(client, 1, event(201), project)])) == [201]
    answer = server.post_records([record(client, 1, event(202), project)])
    assert statuses(answer) == [409]
    assert answer.json()["items"][0]["problem"]["type"].endswith("#sequence-conflict")
    assert statuses(server.post_records([record(client, 1, event(202), project)])) == [409]
    assert server.settle() == before + 3  # both events and the remark
    both = fresh_project()
    for number in (202, 201):
        server.post(event(number), both)
    assert server.digest(both) == server.digest(project)


def test_a_gap_is_journalled(server: Server) -> None:
    project, client = fresh_project(), str(uuid.uuid4())
    gap = {"first": 2, "last": 9, "count": 8, "reason": "spool_full"}
    lines = [record(client, 1, event(301), project), {"client": client, "sequence": 10, "project": project, "gap": gap}]
    answer = server.post_records(lines)
    assert statuses(answer) == [201, 201]
    assert answer.json()["high_water"] == {client: 10}
    assert statuses(server.post_records(lines)) == [200, 200]


def test_records_of_several_projects_in_one_batch(server: Server) -> None:
    one, other, client = fresh_project(), fresh_project(), str(uuid.uuid4())
    answer = server.post_records(
        [record(client, 1, event(401), one), record(client, 2, event(402), other), record(client, 3, event(403), "bad")]
    )
    assert statuses(answer) == [201, 201, 400]
    assert server.digest(one) != server.digest(other)


def test_a_batch_that_names_too_many_new_projects_is_refused_as_a_whole(server: Server) -> None:
    client = str(uuid.uuid4())
    projects = [fresh_project() for _ in range(NEW_PROJECTS + 1)]
    lines = [record(client, number, event(450), name) for number, name in enumerate(projects, 1)]
    refused = server.post_records(lines)
    assert refused.status_code == 413, refused.text
    assert "new projects; send it in smaller ones" in refused.json()["detail"]
    middle = len(lines) // 2
    for part in (lines[:middle], lines[middle:]):  # as our sender does
        assert set(statuses(server.post_records(part))) == {201}


def test_registering_a_model_allocates_numbers(server: Server) -> None:
    project = fresh_project()

    def register(run: int, digest: str) -> dict[str, Any]:
        model = dataset(
            "churn",
            "models",
            datasetType={"datasetType": "MODEL"},
            weftline_digest={"algorithm": "sha256", "value": digest * 64, "exact": True},
            weftline_modelRegistration={"name": "churn", "tags": {}},
        )
        return run_event("COMPLETE", run, "train", run, [], [model])

    before = server.settle()
    for run, digest in ((1, "a"), (2, "b"), (3, "a")):
        assert server.post(register(run, digest), project).status_code == 201
    assert server.settle() == before + 6
    answer = server.client.get("/api/v1/models", headers={"Lineage-Project": project})
    assert answer.status_code == 200, answer.text


def test_metrics_and_readiness_follow(server: Server) -> None:
    server.post(event(500), fresh_project(), wait=True)
    state = server.ready_state()
    assert state["ready"] is True
    assert state["journalled"] >= state["projected"] > 0
    text = server.client.get("/metrics").text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert float(values["lineage_projector_lag_records"]) == 0
    assert float(values['lineage_records_total{outcome="journalled"}']) > 0
    assert float(values["lineage_projector_resident_bytes"]) > 0


def test_unknown_addresses_and_methods_are_problems(server: Server) -> None:
    assert server.client.get("/api/v1/nothing").json()["status"] == 404
    answer = server.client.put("/api/v1/lineage/batch", content=b"")
    assert (answer.status_code, answer.json()["status"]) == (405, 405)
    assert server.client.post("/api/v1/lineage?wait=forever", content=b"{}").status_code == 400
