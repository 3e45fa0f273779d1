"""The command `lineage`: its sub-commands, its plug-ins, and which failure becomes which exit code.

Owns the command table and the exit codes (0 ok, 1 the answer is no, 2 usage, 3 unreachable). Each sub-command lives
in a module of its own; commands that need the service's package register through entry-point group `lineage.commands`
and are imported only when called. Does not ask anything itself.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lineage.cli import datasets, demo, doctor, gate, impact, models, origins, render, runs, show, spool, trace
from lineage.cli.connection import INSTALL
from lineage.client import Ambiguous, NotAllowed, NotFound
from lineage.errors import LineageError, ServiceRefused, ServiceUnavailable, UsageError

_SEE = {
    "/models": "lineage models list shows those there are",
    "/runs": "lineage runs shows those there are",
    "/lineage": "lineage trace follows any other thing",
    "/resolve": "lineage runs, lineage models list and lineage datasets list show what there is",
}
"""Routes that a problem document points at, as commands."""
OK, NO, USAGE, UNREACHABLE = 0, 1, 2, 3
_INTERRUPTED = 130
"""What a shell says of a command ended by Ctrl-C."""


class Commands(TyperGroup):
    """Our commands, then those of installed plug-ins."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of `--help`."""
        return [*super().list_commands(ctx), *sorted(_plugins())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by name; a plug-in is imported here."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        point = _plugins().get(cmd_name)
        return None if point is None else _load(point)


def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="lineage.commands")}


def _load(point: EntryPoint) -> Any:
    try:
        plugin = point.load()
    except ImportError as error:
        plugin = _not_installed(point.name, error.name or str(error))
    command = typer.main.get_command(plugin)
    command.name = point.name
    return command


def _not_installed(command: str, missing: str) -> typer.Typer:
    """What stands in for a plug-in whose libraries are missing: it says so when called."""
    app = typer.Typer(help=f"Not installed here: {missing} is missing. {INSTALL}")

    @app.callback(
        invoke_without_command=True, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
    )
    def explain() -> None:
        raise ServiceUnavailable(f"lineage {command} needs {missing}: {INSTALL}")

    return app


app = typer.Typer(
    name="lineage",
    cls=Commands,
    help="What produced what: ask about runs, datasets and models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(shown: bool) -> None:
    if shown:
        from importlib.metadata import version

        print(f"weftline {version('weftline')}")
        raise typer.Exit


@app.callback()
def lineage(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """What produced what: ask about runs, datasets and models."""


app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("runs")(runs.runs)
app.command("show")(show.show)
app.command("trace")(trace.trace)
app.command("origins")(origins.origins)
app.command("impact")(impact.impact)
app.command("gate")(gate.gate)
app.add_typer(datasets.app, name="datasets")
app.add_typer(models.app, name="models")
app.add_typer(spool.app, name="spool")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; always ends in SystemExit."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        _require_text(given)
        app(given, prog_name="lineage")
    except LineageError as error:
        render.note(f"error: {message(error)}")
        if isinstance(error, Ambiguous):
            for candidate in error.candidates:
                render.note(f"  {show.candidate_line(candidate)}")
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


def _require_text(arguments: Sequence[str]) -> None:
    for number, argument in enumerate(arguments, 1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise UsageError(f"argument {number} is not UTF-8 text: {argument!a}") from None


def message(error: LineageError) -> str:
    """What to tell a person: a problem's sentence and the places it names, without its class."""
    if not isinstance(error, ServiceRefused) or not error.problem.get("detail"):
        return str(error)
    detail = str(error.problem["detail"])
    found = [(str(e.get("path")), e.get("expected")) for e in error.problem.get("errors") or ()]
    told = detail.startswith("Check ")  # names the places only, not what belongs there
    places = [f"{path}: expected {expected}" for path, expected in found if told or path not in detail]
    hint = _SEE.get(str(error.problem.get("see")), "")
    told_with = "; ".join([detail.removesuffix(".") if places else detail, *places[:3]])
    return f"{told_with} ({hint})" if hint else told_with


def exit_code(error: LineageError) -> int:
    """The exit code an error ends in."""
    match error:
        case NotFound() | NotAllowed():
            return NO
        case ServiceUnavailable():
            return UNREACHABLE
        case ServiceRefused():
            return USAGE if error.status < 500 else UNREACHABLE
        case UsageError():
            return USAGE
        case _:
            return NO
