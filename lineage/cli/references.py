"""From what a person typed to the one node that is meant.

Owns the last step of REF on the command line: an existing local path is a dataset, everything else is the service's to
resolve. Several candidates are an error that lists them (exit code 2).
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from lineage import naming
from lineage.cli.render import Json
from lineage.client import Client
from lineage.errors import UsageError
from lineage.refs import DatasetRef, ModelRef, NodeRef, Ref, WordRef, parse

Reference = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help="Run id or its beginning, node id, model:NAME@VERSION, dataset:NAMESPACE#NAME[@VERSION], path or name.",
    ),
]
ModelReference = Annotated[
    str, typer.Argument(metavar="MODEL", help="NAME, NAME@7, NAME@sha256:9f3c…, or the node id of a version.")
]


def find(client: Client, text: str) -> Json:
    """The candidate of `/resolve` that `text` names.

    Raises:
        BadRef, NotFound, Ambiguous.
    """
    return client.resolve(known(client, text))


def node_id(client: Client, text: str) -> str:
    """Node id of what `text` names; a whole node id is taken as it is."""
    ref = parse(text)
    if isinstance(ref, NodeRef) and ref.complete:
        return ref.id
    return str(find(client, text)["id"])


def model_ref(client: Client, text: str) -> NodeRef | ModelRef:
    """What a person typed as a model: by name, or the whole node id of a version.

    Raises:
        UsageError: it names something else.
    """
    ref = parse(text, bare_model=True)
    if isinstance(ref, NodeRef):
        return ref if ref.complete else NodeRef(str(client.resolve(ref)["id"]))
    if not isinstance(ref, ModelRef):
        raise UsageError(f"{text!r} names no model; lineage trace follows any other thing")
    return ref


def known(client: Client, text: str) -> Ref:
    """`text` parsed; a word with a slash that is no file here is first tried as a name the service knows."""
    ref = parse(text)
    if isinstance(ref, WordRef) and os.sep in ref.word and not os.path.exists(ref.word) and client.candidates(ref):
        return ref
    return meant(text)


def meant(text: str) -> Ref:
    """`text` parsed; a word that is a path here names that file."""
    ref = parse(text)
    if isinstance(ref, WordRef) and (os.sep in ref.word or os.path.exists(ref.word)):
        try:
            found = naming.locate(ref.word)
        except ValueError:
            return ref
        return DatasetRef(found.namespace, found.name, found.version)
    return ref
