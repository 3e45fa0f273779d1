"""`/resolve`, `/lineage`, `/models/origins` and `/impact` over HTTP, against a history sent as events."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.asking import CLEAN_CODE, Project, model_history
from fixtures.run_shapes import dataset, dataset_event, digest, run_event, run_id, user_alias, version

Json = dict[str, Any]


def edges_of(answer: Json, *types: str) -> set[tuple[str, str]]:
    """(src name, dst name) of an answer's edges of some types."""
    names = {node["id"]: node["name"] for node in answer["nodes"]}
    return {(names[e["src"]], names[e["dst"]]) for e in answer["edges"] if e["type"] in types}


def test_origins_name_every_link_from_model_to_source(asking: Project) -> None:
    asking.send(*model_history())
    answer = asking.get("/models/origins", name="churn")
    assert answer["version"]["number"] == 1
    assert answer["version"]["value"] == "9" * 64
    assert answer["version"]["registrations"][0]["tags"] == {"stage": "test"}
    assert [(source["namespace"], source["name"]) for source in answer["sources"]] == [("s3://lake", "raw.csv")]
    (path,) = answer["sources"][0]["paths"]
    assert path[0]["src"] == answer["version"]["id"]
    assert path[-1]["dst"] == answer["sources"][0]["id"]
    assert [run["job"]["name"] for run in answer["runs"]] == ["train", "clean"]
    assert answer["runs"][0]["attributes"]["metric.auc"] == {"type": "float", "text": "0.941"}
    assert answer["runs"][0]["attributes"]["param.lr"] == {"type": "float", "text": "0.1"}
    assert {run["code"] for run in answer["runs"]} == {answer["code"][0]["id"]}
    assert {run["environment"] for run in answer["runs"]} == {answer["environments"][0]["id"]}
    assert answer["environments"][0]["props"]["packages"] == {"pandas": "3.0"}
    assert {check["name"]: check["props"]["success"] for check in answer["checks"]} == {"drift": False, "rows": True}
    assert [actor["name"] for actor in answer["actors"]] == ["ana"]
    assert [(item["what"], item["text"]) for item in answer["missing"]] == [("seed", "seed of run train: not set")]
    assert answer["completeness"] == {
        "truncated": False,
        "truncated_by": None,
        "ambiguous": False,
        "inferred": False,
        "unresolved": [],
        "gaps": [],
        "silent_tasks": [],
    }


