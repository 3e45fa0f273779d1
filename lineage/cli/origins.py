"""`lineage origins`: where a model comes from, as a tree, with what is missing and how to look further."""

from __future__ import annotations

from collections.abc import Sequence

from lineage.cli import render
from lineage.cli.connection import JsonFlag, Project, connect
from lineage.cli.references import ModelReference, model_ref
from lineage.cli.render import Json
from lineage.cli.trees import Graph, ancestry, code_label, draw
from lineage.client import Client
from lineage.errors import UsageError
from lineage.refs import ModelRef

_SHOWN_MISSING = 12


def origins(model: ModelReference, project: Project = None, json: JsonFlag = False) -> None:
    """Show where a model version comes from: data, code, environment, runs, metrics, and what is missing."""
    with connect(project) as client:
        answer = ask(client, model)
    if json:
        render.emit_json(answer)
    else:
        draw_origins(answer)


def ask(client: Client, model: str) -> Json:
    """The origins of what a person typed as a model."""
    ref = model_ref(client, model)
    if isinstance(ref, ModelRef):
        return client.origins(ref.name, ref.version)
    node = client.node(ref.id)["node"]
    if node["kind"] != "DatasetVersion":
        raise UsageError(f"{ref} is a {node['kind']}, not a version of a model: lineage trace {ref}")
    return client.origins(node["name"], f"{node['props']['scheme']}:{node['props']['value']}")


def draw_origins(answer: Json, command: str = "lineage") -> None:
    """Print the tree and what stands beside it."""
    version = answer["version"]
    scripts = _scripts(answer)
    graph = Graph(
        answer["nodes"],
        answer["edges"],
        code_shown=len(answer["code"]) > 1,
        script_shown=len(scripts) > 1,
        cut=_cut_off(answer),
    )
    tree = ancestry(graph, version["id"])
    tree.label = render.joined(
        [
            render.bold(_title(answer)),
            render.version(version["scheme"], version["value"]),
            _registered(answer),
            render.dim("(observed)"),
        ],
        "  ",
    )
    draw(tree, render.console().print)
    _code(answer["code"], scripts)
    _environments(answer["environments"])
    _checks(answer["checks"])
    for deployment in answer["deployments"]:
        render.line(render.bold("deployed: "), deployment_text(deployment))
    missing = [item["text"] for item in answer["missing"]]
    if missing:
        more = f" · … {len(missing) - _SHOWN_MISSING} more (--json)" if len(missing) > _SHOWN_MISSING else ""
        render.line(render.bold("missing: "), " · ".join(missing[:_SHOWN_MISSING]) + more)
    else:
        render.line(render.bold("missing: "), "nothing that was looked for")
    for text in render.completeness_lines(answer["completeness"]):
        render.line(render.bold("unknown: "), text)
    render.line(render.dim("next: " + " · ".join(_next(answer, graph, command))))


def _title(answer: Json) -> str:
    number = answer["version"]["number"]
    return f"{answer['model']['name']} v{number}" if number is not None else str(answer["model"]["name"])


def _registered(answer: Json) -> str:
    registrations = answer["version"]["registrations"]
    if not registrations:
        return "not registered"
    by = f" by {answer['actors'][0]['name']}" if len(answer["actors"]) == 1 else ""
    return f"registered {render.when(registrations[-1]['registered_at'])}{by}"


def _scripts(answer: Json) -> list[str]:
    """What the runs were started from, nearest first."""
    nodes = {node["id"]: node for node in answer["nodes"]}
    found = [nodes[run["id"]]["props"].get("entry_point") for run in answer["runs"] if run["id"] in nodes]
    return list(dict.fromkeys(str(script) for script in found if script))


def _cut_off(answer: Json) -> dict[str, str]:
    """Where the walk stopped although there is more: what is neither a source nor shown with its causes."""
    if not answer["completeness"]["truncated"]:
        return {}
    sources = {source["id"] for source in answer["sources"]}
    return {
        node["id"]: "… cut off here"
        for node in answer["nodes"]
        if node["id"] not in sources and (node["kind"] != "Run" or node["props"].get("inputs"))
    }


def _code(versions: Sequence[Json], scripts: Sequence[str]) -> None:
    """The code of all runs, when it is one and the same, and the scripts that ran."""
    props = versions[0]["props"] if len(versions) == 1 else {}
    parts = [code_label(props) if props else "", ", ".join(scripts), props.get("repository"), props.get("branch")]
    if any(parts):
        render.line(render.bold("code: " if props else "script: "), "   ".join(str(part) for part in parts if part))


def _environments(environments: Sequence[Json]) -> None:
    for node in environments:
        props = node["props"]
        packages = props.get("packages") or {}
        parts = [
            f"{props.get('implementation') or 'Python'} {props.get('python')}" if props.get("python") else "",
            render.count(len(packages), "package") if packages else "packages not recorded",
            f"locked by {props['lockFile']}" if props.get("lockDigest") else "no lock file",
            str(props.get("platform") or ""),
        ]
        render.line(render.bold("environment: "), "   ".join(part for part in parts if part))


def _checks(checks: Sequence[Json]) -> None:
    if not checks:
        return
    failed = [node["name"] for node in checks if not node["props"].get("success")]
    passed = len(checks) - len(failed)
    text = f"{passed} passed" + (f", {len(failed)} failed ({', '.join(failed[:5])})" if failed else "")
    render.line(render.bold("checks: "), text)


def deployment_text(deployment: Json) -> str:
    """Target, endpoint and the version that was named, of a deployment."""
    props = deployment["props"]
    named = f"as version {props['version']}" if props.get("version") else ""
    return "   ".join(str(part) for part in (deployment["name"], props.get("endpoint"), named) if part)


def _next(answer: Json, graph: Graph, command: str) -> list[str]:
    name = answer["model"]["name"]
    found = [f"{command} gate {name}"]
    if answer["runs"]:
        run = graph.short(answer["runs"][0]["run_id"])
        found.insert(0, f"{command} show {run}")
        found.append(f"{command} show {run} --captured")
    if answer["sources"]:
        found.append(f"{command} impact {answer['sources'][0]['id']}")
    return found
