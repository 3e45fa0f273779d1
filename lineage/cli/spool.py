"""`lineage spool`: what waits on this machine, sending it now, and what was refused.

Works without a service. Reading is `emit.spooldir`, sending is `emit.delivery`; this module prints and decides exit
codes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from lineage import settings
from lineage.cli import render
from lineage.cli.connection import JsonFlag, address, connect, embedded_service, setting
from lineage.emit import dead as letters
from lineage.emit import emitter, spooldir
from lineage.emit.stored import StoredSegment, segments
from lineage.errors import ServiceUnavailable

app = typer.Typer(help="Records that wait on this machine.", no_args_is_help=True, rich_markup_mode=None)

_DEAD_SHOWN = 20


def by_destination() -> list[tuple[str, spooldir.Waiting, spooldir.LineState | None]]:
    """What waits for each service, with what the last sender saw of it; exact counts."""
    roots = emitter.roots_of(settings.current())
    groups: dict[str, list[StoredSegment]] = {}
    for root in roots:
        for segment in segments(root)[0]:
            groups.setdefault(segment.header.destination, []).append(segment)
    found = []
    for destination, members in sorted(groups.items()):
        states = (spooldir.load_state(root, destination) for root in roots)
        total = spooldir.waiting(members, exact=True)
        if total.records:
            found.append((destination, total, next((state for state in states if state is not None), None)))
    return found


def named(destination: str) -> str:
    """A destination as a person knows it."""
    return "the service on this machine" if destination == settings.LOCAL else destination


def way_out(destination: str) -> str:
    """How to send what waits for a destination there, and elsewhere."""
    if destination == settings.LOCAL:
        return "lineage spool sync hands them to it; to another one: lineage spool sync --to URL"
    elsewhere = "everything elsewhere: lineage spool sync --to URL, or --to local for the service on this machine"
    if destination == settings.current().destination:
        return f"lineage spool sync sends them now; {elsewhere}"
    return f"LINEAGE_URL={destination} lineage spool sync sends them there; {elsewhere}"


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
        document["waiting"] = [
            {"destination": destination, "records": total.records, "bytes": total.bytes}
            for destination, total, _ in by_destination()
        ]
        render.emit_json({**document, "folders": list(roots), "unreadable": unreadable})
        return
    render.line(render.bold(render.count(found.records, "record")), f" wait in {now.spool_dir} ({found.bytes:,} bytes)")
    if found.oldest is not None:
        render.line("oldest: ", render.when(_time(found.oldest)))
    for destination, total, state in by_destination():
        render.line(render.bold(f"for {named(destination)}: "), render.count(total.records, "record"))
        if state is not None and state.unreachable_since is not None:
            since = render.when(_time(state.unreachable_since))
            render.line("  unreachable: ", f"since {since}: {state.last_error}")
        render.line("  ", way_out(destination))
    new = named(settings.LOCAL) + " (LINEAGE_URL is not set)" if now.url is None else found.destination
    render.line("new records go to: ", new)
    if found.gaps:
        render.line(render.bold("lost: "), f"{render.count(found.gaps, 'record')} (told to the service with the rest)")
    if found.dead:
        render.line(render.bold("refused: "), f"{render.count(found.dead, 'record')}: lineage spool dead")
    for path, reason in unreadable.items():
        render.line(render.bold("unreadable: "), f"{path}: {reason}")


@app.command()
def sync(
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="URL", help="Send all that waits to this one; local: the service here."),
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds to keep trying.")] = 30.0,
    json: JsonFlag = False,
) -> None:
    """Send what waits now; exit code 0 only when nothing is left."""
    from lineage.emit.delivery import deliver

    setting("LINEAGE_URL")
    now = settings.current()
    delivered, reason = 0, None
    if to is None and now.url is None:
        before = waiting_records()
        connect().close()  # starting the embedded service makes it take in what waits
        delivered = before - waiting_records()
    else:
        url, token, wanted = _target(to)
        for root in emitter.roots_of(now):
            report = deliver(root, url, token, destinations=wanted, timeout=timeout)
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
        for destination, total, _ in by_destination():
            render.note(f"{render.count(total.records, 'record')} for {named(destination)}: {way_out(destination)}")
        raise typer.Exit(1)


def _target(to: str | None) -> tuple[str, str | Callable[[], str | None] | None, set[str] | None]:
    """Address, credential, and the destinations whose records go there (None: all)."""
    now = settings.current()
    if to is None:
        return str(now.url), now.token, {now.destination}
    if to.strip() == settings.LOCAL:
        return *embedded_service(), None
    return address("--to", to), now.token, None


@app.command()
def dead(
    retry: Annotated[bool, typer.Option("--retry", help="Put all of them back on their way.")] = False,
    json: JsonFlag = False,
) -> None:
    """Records the service refused, with its reasons."""
    roots = emitter.roots_of(settings.current())
    if retry:
        count = sum(letters.retry(root) for root in roots if letters.count(root))
        if not count and not json:
            render.note("nothing was refused")
        elif json:
            render.emit_json({"retried": count})
        else:
            render.line(f"{render.count(count, 'record')} back on the way: lineage spool sync")
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
