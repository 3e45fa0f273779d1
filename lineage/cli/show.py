"""`lineage show`: one thing and what touches it; with `--captured`, everything a run let out of its process."""

from __future__ import annotations

import json as encoder
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.text import Text

from lineage.cli import render
from lineage.cli.connection import JsonFlag, Project, connect
from lineage.cli.references import Reference, node_id
from lineage.cli.render import Json
from lineage.cli.trees import Graph, code_label
from lineage.client import Client
from lineage.errors import UsageError
from lineage.refs import DatasetRef, ModelRef

_UPWARDS = {
    "USED": "read",
    "GENERATED_BY": "made by",
    "DERIVED_FROM": "derived from",
    "RUN_OF": "job version",
    "BUILT_FROM": "code",
    "RAN_IN": "environment",
    "STARTED_BY": "started by",
    "PART_OF": "part of",
    "TRIGGERED_BY": "triggered by",
    "VERSION_OF": "version of",
    "JOB_VERSION_OF": "version of",
    "ALIAS_OF": "other name of",
    "ATTACHED": "about",
}
_DOWNWARDS = {
    "USED": "read by",
    "GENERATED_BY": "made",
    "DERIVED_FROM": "led to",
    "RUN_OF": "runs",
    "BUILT_FROM": "used by",
    "RAN_IN": "runs",
    "STARTED_BY": "started",
    "PART_OF": "parts",
    "TRIGGERED_BY": "triggered",
    "VERSION_OF": "versions",
    "JOB_VERSION_OF": "versions",
    "ALIAS_OF": "other names",
    "ATTACHED": "about it",
}
_ATTACHED = {"Check": "checks", "Deployment": "deployments", "Approval": "approvals", "Artifact": "artifacts"}
_SHOWN_NEIGHBOURS = 20
_SHOWN_VALUE = 200
# Shown in a place of their own, or by the neighbours.
_ELSEWHERE = frozenset({
    "attributes", "dataset", "digest", "ended_at", "entry_point", "environment", "findings", "finished", "inputs",
    "job", "job_namespace", "missing", "model", "outputs", "parent", "root", "scheme", "started_at", "state", "time",
    "value",
})  # fmt: skip


def show(
    reference: Reference,
    captured: Annotated[
        bool, typer.Option("--captured", help="List what left the process: every journalled event of the run.")
    ] = False,
    project: Project = None,
    json: JsonFlag = False,
) -> None:
    """Show a run, dataset, version, model or any node."""
    with connect(project) as client:
        node = node_id(client, reference)
        if captured:
            if not node.startswith("run_"):
                raise UsageError("--captured is about runs: give a run id (lineage runs)")
            answer = client.get(f"/runs/{node}/captured")
        else:
            answer = client.node(node)
        registered = [] if json or captured else _registrations(client, answer["node"])
    if json:
        render.emit_json(answer)
    elif captured:
        _captured(answer)
    else:
        _node(answer, registered)


def _registrations(client: Client, node: Json) -> list[Json]:
    """The numbers a model version was registered under."""
    if node["kind"] != "DatasetVersion" or not node["props"].get("model"):
        return []
    versions = client.get(f"/models/{node['props']['dataset']}")["versions"]
    return [found for found in versions if found["version"] == node["id"]]


def candidate_line(candidate: Json) -> str:
    """One line that tells a candidate from the others; it begins with a REF that means this one."""
    name = f"{candidate['namespace']} {candidate['name']}" if candidate.get("namespace") else candidate["name"]
    kind = "Model" if candidate.get("model") and candidate["kind"] == "Dataset" else candidate["kind"]
    parts = [_reference(candidate), kind, name, candidate.get("version"), candidate.get("state")]
    return "  ".join(str(part) for part in [*parts, render.when(candidate.get("time"))] if part)


def _reference(candidate: Json) -> str:
    if candidate["kind"] == "Run":
        return str(candidate["name"])
    if candidate["kind"] == "Dataset" and candidate.get("namespace") == "models" and candidate.get("model"):
        return str(ModelRef(candidate["name"]))
    if candidate["kind"] == "Dataset" and candidate.get("namespace"):
        return str(DatasetRef(candidate["namespace"], candidate["name"]))
    return str(candidate["id"])


