"""`lineage spool`: what waits on this machine, sending it now, and what was refused.

Works without a service. Reading is `emit.spooldir`, sending is `emit.delivery`; this module prints and decides exit
codes.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from lineage import settings
from lineage.cli import render
from lineage.cli.connection import JsonFlag, connect
from lineage.emit import dead as letters
from lineage.emit import emitter, spooldir
from lineage.emit.stored import segments
from lineage.errors import ServiceUnavailable

app = typer.Typer(help="Records that wait on this machine.", no_args_is_help=True, rich_markup_mode=None)

_DEAD_SHOWN = 20


def waiting_records() -> int:
    """Records on this machine that no service has acknowledged."""
    return spooldir.status(emitter.roots_of(settings.current())).records


@app.command()
def status(json: JsonFlag = False) -> None:
    """How much waits, since when and why."""
    now = settings.current()
    roots = emitter.roots_of(now)
    found = spooldir.status(roots, exact=True)
    unreadable = {path: str(error) for root in roots for path, error in segments(root)[1].items()}
    if json:
        document = {**asdict(found), "oldest": _time(found.oldest), "unreachable_since": _time(found.unreachable_since)}
        render.emit_json({**document, "folders": list(roots), "unreadable": unreadable})
        return
    render.line(render.bold(render.count(found.records, "record")), f" wait in {now.spool_dir} ({found.bytes:,} bytes)")
    if found.oldest is not None:
        render.line("oldest: ", render.when(_time(found.oldest)))
    render.line("destination: ", found.destination if now.url else "the embedded service (LINEAGE_URL is not set)")
    if found.unreachable_since is not None:
        since = render.when(_time(found.unreachable_since))
        render.line("unreachable: ", f"since {since}: {found.last_error}; they go out by themselves when it answers")
    if found.gaps:
        render.line(render.bold("lost: "), f"{render.count(found.gaps, 'record')} (told to the service with the rest)")
    if found.dead:
        render.line(render.bold("refused: "), f"{render.count(found.dead, 'record')}: lineage spool dead")
    for path, reason in unreadable.items():
        render.line(render.bold("unreadable: "), f"{path}: {reason}")


@app.command()
def sync(
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="Send everything that waits to this service.")
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds to keep trying.")] = 30.0,
    json: JsonFlag = False,
) -> None:
    """Send what waits now; exit code 0 only when nothing is left."""
    from lineage.emit.delivery import deliver

    now = settings.current()
    delivered, reason = 0, None
    if to is None and now.url is None:
        before = waiting_records()
        connect().close()  # starting the embedded service makes it take in what waits
        delivered = before - waiting_records()
    else:
        wanted = None if to is not None else {now.destination}
        for root in emitter.roots_of(now):
            report = deliver(root, to or str(now.url), now.token, destinations=wanted, timeout=timeout)
            delivered += report.delivered
            reason = reason or report.reason
    left = spooldir.status(emitter.roots_of(now), exact=True)
    if json:
        render.emit_json({"delivered": delivered, "left": left.records, "reason": reason, "dead": left.dead})
    else:
        render.line(f"{delivered:,} sent, {left.records:,} left" + (f", {left.dead:,} refused" if left.dead else ""))
    if left.records and reason is not None:
        raise ServiceUnavailable(f"{left.records:,} records are left: {reason}")
    if left.records:
        render.note("what is left belongs to another service: lineage spool sync --to URL sends it there")
        raise typer.Exit(1)


@app.command()
def dead(
    retry: Annotated[bool, typer.Option("--retry", help="Put all of them back on their way.")] = False,
    json: JsonFlag = False,
) -> None:
    """Records the service refused, with its reasons."""
    roots = emitter.roots_of(settings.current())
    if retry:
        count = sum(letters.retry(root) for root in roots if letters.count(root))
        if json:
            render.emit_json({"retried": count})
        else:
            render.line(f"{render.count(count, 'record') or '0 records'} back on the way: lineage spool sync")
        return
    found = [letter for root in roots for letter in letters.letters(root)]
    if json:
        render.emit_json({"items": [asdict(letter) for letter in found]})
        return
    if not found:
        render.note("nothing was refused")
    for letter in found[:_DEAD_SHOWN]:
        reason = letter.reason.get("detail") or letter.reason.get("title") or "no reason given"
        when = render.when(_time(letter.at))
        render.line(render.bold(f"{letter.status} "), f"{reason}", render.dim(f"   {letter.project}, {when}"))
        render.line("    ", render.dim(letter.payload[:160]))
    if len(found) > _DEAD_SHOWN:
        render.note(f"… {len(found) - _DEAD_SHOWN:,} more (--json)")


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
