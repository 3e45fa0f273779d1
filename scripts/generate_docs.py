"""Rewrites the generated parts of docs/: settings, commands, routes, facets, names. Run by `make docs`.

Owns what stands between `<!-- generated: NAME -->` and `<!-- end -->`, taken from the code that means it. Everything
around those marks is written by people. `tests/test_docs.py` fails when a part is not what this would write.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import typer

Command = Any  # typer carries its own click, whose types are private

ROOT = Path(__file__).resolve().parent.parent
SECTION = re.compile(r"(<!-- generated: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table; pipes in cells are escaped."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def first_line(text: str | None) -> str:
    """The first sentence-line of a docstring or help text."""
    return (inspect.cleandoc(text or "").splitlines() or [""])[0]


def node_prefixes() -> str:
    """Kinds of node and what their ids begin with."""
    from lineage_graph.model import NodeKind

    return table(("kind", "id begins with"), [(f"`{kind.value}`", f"`{kind.prefix}_`") for kind in NodeKind])


def _members(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in (schema, *schema.get("allOf", ())):
        yield from part.get("properties", {}).items()


def _facet(path: Path) -> str:
    document = json.loads(path.read_text())
    (key, reference) = next(iter(document["properties"].items()))
    definition = document["$defs"][reference["$ref"].rpartition("/")[2]]
    lines = [f"### `{key}`", "", f"`{path.name}`: {definition.get('description', '')}", ""]
    return "\n".join([*lines, *_member_lines(definition, "")])


def _member_lines(schema: dict[str, Any], indent: str) -> Iterator[str]:
    for name, member in _members(schema):
        yield f"{indent}- `{name}`: {member.get('description', member.get('type', ''))}"
        yield from _member_lines(member.get("items", member), indent + "  ")


def facets() -> str:
    """Every facet of ours with its members."""
    return "\n\n".join(_facet(path) for path in sorted((ROOT / "lineage/schemas/facets").glob("*/*.json")))


def _value(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1024 and value % 1024 == 0:
        size, unit = (value >> 30, "GiB") if value % (1 << 30) == 0 else (value >> 10, "KiB")
        if unit == "KiB" and size % 1024 == 0:
            size, unit = size >> 10, "MiB"
        return f"{size} {unit}"
    return "" if value is None or value is False or value == "" else str(value)


def limits() -> str:
    """What one request may cost."""
    from lineage_api.settings import Limits

    return table(
        ("limit", "default", "meaning"),
        [(f"`{knob.name}`", _value(knob.default), knob.metadata["help"]) for knob in fields(Limits)],
    )


def sdk_settings() -> str:
    """Environment names of the SDK and the command line."""
    from lineage.settings import KNOBS

    return table(("name", "default", "meaning"), [(f"`{knob.env}`", _value(knob.default), knob.help) for knob in KNOBS])


def sdk_names() -> str:
    """What `lineage` exports."""
    import lineage

    rows = []
    for name in sorted(lineage.__all__, key=str.lower):
        thing = getattr(lineage, name)
        if not name.startswith("__"):
            rows.append((f"`{name}`", first_line(thing.__doc__)))
    return table(("name", ""), rows)


def command_tree() -> Iterator[tuple[str, Command]]:
    """Every command of `lineage` as (`lineage spool status`, command), the groups left out."""
    from lineage.cli.main import app

    yield from _leaves("lineage", typer.main.get_command(app))


def _leaves(path: str, command: Command) -> Iterator[tuple[str, Command]]:
    if command.hidden:
        return
    context = typer.Context(command, info_name=path)
    names = command.list_commands(context) if hasattr(command, "list_commands") else []
    if not names or (command.invoke_without_command and path != "lineage"):
        yield path, command
    for name in sorted(names):
        yield from _leaves(f"{path} {name}", command.get_command(context, name))


def _command(path: str, command: Command) -> str:
    arguments = [
        (parameter.metavar or parameter.name.upper())
        for parameter in command.params
        if not parameter.opts[0].startswith("-")
    ]
    lines = [f"### `{' '.join([path, *arguments])}`", "", first_line(command.help)]
    options = [
        (", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts]), parameter.help or "")
        for parameter in command.params
        if parameter.opts[0].startswith("-") and not parameter.hidden and parameter.name != "help"
    ]
    return "\n".join([*lines, *(["", table(("option", ""), options)] if options else [])])


def commands() -> str:
    """Every command with its arguments and options."""
    return "\n\n".join(_command(path, command) for path, command in command_tree())


def openapi() -> dict[str, Any]:
    """The service's description of itself; no server runs for it."""
    from lineage_api.app import create_app
    from lineage_api.app import openapi as described
    from lineage_api.settings import Settings

    return described(create_app(Settings(data=Path("nowhere"))))


def routes() -> str:
    """Every route with its operation, permission-free summary and parameters."""
    rows = []
    for path, methods in openapi()["paths"].items():
        for method, operation in methods.items():
            asked = " ".join(f"`{item['name']}`" for item in operation.get("parameters", ()) if item["in"] == "query")
            rows.append((f"`{method.upper()} {path}`", first_line(operation.get("description")), asked))
    return table(("route", "", "query parameters"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "node-prefixes": node_prefixes,
    "facets": facets,
    "limits": limits,
    "sdk-settings": sdk_settings,
    "sdk-names": sdk_names,
    "commands": commands,
    "routes": routes,
}


def rendered(text: str) -> str:
    """A page with its generated parts as they should be now."""
    return SECTION.sub(lambda match: f"{match[1]}\n{PARTS[match[2]]()}\n\n{match[4]}", text)


def pages() -> list[Path]:
    """Pages that may have generated parts."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def main() -> None:
    """Rewrite every page whose generated parts are out of date."""
    for page in pages():
        before = page.read_text()
        after = rendered(before)
        if after != before:
            page.write_text(after)
            print(f"wrote {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
