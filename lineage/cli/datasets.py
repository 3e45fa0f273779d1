"""`lineage datasets`: what names there are, and that two of them are one dataset.

An alias is an event like any other: journalled, dated, and taken back by another event. Nothing is merged.
"""

from __future__ import annotations

from typing import Annotated

import typer

from lineage import events, facets, settings
from lineage.cli import render
from lineage.cli.connection import JsonFlag, Project, connect
from lineage.cli.references import meant
from lineage.cli.render import Json
from lineage.client import Client
from lineage.errors import UsageError
from lineage.refs import DatasetRef, Ref

app = typer.Typer(help="Datasets and their names.", no_args_is_help=True, rich_markup_mode=None)

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
    rows = [
        [render.bold(item["name"]), item["namespace"], "model" if item["model"] else "", _other_names(item)]
        for item in found
    ]
    render.table(["NAME", "NAMESPACE", "", "ALSO CALLED"], rows)


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
        answer = client.send_event(alias_event(own, other, removed=removed))
    if json:
        render.emit_json({"alias": str(own), "canonical": str(other), "removed": removed, "seq": answer.get("seq")})
        return
    verb = "is no other name of" if removed else "is another name of"
    render.line(f"{own.namespace} {own.name} ", render.bold(verb), f" {other.namespace} {other.name}")


def _named(client: Client, text: str) -> DatasetRef:
    """A dataset by name: one the service knows, else a full reference, which may come into being by this."""
    ref: Ref = meant(text)
    if isinstance(ref, DatasetRef):
        return ref
    found = client.resolve(ref)
    if found["kind"] not in ("Dataset", "DatasetVersion"):
        raise UsageError(
            f"{text!r} is a {found['kind']} in {settings.current().project}: give dataset:<namespace>#<name>"
        )
    return DatasetRef(found["namespace"], found["name"])


def _other_names(item: Json) -> str:
    return ", ".join(f"{other['namespace']} {other['name']}" for other in item["aliases"][:3])
