"""`lineage models`: registered models, and registering a file by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from lineage import settings
from lineage.cli import render
from lineage.cli.connection import ASKED, JsonFlag, Project, connect, setting
from lineage.errors import UsageError

app = typer.Typer(help="Registered models.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_models(
    everything: Annotated[bool, typer.Option("--all", help="Also models that were never registered.")] = False,
    project: Project = None,
    json: JsonFlag = False,
) -> None:
    """List models with their newest registered versions."""
    with connect(project) as client:
        found = [model for model in client.items("/models") if everything or model["latest"]]
    if json:
        render.emit_json({"items": found})
        return
    if not found:
        render.note("no registered models yet: register_model(name, model) in a tracked task")
        return
    rows: list[list[str | Text]] = []
    for model in found:
        latest = model["latest"] or {}
        scheme, _, value = str(latest.get("digest") or "").partition(":")
        tags = ", ".join(f"{key}={value}" for key, value in (latest.get("tags") or {}).items())
        number = f"v{latest['number']}" if latest else "-"
        digest = render.version(scheme, value) if latest else "-"
        rows.append([render.bold(model["name"]), number, digest, render.when(latest.get("registered_at")), tags])
    render.table(["MODEL", "NEWEST", "DIGEST", "REGISTERED", "TAGS"], rows)


@app.command()
def register(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name to register under.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The stored model.", exists=True, dir_okay=True)],
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="May be repeated.")] = None,
    json: JsonFlag = False,
) -> None:
    """Give a stored model the next number of NAME; its file is read here, only the digest is sent."""
    from lineage import register_model, run
    from lineage.emit import emitter
    from lineage.emit.delivery import deliver

    if not name.strip():
        raise UsageError("NAME is empty: give the name to register under")
    for asked in ASKED:
        setting(asked)
    tags = dict(_pair(text) for text in tag or ())
    with run("register"):
        registered = register_model(name, file, tags=tags)
    version = getattr(registered, "version", None)
    now = settings.current()
    emitter.sync()
    if now.url is not None:
        for root in emitter.roots_of(now):
            deliver(root, now.url, now.token, destinations={now.destination})
    with connect() as client:
        client.settle()
        answer = client.origins(name, version)
    if json:
        render.emit_json({"model": answer["model"], "version": answer["version"]})
        return
    found = answer["version"]
    render.line(render.bold(f"{name} v{found['number']}"), "  ", render.version(found["scheme"], found["value"]))


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"--tag {text!r}: expected KEY=VALUE")
    return key, value
