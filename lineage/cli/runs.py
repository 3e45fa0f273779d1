"""`lineage runs`: what ran, newest first."""

from __future__ import annotations

from typing import Annotated

import typer

from lineage.cli import render
from lineage.cli.connection import JsonFlag, Project, connect
from lineage.cli.trees import metrics
from lineage.errors import UsageError

STATES = ("START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "UNKNOWN")


def runs(
    job: Annotated[str | None, typer.Option("--job", metavar="NAME", help="Only runs of this job.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", help="Only jobs of this namespace.")] = None,
    state: Annotated[str | None, typer.Option("--state", help=f"Only runs in this state: {', '.join(STATES)}.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="Runs shown, at most.")] = 20,
    project: Project = None,
    json: JsonFlag = False,
) -> None:
    """List runs, newest first."""
    if state is not None and state.strip().upper() not in STATES:
        raise UsageError(f"--state {state!r}: there are {', '.join(STATES)}")
    filters = {"job": job, "namespace": namespace, "state": state.strip().upper() if state else None}
    with connect(project) as client:
        found = list(client.items("/runs", limit=limit, **filters))
    if json:
        render.emit_json({"items": found})
        return
    if not found:
        narrowed = any(filters.values())
        render.note("no such runs" if narrowed else "no runs yet: decorate a function with @tracked_task and call it")
        return
    short = render.short_run_ids([run["run_id"] for run in found])
    render.table(
        ["RUN", "JOB", "STATE", "STARTED", "TOOK", "METRICS"],
        [
            [
                render.bold(short[run["run_id"]]),
                run["job"]["name"],
                render.state(run["state"]),
                render.when(run["started_at"]),
                render.duration(run["started_at"], run["ended_at"]),
                metrics(run["attributes"]),
            ]
            for run in found
        ],
    )
