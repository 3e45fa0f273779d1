"""The examples run as a user would run them, and leave the graph their texts promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.embedded import Home

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.full
def test_three_plain_functions_give_one_connected_graph(home: Home) -> None:
    ended = home.python(EXAMPLES / "plain" / "three_functions.py")
    assert ended.out.startswith("slope 2.998")
    assert "model slope" in ended.err
    answer = home.lineage("origins", "slope", "--json").json
    assert [run["job"]["name"] for run in answer["runs"]] == ["line.fit", "line.centre", "line.measure"]
    assert answer["runs"][0]["attributes"]["metric.slope"]["text"].startswith("2.9975")
    passed = [edge for edge in answer["edges"] if edge["precision"] == "passed" and edge["type"] == "DERIVED_FROM"]
    assert len(passed) >= 2


@pytest.mark.full
def test_declared_files_are_followed_from_run_to_run(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    home.python(EXAMPLES / "declared" / "files.py", str(folder))
    assert (folder / "report.txt").read_text() == "best customer: cleo\n"
    traced = home.lineage("trace", str(folder / "report.txt"))
    assert traced.code == 0, traced.err
    story = ["report.txt", "run report", "totals.csv", "run total", "orders.csv", "run export"]
    order = [traced.out.index(part) for part in story]
    assert order == sorted(order)
    impact = home.lineage("impact", str(folder / "orders.csv"), "--json").json
    assert {Path(hit["name"]).name for hit in impact["versions"]} == {"totals.csv", "report.txt"}


@pytest.mark.full
def test_coroutines_run_at_once_belong_to_their_flow(home: Home) -> None:
    ended = home.python(EXAMPLES / "asynchronous" / "gather.py")
    assert ended.out.startswith("warmest: ")
    runs = home.lineage("runs", "--json").json["items"]
    assert sorted(run["job"]["name"] for run in runs) == ["weather", *["weather.fetch"] * 3, "weather.warmest"]
    (flow,) = [run for run in runs if run["job"]["name"] == "weather"]
    assert {run["parent"] for run in runs if run is not flow} == {flow["id"]}
    up = home.lineage("trace", next(r["run_id"] for r in runs if r["job"]["name"] == "weather.warmest"), "--json").json
    assert sum(node["kind"] == "Run" and node["depth"] is not None for node in up["nodes"]) == 4
