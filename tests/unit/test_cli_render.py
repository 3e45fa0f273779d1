"""How answers are written: nothing of a name steers the terminal (A27), and trees end whatever the graph looks like."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from lineage.cli import render, trees

HOSTILE = [
    "\x1b[2J\x1b[1;1Hcleared",
    "\x1b]0;title\x07",
    "\x9b31mred",
    "line\r\nbreak",
    "tab\there",
    "\u202egnp.exe",
    "zero\u200bwidth",
    "\u2028separator",
    "\ud800lone",
    "\U000e0041tag",
    "[bold]markup[/bold]",
    ":smile:",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_control_character_of_a_name_is_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    render.line(render.bold(name), " ", name)
    render.table(["NAME"], [[name], [render.dim(name)]])
    render.note(name)
    captured = capsys.readouterr()
    for output in (captured.out, captured.err):
        assert not set(output.replace("\n", "")) & {c for c in name if not c.isprintable()}
        assert output.count("\n") <= 4
    assert captured.out.count(render.safe(name)) == 4


@given(st.text(st.characters(codec=None), max_size=50))
def test_whatever_is_printed_is_printable_and_encodable(text: str) -> None:
    shown = render.safe(text)
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in shown)
    assert shown.encode("utf-8").decode("utf-8") == shown


def test_json_is_plain_ascii_and_exact(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"names": HOSTILE[:-3], "number": 2**70}
    render.emit_json(document)
    out = capsys.readouterr().out
    assert out.isascii()
    assert "\x1b" not in out
    assert json.loads(out) == document


NOW = datetime(2026, 5, 11, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (None, "-"),
        ("2026-05-11T11:59:59.000000Z", "just now"),
        ("2026-05-11T11:59:48.000000Z", "12 s ago"),
        ("2026-05-11T11:58:00.000000Z", "2 min ago"),
        ("2026-05-11T09:00:00.000000Z", "3 h ago"),
        ("2026-05-09T12:00:00.000000Z", "2 d ago"),
        ("2025-01-01T00:00:00.000000Z", "2025-01-01"),
        ("2027-01-01T00:00:00.000000Z", "2027-01-01"),
        ("not a time", "not a time"),
    ],
)
def test_ages(moment: str | None, shown: str) -> None:
    assert render.when(moment, NOW) == shown


@pytest.mark.parametrize(
    ("ended", "shown"),
    [
        ("2026-05-11T12:00:00.004000Z", "4 ms"),
        ("2026-05-11T12:00:03.200000Z", "3.2 s"),
        ("2026-05-11T12:00:41.000000Z", "41 s"),
        ("2026-05-11T12:12:00.000000Z", "12 min"),
        ("2026-05-11T15:00:00.000000Z", "3.0 h"),
        (None, ""),
    ],
)
def test_durations(ended: str | None, shown: str) -> None:
    assert render.duration("2026-05-11T12:00:00.000000Z", ended) == shown


def test_run_ids_are_cut_to_what_tells_them_apart() -> None:
    one, two = "0196c0de-5a10-7b62-9f3c-77aa5d414be1", "0196c0de-5a11-7b62-9f3c-77aa5d414be1"
    assert set(render.short_run_ids([one, two]).values()) == {"0196c0de-5a10", "0196c0de-5a11"}
    three = "0196c0de-5a10-7c00-9f3c-77aa5d414be1"
    assert render.short_run_ids([one, three])[three] == "0196c0de-5a10-7c00"
    assert render.short_run_ids(["same", "same"]) == {"same": "same"}


def test_every_sort_of_ignorance_is_said() -> None:
    known = {
        "truncated": True,
        "ambiguous": True,
        "inferred": True,
        "unresolved": [{"namespace": "s3://lake", "name": "users.csv"}],
        "gaps": [{"client": "c1", "first": 1, "last": 3, "count": 3, "reason": "spool_full"}],
        "silent_tasks": [{"run": "run_x", "job": "notify"}],
    }
    text = "\n".join(render.completeness_lines(known))
    for word in ("cut", "ambiguous", "inferred", "users.csv", "3 records", "spool_full", "notify"):
        assert word in text
    assert render.completeness_lines({}) == []


def run_node(name: str, job: str) -> dict[str, Any]:
    return {"id": name, "kind": "Run", "namespace": "n", "name": name, "props": {"job": job, "state": "COMPLETE"}}


def version_node(name: str) -> dict[str, Any]:
    props = {"scheme": "sha256", "value": "ab" * 32, "rows": 3}
    return {"id": name, "kind": "DatasetVersion", "namespace": "s3://lake", "name": name, "props": props}


def edge(src: str, type: str, dst: str, **members: Any) -> dict[str, Any]:
    return {"src": src, "type": type, "dst": dst, "via": "", "generation": "", "basis": "observed", **members}


def drawn(branch: trees.Branch) -> list[str]:
    lines: list[Text] = []
    trees.draw(branch, lines.append)
    return [line.plain for line in lines]


def test_a_tree_reads_from_the_model_down_to_its_sources() -> None:
    graph = trees.Graph(
        [version_node("model"), run_node("r1", "train"), version_node("features"), version_node("labels")],
        [
            edge("model", "GENERATED_BY", "r1"),
            edge("r1", "USED", "features"),
            edge("r1", "USED", "labels", basis="inferred"),
        ],
    )
    assert drawn(trees.ancestry(graph, "model")) == [
        "s3://lake/model  sha256:abababababab…  3 rows",
        "└─ run train r1   COMPLETE",
        "   ├─ s3://lake/features  sha256:abababababab…  3 rows   source: no producer known",
        "   └─ s3://lake/labels  sha256:abababababab…  3 rows   inferred   source: no producer known",
    ]


def test_a_value_goes_on_only_by_the_generation_that_was_meant() -> None:
    graph = trees.Graph(
        [version_node("out"), run_node("use", "use"), version_node("mid"), run_node("a", "a"), run_node("b", "b")],
        [
            edge("out", "GENERATED_BY", "use", explicit=True),
            edge("out", "DERIVED_FROM", "mid", via="use", generation="b", precision="passed"),
            edge("use", "USED", "mid", generation="b"),
            edge("mid", "GENERATED_BY", "a"),
            edge("mid", "GENERATED_BY", "b"),
        ],
    )
    lines = drawn(trees.ancestry(graph, "out"))
    assert any("passed from b" in line for line in lines)
    assert [line.split()[-2] for line in lines if " run " in line] == ["use", "b"]


def test_effects_of_a_run_that_states_its_derivations_are_only_what_derives_from_the_input() -> None:
    graph = trees.Graph(
        [version_node("in1"), version_node("in2"), run_node("r", "r"), version_node("o1"), version_node("o2")],
        [
            edge("r", "USED", "in1"),
            edge("r", "USED", "in2"),
            edge("o1", "GENERATED_BY", "r", explicit=True),
            edge("o2", "GENERATED_BY", "r", explicit=True),
            edge("o1", "DERIVED_FROM", "in1", via="r"),
            edge("o2", "DERIVED_FROM", "in2", via="r"),
        ],
    )
    lines = drawn(trees.descent(graph, "in1"))
    assert any("/o1" in line for line in lines)
    assert not any("/o2" in line for line in lines)


def test_a_cycle_and_a_chain_of_ten_thousand_are_drawn_once() -> None:
    graph = trees.Graph(
        [version_node("v"), run_node("r", "loop")], [edge("v", "GENERATED_BY", "r"), edge("r", "USED", "v")]
    )
    assert len(drawn(trees.ancestry(graph, "v"))) == 3
    nodes = [version_node(f"v{n}") for n in range(5_000)] + [run_node(f"r{n}", "step") for n in range(5_000)]
    edges = [edge(f"v{n}", "GENERATED_BY", f"r{n}") for n in range(5_000)]
    edges += [edge(f"r{n}", "USED", f"v{n + 1}") for n in range(4_999)]
    assert len(drawn(trees.ancestry(trees.Graph(nodes, edges), "v0"))) == 10_000


def test_a_node_shared_by_two_inputs_is_opened_once() -> None:
    graph = trees.Graph(
        [version_node("m"), run_node("r", "r"), version_node("a"), version_node("b"), run_node("s", "s")],
        [
            edge("m", "GENERATED_BY", "r"),
            edge("r", "USED", "a"),
            edge("r", "USED", "b"),
            edge("a", "GENERATED_BY", "s"),
            edge("b", "GENERATED_BY", "s"),
            edge("s", "USED", "raw"),
        ],
    )
    lines = drawn(trees.ancestry(graph, "m"))
    assert sum("run s" in line for line in lines) == 2
    assert sum("raw" in line for line in lines) == 1
    assert sum("(above)" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("props", "shown"),
    [
        ({"commit": "4be1c07aaaaaaaaa", "dirty": False}, "4be1c07aaa"),
        ({"commit": "4be1c07aaaaaaaaa", "dirty": True, "diffDigest": "x"}, "4be1c07aaa (dirty, diff kept)"),
        ({"commit": "4be1c07aaaaaaaaa", "dirty": True, "source": "git"}, "4be1c07aaa (dirty)"),
        ({"commit": "4be1c07aaaaaaaaa", "source": "ci"}, "4be1c07aaa (told by the CI system)"),
        ({"sourceDigest": "sha256:0123456789abcdef"}, "source 0123456789 (no repository)"),
        ({}, "unknown"),
    ],
)
def test_code_versions_say_what_they_are(props: dict[str, Any], shown: str) -> None:
    assert trees.code_label(props) == shown


def test_identical_reruns_are_one_line() -> None:
    graph = trees.Graph(
        [version_node("m"), run_node("aaaa", "train"), run_node("bbbb", "train"), run_node("cccc", "other")],
        [edge("m", "GENERATED_BY", run) for run in ("aaaa", "bbbb", "cccc")]
        + [edge(run, "USED", "raw") for run in ("aaaa", "bbbb", "cccc")],
    )
    graph.nodes["bbbb"]["props"]["started_at"] = "2026-05-11T12:00:00.000000Z"
    lines = drawn(trees.ancestry(graph, "m"))
    assert sum("run train" in line for line in lines) == 1
    assert "run train bbbb" in lines[1]
    assert lines[1].endswith("made 2 times, the latest is shown; all: bbbb, aaaa")
    assert sum("run other" in line for line in lines) == 1


def test_effects_reached_twice_are_opened_once() -> None:
    graph = trees.Graph(
        [*map(version_node, ("v", "a", "b", "o")), run_node("s", "split"), run_node("r", "join")],
        [
            edge("s", "USED", "v"),
            edge("a", "GENERATED_BY", "s"),
            edge("b", "GENERATED_BY", "s"),
            edge("r", "USED", "a"),
            edge("r", "USED", "b"),
            edge("o", "GENERATED_BY", "r"),
        ],
    )
    lines = drawn(trees.descent(graph, "v"))
    assert sum("/o" in line for line in lines) == 1
    assert [line.endswith("(above)") for line in lines if "run join" in line] == [False, True]
