"""`lineage server`: run the service, and what is done to its data folder when it does not run.

Owns options and messages; registered under entry-point group `lineage.commands`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from lineage.errors import LineageError, ServiceUnavailable, UsageError
from lineage_api.folder import FolderInUse
from lineage_api.problem import Problem
from lineage_api.settings import DEFAULT_PORT, GraphAccess, Settings, default_data
from lineage_graph.errors import GraphError, StoreUnavailable

server_app = typer.Typer(
    help="Run the service, or work on its data.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder.", show_default="$LINEAGE_HOME/server", file_okay=False)
]
GraphOption = Annotated[
    str,
    typer.Option(
        "--graph",
        help="`embedded`, or a Neo4j address such as neo4j://127.0.0.1:7687 "
        "(credentials from LINEAGE_NEO4J_USER and LINEAGE_NEO4J_PASSWORD).",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@server_app.callback(invoke_without_command=True)
def server(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on; loopback only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = DEFAULT_PORT,
    data: DataOption = None,
    graph: GraphOption = "embedded",
) -> None:
    """Run the service until it is interrupted."""
    if context.invoked_subcommand is not None:
        return
    from lineage_api.logs import configure
    from lineage_api.main import run

    configure()
    settings = _settings(data, graph, host, port)

    def tell(url: str) -> None:
        typer.echo(f"weftline serves {settings.data} on {url} (graph: {graph})", err=True)

    try:
        code = run(settings, on_ready=tell)
    except (FolderInUse, OSError) as error:
        raise LineageError(str(error)) from None
    except RuntimeError as error:
        raise UsageError(str(error)) from None
    raise typer.Exit(code)


@server_app.command()
def digest(
    data: DataOption = None,
    graph: GraphOption = "embedded",
    project: Annotated[str, typer.Option(help="workspace/project.")] = "default/default",
    as_json: JsonOption = False,
) -> None:
    """Print the digest of a project's graph; equal digests mean equal graphs."""
    from lineage_api.rebuild import NoSuchProject, folder_digest

    settings = _settings(data, graph)
    if not (settings.data / "registry.db").exists():
        raise UsageError(f"{settings.data} holds no server data; name the folder with --data")
    try:
        found = folder_digest(settings, project)
    except (NoSuchProject, Problem) as error:
        raise LineageError(str(error)) from None
    except StoreUnavailable as error:
        raise ServiceUnavailable(str(error)) from None
    if as_json:
        typer.echo(json.dumps(found))
    else:
        typer.echo(f"{found['digest']}  (digest {found['digest_version']}, projection {found['projection_version']})")


@server_app.command()
def rebuild(data: DataOption = None, graph: GraphOption = "embedded", as_json: JsonOption = False) -> None:
    """Drop projection and graph and replay the journal into them; the server must not run."""
    from lineage_api import rebuild as rebuilding
    from lineage_api.logs import configure

    configure("WARNING")
    settings = _settings(data, graph)
    if not (settings.data / "registry.db").exists():
        raise UsageError(f"{settings.data} holds no server data; name the folder with --data")
    try:
        seq = rebuilding.rebuild(settings)
    except (FolderInUse, GraphError) as error:
        raise LineageError(str(error)) from None
    sys.stdout.write(json.dumps({"replayed": seq}) + "\n" if as_json else f"replayed {seq} records\n")


def _settings(data: Path | None, graph: str, host: str = "127.0.0.1", port: int = 0) -> Settings:
    return Settings(data=data or default_data(), host=host, port=port, graph=GraphAccess.from_environment(graph))