def _node(answer: Json, registered: list[Json]) -> None:
    node = answer["node"]
    props = node["props"]
    graph = Graph([*answer["nodes"], node], answer["edges"])
    render.line(graph.label(node["id"]))
    render.line(render.dim(f"{node['kind']}  {node['id']}"))
    if node["kind"] == "Run":
        render.line(render.dim(f"run id  {node['name']}   started {render.when(props.get('started_at'))}"))
        _ran(graph, answer["edges"], node)
    elif node["kind"] == "DatasetVersion":
        render.line(render.dim(f"{props['scheme']}:{props['value']}   made {render.when(props.get('time'))}"))
    for found in registered:
        tags = "  ".join(f"{key}={value}" for key, value in found["tags"].items())
        when = f"registered {render.when(found['registered_at'])}"
        render.line("  ", render.joined([render.bold(f"v{found['number']}"), when, tags]))
    for key, value in sorted((props.get("attributes") or {}).items()):
        render.line("  ", render.dim(key), "  ", value["text"])
    for key, text in _plain(props):
        render.line("  ", render.dim(key), "  ", text)
    _neighbours(graph, node["id"], answer["edges"])
    missing = [f"{item.get('what')} ({item.get('why')})" for item in props.get("missing") or ()]
    notes = render.completeness_lines(answer["completeness"])
    if missing:
        render.line(render.bold("missing: "), " · ".join(missing))
    for item in props.get("findings") or ():
        render.line(render.bold("finding: "), f"{item.get('code')} at {item.get('place')}: {item.get('text')}")
    for text in notes:
        render.line(render.bold("unknown: "), text)


def _ran(graph: Graph, edges: list[Json], run: Json) -> None:
    """What a run ran from: commit, script, Python, and how its checks ended."""
    code = [node["props"] for node in graph.nodes.values() if node["kind"] == "CodeVersion"]
    environments = [graph.nodes[edge["dst"]]["props"] for edge in graph.leaving(run["id"], "RAN_IN")]
    told = {edge["src"] for edge in edges if edge["type"] == "ATTACHED"}
    checks = [graph.nodes[node] for node in sorted(told) if graph.nodes.get(node, {}).get("kind") == "Check"]
    failed = sorted(str(check["name"]) for check in checks if not check["props"].get("success"))
    ended = f"{len(checks) - len(failed)} passed" + (f", {len(failed)} failed ({', '.join(failed)})" if failed else "")
    for title, text in (
        ("code", code_label(code[0]) if code else ""),
        ("script", run["props"].get("entry_point")),
        ("Python", environments[0].get("python") if environments else ""),
        ("checks", ended if checks else ""),
    ):
        if text:
            render.line("  ", render.dim(title), "  ", str(text))


def _plain(props: Json) -> Iterator[tuple[str, str]]:
    """Properties that fit on a line."""
    for key, value in sorted(props.items()):
        if key in _ELSEWHERE or value is None or value == "" or value == []:
            continue
        text = value if isinstance(value, str) else encoder.dumps(value, ensure_ascii=True)
        yield key, text if len(text) <= _SHOWN_VALUE else f"{text[:_SHOWN_VALUE]}… ({len(text):,} characters, --json)"


def _neighbours(graph: Graph, node: str, edges: list[Json]) -> None:
    groups: dict[str, list[Text]] = {}
    for edge in sorted(edges, key=lambda edge: _part_start(graph, edge)):
        outwards = edge["src"] == node
        if not outwards and edge["dst"] != node:
            continue
        other = edge["dst"] if outwards else edge["src"]
        title = (_UPWARDS if outwards else _DOWNWARDS)[edge["type"]]
        if edge["type"] == "ATTACHED" and not outwards:
            title = _ATTACHED.get(graph.nodes.get(other, {}).get("kind", ""), title)
        line = _neighbour(graph, other, edge)
        groups.setdefault(title, []).append(line)
    for title, lines in groups.items():
        for line in lines[:_SHOWN_NEIGHBOURS]:
            render.line(render.dim(f"  {title:<13} "), line)
        if len(lines) > _SHOWN_NEIGHBOURS:
            render.line(render.dim(f"  {title:<13} … {len(lines) - _SHOWN_NEIGHBOURS:,} more (--json)"))


def _part_start(graph: Graph, edge: Json) -> str:
    """Parts of a run in the order they started; everything else stays where it is."""
    if edge["type"] != "PART_OF":
        return ""
    return str(graph.nodes.get(edge["src"], {}).get("props", {}).get("started_at") or "")


def _neighbour(graph: Graph, other: str, edge: Json) -> Text:
    words = [word for word in (edge.get("precision"), edge.get("basis")) if word and word != "observed"]
    label = graph.label(other)
    node = graph.nodes.get(other, {})
    if node.get("kind") == "JobVersion":
        for built in graph.leaving(other, "BUILT_FROM"):
            label = render.joined([label, "code " + code_label(graph.nodes[built["dst"]]["props"])])
    return Text.assemble(label, render.dim(f"   {', '.join(words)}" if words else ""), render.dim(f"   {other[:12]}"))


def _captured(answer: Json) -> None:
    if not answer["items"]:
        render.note("nothing was journalled for this run: its events were sent by other runs")
    for item in answer["items"]:
        event = item["event"]
        render.line(render.bold(f"record {item['seq']}"), render.dim(f"  received {item['received']}"))
        if event is None:
            render.line("  erased")
            continue
        for path, value in _leaves(event):
            render.line("  ", render.dim(path), "  ", encoder.dumps(value, ensure_ascii=True))
    if answer["truncated"]:
        render.note("there are more records than one answer holds")


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar of a document with its path; `_producer` and `_schemaURL`, which repeat, are left out."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            if key not in ("_producer", "_schemaURL"):
                yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path, value
