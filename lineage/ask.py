"""Questions about what was recorded, from Python: `query`, `origins`, `impact` and `why`.

Owns nothing but the way to the service (the configured one, else the embedded one) and from a name to the question;
questions and answers are `client`'s. Unlike everything that records, these raise: they are called for their answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lineage.errors import ServiceRefused

if TYPE_CHECKING:
    from lineage.client import Client
    from lineage.datasets import Dataset

Answer = dict[str, Any]


def origins(model: str) -> Answer:
    """Where a model comes from: sources with paths, code, environment, runs and what is missing.

    Args:
        model: `churn` for the newest version, `churn@production`, `churn@7` or `churn@sha256:9f3c…`.

    Raises:
        ServiceUnavailable: no service answers; the message says what to do.
        ServiceRefused: the service answered with a problem, for example that it knows no such model.
    """
    from lineage.refs import ModelRef, parse

    found = parse(model, bare_model=True)
    if not isinstance(found, ModelRef):
        raise TypeError(f"{model!r} names no model")
    with _client() as client:
        return client.origins(found.name, found.version)


def impact(of: Dataset | str) -> Answer:
    """What was made from a dataset or model: derived versions, models and deployments, with paths.

    Args:
        of: a `Dataset` or `Model`, or a reference as on the command line.

    Raises:
        ServiceUnavailable, ServiceRefused: as for `origins`.
    """
    with _client() as client:
        return client.impact(_node_id(client, of))


def query(q: str, *, columns: Sequence[str] | None = None, sort: str | None = None, limit: int = 100) -> Answer:
    """Runs that fit a query, as columns.

    Args:
        q: for example `metric.auc > 0.9 and param.lr < 0.1`.
        columns: for example `["param.lr", "metric.auc"]`.
        sort: a column, with ` desc` for descending.
        limit: at most so many runs.

    Raises:
        ServiceUnavailable, ServiceRefused: as for `origins`; a service of this version has no query language yet.
    """
    body = {"q": q, "columns": columns, "sort": sort, "limit": limit}
    with _client() as client, _arriving_with("the query language"):
        return client.post("/runs/query", {name: value for name, value in body.items() if value is not None})


def why(run: str, *, than: str) -> Answer:
    """Why a run differs from another: causes in data, code, parameters and environment.

    Args:
        run: a run id, or a unique prefix of one.
        than: the run it is compared with.

    Raises:
        ServiceUnavailable, ServiceRefused: as for `origins`; a service of this version compares no runs yet.
    """
    with _client() as client, _arriving_with("run comparison"):
        return client.get("/why", run=run, than=than)


@contextmanager
def _arriving_with(feature: str) -> Iterator[None]:
    """Say what a service lacks that knows no such address or method; what it does not find has a type of its own."""
    try:
        yield
    except ServiceRefused as error:
        if type(error) is not ServiceRefused or error.status not in (404, 405):
            raise
        title = f"not available in this version: it arrives with {feature}"
        raise ServiceRefused(error.status, {**error.problem, "title": title, "detail": None}) from None


def _client() -> Client:
    from lineage.cli.connection import connect

    return connect()


def _node_id(client: Client, thing: Dataset | str) -> str:
    from lineage.refs import DatasetRef, ModelRef, Ref, parse

    if isinstance(thing, str):
        ref: Ref = parse(thing)
    elif thing.is_model:
        ref = ModelRef(thing.name, thing.version)
    else:
        ref = DatasetRef(thing.namespace, thing.name, thing.version)
    return str(client.resolve(ref)["id"])