@pytest.mark.parametrize("wanted", ["1", "sha256:99999999", "sha256:" + "9" * 64])
def test_a_model_version_is_found_by_number_and_by_digest(asking: Project, wanted: str) -> None:
    asking.send(*model_history())
    assert asking.get("/models/origins", name="churn", version=wanted)["version"]["number"] == 1


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"name": "nothing"}, "No model"),
        ({"name": "raw.csv"}, "not a model"),
        ({"name": "churn", "version": "7"}, "version 1"),
        ({"name": "churn", "version": "@production"}, "no alias"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(asking: Project, params: Json, says: str) -> None:
    asking.send(*model_history())
    problem = asking.get("/models/origins", status=404, **params)
    assert says in problem["detail"]


def test_every_registration_gets_the_next_number(asking: Project) -> None:
    asking.send(*model_history())
    second = dataset(
        "churn",
        "models",
        datasetType={"datasetType": "MODEL"},
        weftline_modelRegistration={"name": "churn", "tags": {}},
        **digest("8"),
    )
    asking.send(run_event("COMPLETE", 60, "train", 3, outputs=[second]))
    assert asking.get("/models/origins", name="churn")["version"]["number"] == 2
    assert asking.get("/models/origins", name="churn", version="1")["version"]["value"] == "9" * 64


def test_lineage_goes_up_and_down_from_any_version(asking: Project) -> None:
    asking.send(*model_history())
    model = asking.resolve(kind="model", name="churn")
    raw = asking.resolve(kind="dataset", namespace="s3://lake", name="raw.csv", version="sha256:" + "a" * 64)
    up = asking.get("/lineage", root=model, direction="up")
    assert edges_of(up, "DERIVED_FROM") >= {("churn", "features.csv"), ("features.csv", "raw.csv")}
    assert edges_of(up, "GENERATED_BY") == {("churn", run_id(2)), ("features.csv", run_id(1))}
    assert {node["kind"] for node in up["nodes"] if node["depth"] is None} >= {"CodeVersion", "Environment", "Actor"}
    down = asking.get("/lineage", root=raw, direction="down")
    assert {node["name"] for node in down["nodes"] if node["kind"] == "DatasetVersion"} == {
        "raw.csv", "features.csv", "churn",
    }  # fmt: skip
    stated = {(e["precision"], e["basis"]) for e in up["edges"] if e["type"] == "DERIVED_FROM"}
    assert stated == {("passed", "observed"), ("co-occurring", "inferred")}


def test_a_walk_is_folded_by_granularity(asking: Project) -> None:
    asking.send(*model_history())
    model = asking.resolve(kind="model", name="churn")
    for granularity, expected in (
        ("run", {(run_id(2), run_id(1))}),
        ("job", {("train", "clean")}),
        ("dataset", {("churn", "features.csv"), ("features.csv", "raw.csv")}),
    ):
        answer = asking.get("/lineage", root=model, direction="up", granularity=granularity)
        assert edges_of(answer, "DERIVED_FROM") == expected, granularity


def test_a_depth_that_cuts_says_so_and_counts_what_is_hidden(asking: Project) -> None:
    asking.send(*model_history())
    model = asking.resolve(kind="model", name="churn")
    answer = asking.get("/lineage", root=model, direction="up", depth=1)
    assert answer["completeness"]["truncated"]
    assert answer["completeness"]["truncated_by"] == "depth"
    assert any(folded["up"] > 0 for folded in answer["hidden"].values())


def test_pages_of_a_walk_add_up_to_the_whole(asking: Project) -> None:
    asking.send(*model_history())
    model = asking.resolve(kind="model", name="churn")
    whole = asking.get("/lineage", root=model, direction="up")
    pages = list(asking.pages("/lineage", 2, root=model, direction="up"))
    assert len(pages) > 1
    placed = [node["id"] for page in pages for node in page["nodes"] if node["depth"] is not None]
    assert sorted(placed) == sorted(node["id"] for node in whole["nodes"] if node["depth"] is not None)
    assert pages[0]["completeness"]["truncated"]
    assert not pages[-1]["completeness"]["truncated"]


def test_a_cursor_of_a_walk_is_bound_to_its_question(asking: Project, asked_server: Any) -> None:
    asking.send(*model_history())
    model = asking.resolve(kind="model", name="churn")
    cursor = asking.get("/lineage", root=model, direction="up", limit=2)["next_cursor"]
    assert asking.get("/lineage", root=model, direction="up", limit=3, cursor=cursor)["nodes"]
    asking.get("/lineage", status=400, root=model, direction="down", limit=2, cursor=cursor)
    asking.get("/lineage", status=400, root=model, direction="up", limit=2, cursor="A" + cursor[1:])
    asking.get("/lineage", status=400, root=model, direction="up", limit=2, cursor="garbage!")
    other = Project(asked_server, asking.name + "-other")
    other.send(*model_history())
    other.get("/lineage", status=400, root=model, direction="up", limit=2, cursor=cursor)


def test_impact_lists_what_was_made_with_the_way_to_it(asking: Project) -> None:
    deployed = {"target": "prod", "endpoint": "https://x", "model": {"namespace": "models", "name": "churn"}}
    history = model_history()
    asking.send(*history, run_event("RUNNING", 29, "train", 2, weftline_deployments={"deployments": [deployed]}))
    raw = asking.resolve(kind="dataset", namespace="s3://lake", name="raw.csv")
    answer = asking.get("/impact", root=raw)
    assert [hit["name"] for hit in answer["versions"]] == ["features.csv"]
    assert [(hit["name"], hit["numbers"]) for hit in answer["models"]] == [("churn", [1])]
    assert [hit["name"] for hit in answer["deployments"]] == ["prod"]
    (model,) = answer["models"]
    assert model["depth"] == len(model["path"])
    assert (model["basis"], model["precision"]) == ("observed", "co-occurring")
    assert answer["runs"] == 2


def test_resolve_finds_things_by_any_of_their_names(asking: Project) -> None:
    asking.send(*model_history())
    raw = asking.resolve(kind="dataset", namespace="s3://lake", name="raw.csv")
    assert asking.resolve(name="s3://lake/raw.csv") == raw
    assert asking.resolve(name="s3a://lake/raw.csv") == raw
    assert asking.resolve(kind="dataset", namespace="s3a://lake/", name="/raw.csv") == raw
    assert asking.resolve(id=raw[:12]) == raw
    run = asking.resolve(kind="run", name=run_id(2))
    assert asking.resolve(name=run_id(2)) == run
    assert asking.get("/resolve", name="00000000-0000")["candidates"][0]["kind"] == "Run"
    assert len(asking.get("/resolve", name="00000000")["candidates"]) == 2
    assert asking.get("/resolve", name="nothing of that name")["candidates"] == []
    asking.get("/resolve", status=422)


def test_resolve_follows_an_alias_until_it_is_taken_back(asking: Project) -> None:
    asking.send(
        run_event("COMPLETE", 10, "make", 1, outputs=[dataset("raw", **version("v1"))]),
        dataset_event(11, dataset("old_raw", **user_alias("raw"))),
    )
    canonical = asking.resolve(kind="dataset", namespace="warehouse", name="raw")
    found = asking.get("/resolve", kind="dataset", namespace="warehouse", name="old_raw")["candidates"]
    assert [item["canonical"] for item in found] == [canonical]
    assert found[0]["aliases"] == [{"namespace": "warehouse", "name": "raw"}]
    asking.send(dataset_event(12, dataset("old_raw", **user_alias("raw", removed=True))))
    found = asking.get("/resolve", kind="dataset", namespace="warehouse", name="old_raw")["candidates"]
    assert [item["canonical"] for item in found] == [found[0]["id"]]


def test_known_at_gives_the_former_answer(asking: Project) -> None:
    asking.send(run_event("COMPLETE", 10, "make", 1, inputs=[dataset("a", **version("1"))], outputs=[dataset("b")]))
    run = asking.resolve(kind="run", name=run_id(1))
    before = asking.get("/lineage", root=run, direction="up")
    asking.send(run_event("RUNNING", 9, "make", 1, inputs=[dataset("late", **version("2"))]))
    now = asking.get("/lineage", root=run, direction="up")
    assert edges_of(now, "USED") == {(run_id(1), "a"), (run_id(1), "late")}
    then = asking.get("/lineage", root=run, direction="up", known_at=before["as_of"]["known_at"])
    assert edges_of(then, "USED") == {(run_id(1), "a")}
    asking.get("/lineage", status=422, root=run, known_at="yesterday")


def test_unknown_is_never_shown_as_none(asking: Project) -> None:
    asking.send(
        run_event("START", 10, "use", 1, inputs=[dataset("nowhere")], **CLEAN_CODE),
        run_event("COMPLETE", 11, "use", 1, outputs=[dataset("made", **version("1"))]),
        run_event("COMPLETE", 12, "quiet", 2),
    )
    made = asking.resolve(kind="dataset", namespace="warehouse", name="made", version="1")
    known = asking.get("/lineage", root=made, direction="up")["completeness"]
    assert known["unresolved"] == [{"namespace": "warehouse", "name": "nowhere"}]
    assert known["inferred"]
    quiet = asking.get(f"/runs/{run_id(2)}")
    assert [task["job"] for task in quiet["completeness"]["silent_tasks"]] == ["quiet"]


def test_a_node_of_another_project_is_not_there(asking: Project, asked_server: Any) -> None:
    asking.send(*model_history())
    model = asking.resolve(kind="model", name="churn")
    stranger = Project(asked_server, asking.name + "-stranger")
    stranger.get("/lineage", status=404, root=model)
    stranger.get(f"/nodes/{model}", status=404)
    assert stranger.get("/resolve", name="churn")["candidates"] == []


def test_columns_are_followed_where_an_event_names_them(asking: Project) -> None:
    total = {"inputFields": [{"namespace": "warehouse", "name": "orders", "field": "amount"}]}
    named = dataset("totals", **version("1"), columnLineage={"fields": {"total": total}})
    asking.send(
        run_event("COMPLETE", 1, "sum", 1, inputs=[dataset("orders", **version("1"))], outputs=[named]),
    )
    totals = asking.resolve(kind="dataset", namespace="warehouse", name="totals")
    answer = asking.get("/lineage", root=totals, direction="up", granularity="column")
    paths = {node["id"]: (node["name"], node["props"]["path"]) for node in answer["nodes"]}
    assert {(paths[e["src"]], paths[e["dst"]]) for e in answer["edges"]} == {
        (("totals", "total"), ("orders", "amount")),
    }  # fmt: skip
    run = asking.resolve(kind="run", name=run_id(1))
    silent = asking.get("/lineage", root=run, granularity="column")
    assert silent["nodes"]
    asking.send(run_event("COMPLETE", 2, "copy", 2, outputs=[dataset("plain", **version("1"))]))
    plain = asking.resolve(kind="dataset", namespace="warehouse", name="plain")
    assert "No column lineage" in asking.get("/lineage", status=404, root=plain, granularity="column")["detail"]


def test_valid_at_leaves_out_what_came_later(asking: Project) -> None:
    asking.send(*model_history())
    features = asking.resolve(kind="dataset", namespace="s3://lake", name="features.csv", version="b" * 64)
    now = asking.get("/lineage", root=features, direction="down")
    assert run_id(2) in {node["name"] for node in now["nodes"]}
    before = asking.get("/lineage", root=features, direction="down", valid_at="2026-05-01T12:00:15Z")
    assert {node["name"] for node in before["nodes"]} == {"features.csv"}
    assert before["as_of"]["valid_at"] == "2026-05-01T12:00:15.000000Z"
    asking.get("/lineage", status=422, root=features, valid_at="soon")


def test_the_surface_is_described_for_every_route(asked_server: Any) -> None:
    document = asked_server.client.get("/api/v1/openapi.json").json()
    ours = ("/resolve", "/lineage", "/impact", "/models", "/runs", "/jobs", "/datasets", "/namespaces", "/actors",
            "/policy/check", "/nodes")  # fmt: skip
    found = 0
    for path, methods in document["paths"].items():
        if not path.removeprefix("/api/v1").startswith(ours):
            continue
        for operation in methods.values():
            found += 1
            assert operation["operationId"], path
            assert operation["description"], path
            assert operation["x-permission"] in ("read", "ingest"), path
            for parameter in operation.get("parameters", ()):
                assert {"description", "schema"} <= parameter.keys() or parameter["schema"], (path, parameter["name"])
            answers = operation["responses"].values()
            bodies = [body for answer in answers for body in answer.get("content", {}).values()]
            assert any("example" in body for body in bodies), path
    assert found >= 16


def test_impact_of_a_dataset_is_the_impact_of_all_its_versions(asking: Project) -> None:
    source = [dataset("raw.csv", "s3://lake", **digest(letter)) for letter in "ab"]
    for number, raw in enumerate(source, 1):
        made = dataset(f"derived{number}.csv", "s3://lake", **digest(str(number)))
        asking.send(
            run_event("START", 10 * number, f"job{number}", number, inputs=[raw]),
            run_event("COMPLETE", 10 * number + 5, f"job{number}", number, outputs=[made]),
        )
    root = asking.resolve(kind="dataset", namespace="s3://lake", name="raw.csv")
    found = {version["name"] for version in asking.get("/impact", root=root)["versions"]}
    assert found == {"derived1.csv", "derived2.csv"}
    old = asking.resolve(kind="dataset", namespace="s3://lake", name="raw.csv", version="sha256:" + "a" * 64)
    assert {version["name"] for version in asking.get("/impact", root=old)["versions"]} == {"derived1.csv"}
