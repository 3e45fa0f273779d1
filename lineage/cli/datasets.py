"""`lineage datasets`: what names there are, and that two of them are one dataset.

An alias is an event like any other: journalled, dated, and taken back by another event. Nothing is merged.
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from lineage import events, facets
from lineage.cli import render
from lineage.cli.connection import JsonFlag, Project, connect
from lineage.cli.references import known
from lineage.cli.render import Json
from lineage.client import Ambiguous, Client, NotFound
from lineage.errors import UsageError
from lineage.refs import DatasetRef

app = typer.Typer(help="Datasets and their names.", no_args_is_help=True, rich_markup_mode=None)

_NAMES_SHOWN = 3
DATASET_EVENT = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent"

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name that is another name.")]
Canonical = Annotated[str, typer.Argument(metavar="CANONICAL", help="The name that counts.")]


@app.command("list")
def list_datasets(
    namespace: Annotated[str | None, typer.Option("--namespace", help="Only of this namespace.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="Datasets shown, at most.")] = 50,
    project: Project = None,
    json: JsonFlag = False,
) -> None:
    """List datasets with their other names."""
    with connect(project) as client:
        found = list(client.items("/datasets", limit=limit, namespace=namespace))
    if json:
        render.emit_json({"items": found})
        return
    if not found:
        narrowed = namespace is not None
        render.note(f"no datasets in namespace {namespace!r}" if narrowed else "no datasets yet: lineage runs")
        return
    rows: list[list[str | Text]] = []
    for item in sorted(found, key=lambda item: (item["namespace"], item["name"])):
        is_alias = item["canonical"] != item["id"]
        kind = "other name" if is_alias else "model" if item["model"] else ""
        ref = str(DatasetRef(item["namespace"], item["name"]))
        rows.append([render.bold(item["name"]), ref, kind, "" if is_alias else _other_names(item)])
    render.table(["NAME", "REF", "", "ALSO CALLED"], rows)


@app.command()
def alias(name: Name, canonical: Canonical, project: Project = None, json: JsonFlag = False) -> None:
    """Say that NAME is another name of CANONICAL: their versions count as versions of one dataset."""
    _relate(name, canonical, removed=False, project=project, json=json)


@app.command()
def unalias(name: Name, canonical: Canonical, project: Project = None, json: JsonFlag = False) -> None:
    """Take an alias back: the two are different datasets again, as if it had never been said."""
    _relate(name, canonical, removed=True, project=project, json=json)


def alias_event(name: DatasetRef, canonical: DatasetRef, *, removed: bool) -> Json:
    """The dataset event that states or takes back an alias."""
    facet = {
        "_producer": facets.PRODUCER,
        "_schemaURL": facets.own_schema("AliasDatasetFacet"),
        "aliases": [{"namespace": canonical.namespace, "name": canonical.name, "removed": removed}],
    }
    return {
        "eventTime": events.now_text(),
        "producer": facets.PRODUCER,
        "schemaURL": DATASET_EVENT,
        "dataset": {"namespace": name.namespace, "name": name.name, "facets": {"weftline_alias": facet}},
    }


def _relate(name: str, canonical: str, *, removed: bool, project: str | None, json: bool) -> None:
    with connect(project) as client:
        own, other = _named(client, name), _named(client, canonical)
        if (own.namespace, own.name) == (other.namespace, other.name):
            raise UsageError(f"{name} and {canonical} are one name already")
        if removed and not _are_one(client, own, other):
            raise NotFound(
                404, {"title": "no alias", "detail": f"{own} is no other name of {other}: nothing to take back"}
            )
        answer = client.send_event(alias_event(own, other, removed=removed))
    if json:
        render.emit_json({"alias": str(own), "canonical": str(other), "removed": removed, "seq": answer.get("seq")})
        return
    verb = "is no other name of" if removed else "is another name of"
    render.line(f"{own.namespace} {own.name} ", render.bold(verb), f" {other.namespace} {other.name}")


def _named(client: Client, text: str) -> DatasetRef:
    """A dataset by name: one the service knows, else a full reference, which may come into being by this."""
    ref = known(client, text)
    if isinstance(ref, DatasetRef):
        return ref
    fitting = client.candidates(ref)
    found = [candidate for candidate in fitting if candidate["kind"] in ("Dataset", "DatasetVersion")]
    if fitting and not found:
        kinds = " and ".join(sorted({candidate["kind"] for candidate in fitting}))
        raise UsageError(f"{text!r} is a {kinds}, no dataset: give dataset:<namespace>#<name>")
    if len(found) > 1:
        detail = f"{text} fits {len(found)} datasets: name one of them"
        raise Ambiguous({"title": "several things fit", "detail": detail, "candidates": found})
    one = found[0] if found else client.resolve(ref)
    return DatasetRef(one["namespace"], one["name"])


def _are_one(client: Client, own: DatasetRef, other: DatasetRef) -> bool:
    """Whether the service holds the two names for one dataset."""
    found = [client.candidates(DatasetRef(ref.namespace, ref.name)) for ref in (own, other)]
    return all(found) and found[0][0]["canonical"] == found[1][0]["canonical"]


def _other_names(item: Json) -> str:
    names = [str(DatasetRef(other["namespace"], other["name"])) for other in item["aliases"]]
    return ", ".join(names[:_NAMES_SHOWN]) + (f", … {len(names) - _NAMES_SHOWN} more" if names[_NAMES_SHOWN:] else "")
