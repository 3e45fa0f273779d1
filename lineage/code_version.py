"""Which version of the code runs: from git, else from what the surroundings say, else from the sources themselves.

Owns the order of the sources and the body of `weftline_codeVersion`, whose `source` names the one that answered.
Called once per process, off the hot path (`process`); how each source is read is in `git`, `code_hints` and
`source_digest`.
"""

from __future__ import annotations

import os
import posixpath
from typing import Any

from lineage import code_hints, diagnostics, first_party, git, source_digest

_MAX_REPOSITORIES = 10


def capture() -> dict[str, Any] | None:
    """The body of `weftline_codeVersion`, or None if nothing identifies the code. Takes up to some seconds."""
    name, path = first_party.entry_point()
    found = _from_git(path)
    if found is None:
        for hint in (code_hints.environment, code_hints.ci, code_hints.deployment, code_hints.distribution):
            found = hint()
            if found is not None:
                diagnostics.debug(f"code version from {found['source']}")
                break
    if found is None:
        sources = source_digest.capture()
        if sources is None:
            diagnostics.debug("no code version: no repository, no hint in the environment, no source")
            return None
        found = {"source": "source", **sources}
    label = _label(name, path, found.pop("_top", None))
    return {**found, "entryPoint": label} if label else found


def source_code_location(code: dict[str, Any]) -> dict[str, Any] | None:
    """The standard job facet `sourceCodeLocation` for a captured version, or None where no repository is known."""
    repository = code.get("repository")
    if not repository:
        return None
    location = {"type": "git", "url": repository, "repoUrl": repository}
    optional = {"path": code.get("entryPoint"), "version": code.get("commit"), "branch": code.get("branch")}
    return {**location, **{key: value for key, value in optional.items() if value}}


def _from_git(entry: str | None) -> dict[str, Any] | None:
    """The main checkout is the entry point's; where that is installed (pytest, airflow), the one of the loaded code."""
    tops = _tops(entry)
    if not tops:
        return None
    # The environment's word outranks a checkout that has no commit to name.
    main = git.read(tops[0])
    if main is None or (main.commit is None and code_hints.environment() is not None):
        return None
    body: dict[str, Any] = {"source": "git", "_top": main.path}
    values = {
        "repository": main.repository,
        "commit": main.commit,
        "branch": main.branch,
        "dirty": main.dirty,
        "diffDigest": main.diff_digest,
        "diff": main.diff,
        "diffTruncated": main.truncated or None,
    }
    body.update({key: value for key, value in values.items() if value is not None})
    others = [_entry(main, "main", main.path), *(_entry(module, "submodule", main.path) for module in main.submodules)]
    for top in tops[1:_MAX_REPOSITORIES]:
        editable = git.read(top, with_diff=False)
        if editable is not None:
            others.append(_entry(editable, "editable", main.path))
    if len(others) > 1:
        body["repositories"] = others
    unsaid = main.commit is None or main.dirty is None or (main.dirty and main.diff_digest is None)
    if unsaid or entry is None or git.ignores(main.path, entry):
        # Commit and difference alone do not say what ran: a notebook's cells, an ignored script.
        body.update(source_digest.capture() or {})
    return body


def _tops(entry: str | None) -> list[str]:
    """Checkouts of the loaded first-party code, the main one first."""
    places: list[str] = []
    if entry is not None and first_party.is_first_party(entry):
        places.append(entry)
    try:
        here: str | None = os.getcwd()
    except OSError:
        here = None
    loaded = sorted(first_party.modules().values())
    if here is not None and (not places or not loaded):
        inside = here + os.sep
        if not loaded or any(path.startswith(inside) for path in loaded):
            places.append(here)
    tops: dict[str, None] = {}
    for place in [*places, *loaded]:
        top = git.find(place)
        if top is not None:
            tops[top] = None
    return list(tops)


def _entry(checkout: git.Checkout, kind: str, main: str) -> dict[str, Any]:
    relative = os.path.relpath(checkout.path, main)
    shown = relative if not relative.startswith("..") else os.path.basename(checkout.path)
    values = {
        "repository": checkout.repository,
        "commit": checkout.commit,
        "dirty": checkout.dirty,
        "diffDigest": checkout.diff_digest,
    }
    return {"path": shown, "kind": kind, **{key: value for key, value in values.items() if value is not None}}


def _label(name: str | None, path: str | None, top: str | None) -> str | None:
    """Entry point as a path in the repository, where it lies there, else by its name."""
    if path is not None and top is not None:
        relative = os.path.relpath(os.path.realpath(path), os.path.realpath(top))
        if not relative.startswith(".."):
            return posixpath.join(*relative.split(os.sep))
    return name
