"""`lineage trace`: what something comes from, or what comes of it, as a tree."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lineage.cli import render
from lineage.cli.connection import JsonFlag, Project, connect
from lineage.cli.references import Reference, node_id
from lineage.cli.render import Json
from lineage.cli.trees import Graph, ancestry, descent, draw
from lineage.client import Client
from lineage.errors import UsageError

_PAGE = 1000


def trace(
    reference: Reference,
    up: Annotated[bool, typer.Option("--up", help="Towards causes: what it comes from (the default).")] = False,
    down: Annotated[bool, typer.Option("--down", help="Towards effects: what comes of it.")] = False,
    depth: Annotated[int, typer.Option("--depth", min=0, help="Relationship hops, at most.")] = 100,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="Nodes read, at most.")] = 1000,
    valid_at: Annotated[str | None, typer.Option("--valid-at", metavar="TIME", help="What held at that time.")] = None,
    known_at: Annotated[
        str | None, typer.Option("--known-at", metavar="SEQ|TIME", help="What was known at that record or time.")
    ] = None,
    project: Project = None,
    json: JsonFlag = False,
) -> None:
    """Follow something to its causes (--up) or effects (--down)."""
    if up and down:
        raise UsageError("choose --up or --down; run the command twice to see both")
    with connect(project) as client:
        root = node_id(client, reference)
        parameters = {"direction": "down" if down else "up", "depth": depth, "valid_at": valid_at, "known_at": known_at}
        answer = _pages(client, root, limit, parameters)
    if json:
        render.emit_json(answer)
        return
    cut = cut_off(answer, "down" if down else "up", known_at)
    graph = Graph(answer["nodes"], answer["edges"], cut=cut)
    for start in answer["roots"]:
        draw(descent(graph, start) if down else ancestry(graph, start), render.console().print)
    for text in render.completeness_lines(answer["completeness"]):
        render.line(render.bold("unknown: "), text)
    if cut and not answer["completeness"]["truncated"]:
        at = answer["as_of"]["known_at"]
        render.line(render.bold("unknown: "), f"the answer is cut at record {at}: more is known now (--known-at)")


def cut_off(answer: Json, side: str, known_at: str | None) -> dict[str, str]:
    """Node id → what to say where the walk stopped at a node that has more `side` ("up", "down") than is shown."""
    if answer["completeness"]["truncated"]:
        word = "… cut off here"
    elif known_at is not None:
        word = "not known at that time"
    else:
        return {}
    return {node: word for node, folded in answer["hidden"].items() if folded[side]}


def _pages(client: Client, root: str, limit: int, parameters: dict[str, Any]) -> Json:
    """Pages of a walk put together, until `limit` nodes are read."""
    whole: Json = {}
    left, cursor = limit, None
    nodes: dict[str, Json] = {}
    edges: dict[tuple[str, ...], Json] = {}
    while left > 0:
        page = client.lineage(root, limit=min(left, _PAGE), cursor=cursor, **parameters)
        for node in page["nodes"]:
            if node["id"] not in nodes or nodes[node["id"]]["depth"] is None:
                nodes[node["id"]] = node
        edges.update({(e["src"], e["type"], e["dst"], e["via"]): e for e in page["edges"]})
        left -= sum(node["depth"] is not None for node in page["nodes"])
        merged = {**whole.get("hidden", {}), **page["hidden"]}
        known = _merged(whole.get("completeness"), page["completeness"])
        whole = {**page, "hidden": merged, "completeness": known}
        cursor = page["next_cursor"]
        if cursor is None:
            break
    return {**whole, "nodes": list(nodes.values()), "edges": list(edges.values())}


def _merged(before: Json | None, page: Json) -> Json:
    """Completeness over pages: the last page says whether there is more."""
    if before is None:
        return page
    merged = dict(page)
    for name in ("ambiguous", "inferred"):
        merged[name] = before[name] or page[name]
    for name in ("unresolved", "gaps", "silent_tasks"):
        merged[name] = before[name] + [item for item in page[name] if item not in before[name]]
    return merged
