"""`lineage doctor`: is everything in order on this machine, and if not, what to do.

Looks only: starts nothing, sends nothing, unless an orchestrator is named: then a test event is sent and looked for
(`doctor_trip`). Exit code 1 when something stands in the way of recording or asking.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Annotated

import typer

from lineage import settings
from lineage.cli import render
from lineage.cli.connection import ASKED, INSTALL, JsonFlag, embedded_available, setting
from lineage.cli.doctor_trip import orchestrator
from lineage.cli.findings import FINE, MARKS, NOTE, WRONG, Finding
from lineage.cli.spool import by_destination, named, way_out
from lineage.client import Client
from lineage.emit import emitter, spooldir
from lineage.errors import LineageError, UsageError

_NOT_OF_THE_SDK = ("LINEAGE_NEO4J_", "LINEAGE_TEST_", "LINEAGE_SKIP_UI")
_MEMORY_FILESYSTEMS = frozenset({"tmpfs", "ramfs"})


def doctor(
    of: Annotated[
        str | None,
        typer.Argument(metavar="[airflow|prefect]", help="Look at this orchestrator too, and send a test event."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Look at installation, settings, spool, service and what can be captured here; perhaps at an orchestrator."""
    found = [*_installation(), *_settings(), *_spool(), *_service(), *_capture()]
    if of is not None:
        found += orchestrator(of)
    if json:
        render.emit_json({"findings": [asdict(finding) for finding in found]})
    else:
        for finding in found:
            render.line(f"{MARKS[finding.level]} ", render.bold(f"{finding.subject:<14}"), finding.text)
    if any(finding.level == WRONG for finding in found):
        raise typer.Exit(1)


def _installation() -> Iterator[Finding]:
    owners = sorted(set(packages_distributions().get("lineage", ())))
    others = [owner for owner in owners if owner.lower() != "weftline"]
    where = Path(__file__).resolve().parent.parent
    if others:
        text = f"{', '.join(others)} installs `import lineage` too and overwrites this one: pip uninstall {others[0]}"
        yield Finding("installation", WRONG, text)
    else:
        python = ".".join(map(str, sys.version_info[:3]))
        yield Finding("installation", FINE, f"weftline {version('weftline')} in {where}, Python {python}")


def _settings() -> Iterator[Finding]:
    now = settings.current()
    if now.disabled:
        yield Finding("recording", WRONG, "LINEAGE_DISABLED is set: nothing is recorded; unset it")
    known = {knob.env for knob in settings.KNOBS}
    ours = sorted(name for name in os.environ if name.startswith("LINEAGE_") and name not in known)
    strange = [name for name in ours if not name.startswith(_NOT_OF_THE_SDK)]
    if strange:
        yield Finding("settings", NOTE, f"{', '.join(strange)}: no such setting; misspelt?")
    for name in ASKED:
        try:
            setting(name)
        except UsageError as error:
            yield Finding("settings", WRONG, str(error))
    yield Finding("project", FINE, now.project)


def _spool() -> Iterator[Finding]:
    now = settings.current()
    folder = now.spool_dir
    existing = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        text = (
            f"{existing} cannot be written: records stay in memory and are lost with the process; set LINEAGE_SPOOL_DIR"
        )
        yield Finding("spool", WRONG, text)
        return
    kind = _filesystem(existing)
    if kind in _MEMORY_FILESYSTEMS:
        text = f"{folder} is on {kind}: it dies with this machine or container; put LINEAGE_SPOOL_DIR on a volume"
        yield Finding("spool", NOTE, text)
    found = spooldir.status(emitter.roots_of(now), exact=True)
    for destination, total, state in by_destination():
        dead_line = state is not None and state.unreachable_since is not None
        stray = destination not in (settings.LOCAL, now.destination)
        why = f": {state.last_error}" if dead_line and state is not None else ""
        text = f"{total.records:,} records wait for {named(destination)}{why}; {way_out(destination)}"
        yield Finding("spool", WRONG if dead_line else NOTE if stray else FINE, text)
    if not found.records:
        yield Finding("spool", FINE, f"0 records wait in {folder}")
    if found.dead:
        yield Finding("spool", WRONG, f"{found.dead:,} records were refused: lineage spool dead")
    if found.gaps:
        yield Finding("spool", NOTE, f"{found.gaps:,} records are known to be lost; answers say so")


def _service() -> Iterator[Finding]:
    now = settings.current()
    if now.url is None:
        if embedded_available():
            yield Finding("service", FINE, "none configured (LINEAGE_URL): the embedded one starts when asked")
        else:
            yield Finding("service", NOTE, f"none configured (LINEAGE_URL) and none installed: {INSTALL}")
        return
    try:
        with Client(now.url, now.token(), now.project, timeout=5) as client:
            page = client.runs(limit=1)
    except LineageError as error:
        yield Finding("service", WRONG, str(error))
        return
    yield Finding("service", FINE, f"{now.destination} answers, at record {page['as_of']}")


def _capture() -> Iterator[Finding]:
    from lineage import git

    top = git.find(os.getcwd())
    checkout = git.read(top, with_diff=False) if top is not None else None
    if checkout is None or checkout.commit is None:
        text = "no git checkout here: runs carry CI variables, LINEAGE_CODE_COMMIT, or a digest of the sources"
        yield Finding("code version", NOTE, text)
    else:
        state = "with changes (their diff is kept)" if checkout.dirty else "clean"
        yield Finding("code version", FINE, f"git, commit {checkout.commit[:10]}, {state}")


def _filesystem(path: Path) -> str:
    """Type of the file system a path is on, empty where that cannot be read."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    best, kind = "", ""
    for mount in mounts:
        _, place, found, *_ = mount.split(" ")
        inside = str(path.resolve()) == place or str(path.resolve()).startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, kind = place, found
    return kind
