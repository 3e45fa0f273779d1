"""Lists and items: order, paging, counts, completeness, and one run by any of its names."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fixtures.asking import Project, model_history
from fixtures.run_shapes import dataset, dataset_event, run_event, run_id, user_alias, version

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def test_a_run_has_every_member_the_surface_names(asking: Project) -> None:
    asking.send(*model_history())
    train, clean = asking.get("/runs")["items"]
    assert (train["run_id"], clean["run_id"]) == (run_id(2), run_id(1))
    assert train["job"] == {"namespace": "tests", "name": "train"}
    assert train["state"] == "COMPLETE"
    assert train["started_at"] == "2026-05-01T12:00:20.000000Z"
    assert TIME.fullmatch(train["ended_at"])
    assert train["parent"] is None
    assert train["attributes"]["param.lr"] == {"type": "float", "text": "0.1"}
    assert train["completeness"]["truncated"] is False


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"job": "train"}, [2]),
        ({"state": "FAIL"}, []),
        ({"namespace": "tests"}, [2, 1]),
        ({"namespace": "tests", "job": "clean", "state": "COMPLETE"}, [1]),
        ({"namespace": "elsewhere"}, []),
    ],
)
def test_runs_are_narrowed(asking: Project, filters: dict[str, Any], expected: list[int]) -> None:
    asking.send(*model_history())
    assert [run["run_id"] for run in asking.get("/runs", **filters)["items"]] == [run_id(n) for n in expected]


def test_pages_hold_every_run_once_in_order_although_times_are_equal(asking: Project) -> None:
    asking.send(*(run_event("START", number // 5, "many", number) for number in range(23)))
    pages = list(asking.pages("/runs", 4))
    assert [len(page["items"]) for page in pages] == [4, 4, 4, 4, 4, 3]
    runs = [run for page in pages for run in page["items"]]
    assert len({run["id"] for run in runs}) == 23
    keys = [(run["started_at"], run["id"]) for run in runs]
    assert keys == sorted(keys, reverse=True)


def test_a_run_that_arrives_between_pages_moves_nothing(asking: Project) -> None:
    asking.send(*(run_event("START", number, "many", number) for number in range(6)))
    first = asking.get("/runs", limit=3)
    asking.send(run_event("START", 50, "many", 50), run_event("START", 1, "many", 60))
    second = asking.get("/runs", limit=10, cursor=first["next_cursor"])
    shown = [run["run_id"] for run in [*first["items"], *second["items"]]]
    assert shown[:3] == [run_id(5), run_id(4), run_id(3)]
    assert set(shown) == {run_id(n) for n in (5, 4, 3, 2, 1, 0, 60)}
    assert len(shown) == len(set(shown))


def test_a_cursor_is_refused_for_another_list_filter_or_project(asking: Project, asked_server: Any) -> None:
    asking.send(*(run_event("START", number, "many", number) for number in range(4)))
    cursor = asking.get("/runs", limit=2)["next_cursor"]
    problem = asking.get("/jobs", status=400, cursor=cursor)
    assert problem["errors"][0]["path"] == "cursor"
    asking.get("/runs", status=400, cursor=cursor, state="START")
    asking.get("/runs", status=400, cursor=cursor[:-2])
    other = Project(asked_server, asking.name + "-other")
    other.send(run_event("START", 1, "many", 1))
    other.get("/runs", status=400, cursor=cursor)


def test_a_total_is_counted_on_demand_only(asking: Project) -> None:
    asking.send(*(run_event("START", number, "many", number) for number in range(4)))
    assert asking.get("/runs", limit=2)["count"] is None
    assert asking.get("/runs", limit=2, count="true")["count"] == {"items": 4, "exact": True, "text": "4"}
    assert asking.get("/namespaces", count="true")["count"]["items"] == 1


@pytest.mark.parametrize("limit", [0, 1001, "many"])
def test_a_limit_outside_its_bounds_is_refused(asking: Project, limit: Any) -> None:
    assert asking.get("/runs", status=422, limit=limit)["errors"][0]["path"] == "query.limit"


def test_a_run_answers_to_node_id_run_id_and_unique_prefix(asking: Project) -> None:
    asking.send(*model_history())
    whole = asking.get(f"/runs/{run_id(2)}")
    assert asking.get(f"/runs/{whole['id']}") == whole
    assert asking.get(f"/runs/{whole['id'][:14]}")["run_id"] == run_id(2)
    problem = asking.get(f"/runs/{run_id(2)[:10]}", status=409)
    assert {candidate["name"] for candidate in problem["candidates"]} == {run_id(1), run_id(2)}
    asking.get("/runs/ffffffff", status=404)
    kinds = {node["kind"] for node in whole["nodes"]}
    assert {"DatasetVersion", "JobVersion", "CodeVersion", "Environment", "Actor", "Check"} <= kinds


def test_runs_without_a_uuid_answer_too(asking: Project) -> None:
    event = run_event("COMPLETE", 1, "odd", 1)
    event["run"]["runId"] = "manual__2026-05-01T00:00:00+00:00"
    asking.send(event)
    assert asking.get("/runs/manual__2026-05-01T00:00:00+00:00")["state"] == "COMPLETE"


def test_captured_lists_every_journalled_event_of_a_run(asking: Project) -> None:
    history = model_history()
    asking.send(*history)
    captured = asking.get(f"/runs/{run_id(2)}/captured")
    assert [item["event"] for item in captured["items"]] == [e for e in history if e["run"]["runId"] == run_id(2)]
    assert not captured["truncated"]


def test_jobs_carry_their_newest_run(asking: Project) -> None:
    asking.send(
        run_event("COMPLETE", 1, "daily", 1), run_event("FAIL", 2, "daily", 2), run_event("START", 3, "other", 3)
    )
    jobs = {job["name"]: job for job in asking.get("/jobs")["items"]}
    assert (jobs["daily"]["last_state"], jobs["other"]["last_state"]) == ("FAIL", "START")
    assert asking.get(f"/jobs/{jobs['daily']['id']}") == jobs["daily"]
    assert asking.get("/jobs", name="other")["items"] == [jobs["other"]]


def test_datasets_show_their_other_names_and_versions(asking: Project) -> None:
    asking.send(
        run_event("COMPLETE", 1, "make", 1, outputs=[dataset("raw", **version("v1"))]),
        run_event("COMPLETE", 2, "make", 2, outputs=[dataset("raw", **version("v2"))]),
        dataset_event(3, dataset("old_raw", **user_alias("raw"))),
    )
    found = {item["name"]: item for item in asking.get("/datasets")["items"]}
    assert found["old_raw"]["canonical"] == found["raw"]["id"] == found["raw"]["canonical"]
    assert found["raw"]["aliases"] == [{"namespace": "warehouse", "name": "old_raw"}]
    detail = asking.get(f"/datasets/{found['raw']['id']}")
    assert [item["value"] for item in detail["versions"]] == ["v2", "v1"]
    asking.get("/datasets/ds_aaaaaaaaaaaaaaaaaaaaaaaaaa", status=404)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"namespace": "s3a://lake", "name": "/raw/users.csv"}, {"raw/users.csv"}),
        ({"namespace": "s3://lake/", "name": "raw/users.csv"}, {"raw/users.csv"}),
        ({"namespace": "s3n://lake"}, {"raw/users.csv", "other.csv"}),
        ({"name": "/raw/users.csv"}, {"raw/users.csv"}),
        ({"name": "s3a://lake/raw/users.csv"}, {"raw/users.csv"}),
        ({"namespace": "postgresql://DB", "name": "shop.public.users"}, {"shop.public.users"}),
        ({"namespace": "postgres://db:5432"}, {"shop.public.users"}),
        ({"name": "file:///tmp//a.csv"}, {"/tmp/a.csv"}),
        ({"name": "/tmp/a.csv"}, {"/tmp/a.csv"}),
        ({"namespace": "s3a://elsewhere", "name": "raw/users.csv"}, set()),
    ],
)
def test_datasets_are_narrowed_by_names_in_any_spelling(
    asking: Project, params: dict[str, Any], expected: set[str]
) -> None:
    made = [
        dataset("/raw/users.csv", "s3a://lake"),
        dataset("other.csv", "s3://lake"),
        dataset("shop.public.users", "postgres://db"),
        dataset("/tmp/a.csv", "file"),
    ]
    asking.send(run_event("COMPLETE", 1, "job", 1, [], made))
    assert {item["name"] for item in asking.get("/datasets", **params)["items"]} == expected
    if "name" in params:
        found = asking.get("/resolve", kind="dataset", **params)["candidates"]
        assert {item["name"] for item in found} == expected


def test_models_are_found_by_names_in_any_spelling(asking: Project) -> None:
    registered: dict[str, Any] = {"weftline_modelRegistration": {"name": "churn"}}
    model = dataset("/churn", "s3a://models", datasetType={"datasetType": "MODEL"}, **version("7"), **registered)
    asking.send(run_event("COMPLETE", 1, "train", 1, [], [model]))
    spelt: dict[str, Any] = {"namespace": "s3n://models", "name": "/churn"}
    assert [item["name"] for item in asking.get("/models", **spelt)["items"]] == ["churn"]
    assert asking.get("/models/origins", **spelt)["version"]["number"] == 1
    assert asking.get("/models/origins", name="/churn")["version"]["number"] == 1
    assert asking.get("/resolve", kind="model", **spelt)["candidates"][0]["version"] == "version:7"


def test_models_show_their_numbers(asking: Project) -> None:
    asking.send(*model_history())
    (model,) = asking.get("/models")["items"]
    assert (model["name"], model["latest"]["number"], model["latest"]["tags"]) == ("churn", 1, {"stage": "test"})
    assert model["latest"]["digest"] == "sha256:" + "9" * 64
    assert asking.get(f"/models/{model['id']}")["versions"] == [model["latest"]]


def test_namespaces_and_actors_are_listed(asking: Project) -> None:
    asking.send(*model_history())
    assert asking.get("/namespaces")["items"] == [
        {"namespace": "models", "kinds": ["Dataset"]},
        {"namespace": "s3://lake", "kinds": ["Dataset"]},
        {"namespace": "tests", "kinds": ["Job"]},
    ]
    pages = list(asking.pages("/namespaces", 1))
    assert [page["items"][0]["namespace"] for page in pages] == ["models", "s3://lake", "tests"]
    assert [(actor["issuer"], actor["user"]) for actor in asking.get("/actors")["items"]] == [("os", "ana")]


def test_a_lost_record_shows_at_the_runs_of_its_client(asking: Project) -> None:
    client = "0b7c0a52-5d3e-4a0c-9d4e-0d5b6f0f7a11"
    lines: list[dict[str, Any]] = [
        {"client": client, "sequence": 1, "project": asking.name, "sent_at": "2026-05-01T12:00:00Z",
         "event": run_event("START", 1, "lossy", 1)},
        {"client": client, "sequence": 5, "project": asking.name, "sent_at": "2026-05-01T12:00:00Z",
         "gap": {"first": 2, "last": 4, "count": 3, "reason": "spool_full"}},
    ]  # fmt: skip
    answer = asking.server.post_records(lines, asking.name)
    assert answer.status_code == 207, answer.text
    asking.server.settle()
    gaps = [{"client": client, "first": 2, "last": 4, "count": 3, "reason": "spool_full"}]
    assert asking.get(f"/runs/{run_id(1)}")["completeness"]["gaps"] == gaps
    assert asking.get("/runs")["items"][0]["completeness"]["gaps"] == gaps


def test_any_node_is_shown_with_its_neighbours(asking: Project) -> None:
    asking.send(*model_history())
    model = asking.resolve(kind="model", name="churn")
    shown = asking.get(f"/nodes/{model}")
    assert shown["node"]["props"]["value"] == "9" * 64
    assert {edge["type"] for edge in shown["edges"]} == {"GENERATED_BY", "DERIVED_FROM", "VERSION_OF"}
    asking.get("/nodes/dv_aaaaaaaaaaaaaaaaaaaaaaaaaa", status=404)
