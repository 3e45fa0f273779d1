"""`lineage impact`: who is hit when something changes or must go."""

from __future__ import annotations

from typing import Annotated

import typer

from lineage.cli import render
from lineage.cli.connection import JsonFlag, Project, connect
from lineage.cli.references import Reference, node_id
from lineage.cli.render import Json
from lineage.cli.trees import dataset_name


def impact(
    reference: Reference,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Nodes looked at, at most.")] = 1000,
    project: Project = None,
    json: JsonFlag = False,
) -> None:
    """List versions, models and deployments made from something."""
    with connect(project) as client:
        answer = client.impact(node_id(client, reference), limit=limit)
    if json:
        render.emit_json(answer)
        return
    counts = [
        render.count(len(answer[name]), word)
        for name, word in (("versions", "derived version"), ("models", "model version"), ("deployments", "deployment"))
    ]
    render.line(render.bold(", ".join(counts)), render.dim(f"   through {render.count(answer['runs'], 'run')}"))
    for model in answer["models"]:
        numbers = ", ".join(f"v{number}" for number in model["numbers"]) or "not registered"
        _hit("model", model, numbers)
    for deployment in answer["deployments"]:
        _hit("deployed", deployment, str(deployment["props"].get("endpoint") or ""))
    for version in answer["versions"]:
        props = version["props"]
        word = "value" if version["namespace"] == "memory" else "data"
        _hit(word, version, render.version(props.get("scheme"), props.get("value")))
    for text in render.completeness_lines(answer["completeness"]):
        render.line(render.bold("unknown: "), text)


def _hit(word: str, hit: Json, detail: str) -> None:
    name = dataset_name(hit) if word != "deployed" else hit["name"]
    how = " ".join(part for part in (hit["precision"], hit["basis"] if hit["basis"] != "observed" else "") if part)
    far = ", ".join(part for part in (render.count(hit["depth"], "hop"), how) if part)
    render.line(render.joined([render.dim(f"{word:<9}"), render.bold(name), detail, render.dim(far)]))
