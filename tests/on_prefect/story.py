"""A graph as lines a person can check: each run with its end, its parent and root, what it read from whom and made.

Runs are called by their job and their place among the runs of that job, in the order in which they began.
"""

from __future__ import annotations

from typing import Any

from fixtures.asking import Project


def story(project: Project, *flows: str) -> list[str]:
    """One line per run, in order of names; of these flows alone, if any are named."""
    listed = project.get("/runs", limit=1000)["items"]
    runs = [project.get(f"/runs/{run['id']}") for run in listed if not flows or _flow(run) in flows]
    runs.sort(key=lambda run: (run["job"]["name"], run["started_at"] or run["ended_at"], run["id"]))
    names: dict[str, str] = {}
    counts: dict[str, int] = {}
    for run in runs:
        job = run["job"]["name"]
        counts[job] = counts.get(job, 0) + 1
        names[run["id"]] = f"{job}#{counts[job]}"
    return [_line(project, run, names) for run in runs]


def _flow(run: dict[str, Any]) -> str:
    return str(run["job"]["name"]).partition(".")[0]


def _line(project: Project, run: dict[str, Any], names: dict[str, str]) -> str:
    props = run["props"]
    text = f"{names[run['id']]} {run['state']}"
    if "outcome" in props:
        text += f" {props['outcome']}"
    if run["parent"]:
        parent, root = names.get(run["parent"], "unseen"), names.get(props["root"], "unseen")
        text += f" in {parent}" + (f" of {root}" if root != parent else "")
    answer = project.get("/lineage", root=run["id"], direction="both", depth=1)
    labels = {node["id"]: node["name"] for node in answer["nodes"]}
    reads = [edge for edge in answer["edges"] if edge["type"] == "USED" and edge["src"] == run["id"]]
    made = [edge for edge in answer["edges"] if edge["type"] == "GENERATED_BY" and edge["dst"] == run["id"]]
    if reads:
        text += " reads " + ", ".join(sorted(_read(edge, labels, names) for edge in reads))
    if made:
        text += " makes " + ", ".join(sorted(labels[edge["src"]] for edge in made))
    if "error" in props:
        text += f" | {props['error']}"
    return text


def _read(edge: dict[str, Any], labels: dict[str, str], names: dict[str, str]) -> str:
    origin = names.get(edge["generation"], "nobody")
    label = labels[edge["dst"]]
    return origin if origin.rpartition("#")[0] == label else f"{label} of {origin}"
