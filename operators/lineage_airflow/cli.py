"""The command `lineage airflow`: its options and what it prints. What is done is `sync`'s business."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from lineage import settings
from lineage.cli import render
from lineage.cli.connection import JsonFlag, Project, address, connect
from lineage.errors import UsageError

app = typer.Typer(help="Reconcile with Airflow.", no_args_is_help=True, rich_markup_mode=None)

_SHOWN = 20


@app.callback()
def airflow() -> None:
    """Reconcile with Airflow."""


@app.command("sync")
def sync(
    url: Annotated[str, typer.Option("--url", envvar="AIRFLOW_API_URL", help="Address of Airflow's API server.")],
    token: Annotated[
        str | None, typer.Option(envvar="AIRFLOW_API_TOKEN", show_envvar=True, help="Bearer token.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(envvar="AIRFLOW_API_USER", help="User, with AIRFLOW_API_PASSWORD; instead of a token.")
    ] = None,
    namespace: Annotated[
        str | None,
        typer.Option(
            envvar="AIRFLOW__OPENLINEAGE__NAMESPACE", help="Namespace of Airflow's jobs; default that of the SDK."
        ),
    ] = None,
    dag: Annotated[str | None, typer.Option("--dag", help="Only this DAG.")] = None,
    project: Project = None,
    json: JsonFlag = False,
) -> None:
    """Tell the service what Airflow knows and no event told: skipped, upstream-failed, lost tasks; report differences.

    Goes on where the last round ended. Exit code 1 when Airflow and the service say different things of a run.
    """
    from lineage_airflow.sync.api import AirflowApi
    from lineage_airflow.sync.known import Known
    from lineage_airflow.sync.reconcile import reconcile
    from lineage_airflow.sync.state import ProgressFile

    password = os.environ.get("AIRFLOW_API_PASSWORD")
    if user is not None and not password:
        raise UsageError("AIRFLOW_API_PASSWORD: the password of --user belongs in this variable")
    api = AirflowApi(address("--url", url), token=token, login=(user, password) if user and password else None)
    space = namespace or settings.current().namespace
    with connect(project) as client:
        kept = ProgressFile(api.url, f"{client.url} {client.project} {space}", dag)
        report = reconcile(api, Known(client, space), space, dag, kept)
    if json:
        render.emit_json(_as_json(report))
    else:
        _print(report)
    if report.differences or report.refused:
        raise typer.Exit(1)


def _as_json(report: Any) -> dict[str, Any]:
    return {name: getattr(report, name) for name in type(report).__slots__}


def _print(report: Any) -> None:
    read = f"{render.count(report.dag_runs, 'DAG run')}, {render.count(report.task_instances, 'task instance')}"
    render.line(f"read {read} in {render.count(report.requests, 'request')}")
    for what, counts in (("created", report.created), ("ended", report.ended)):
        if counts:
            told = ", ".join(f"{number:,} {state}" for state, number in sorted(counts.items()))
            render.line(render.bold(f"{what}: "), told)
    if not (report.created or report.ended):
        render.line("the service knew them all")
    for difference in report.differences[:_SHOWN]:
        text = f"Airflow says {difference['airflow']}, the service {difference['service']}"
        render.line("- ", f"{difference['job']} {difference['run']}: {text}")
    if len(report.differences) > _SHOWN:
        render.line(f"and {len(report.differences) - _SHOWN:,} more differences; --json lists them all")
    for text in report.refused[:_SHOWN]:
        render.line("- refused: ", text)
