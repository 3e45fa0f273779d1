"""A git repository read from its own files, for where no `git` is installed, or the repository is bare.

Owns HEAD, loose and packed references, worktrees' and submodules' pointers, and the remote in the configuration. It
can't tell whether files differ from the commit.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

_HASH = re.compile(r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")
_REMOTE = re.compile(r'^\s*\[\s*remote\s+"(?P<name>[^"]*)"\s*\]')
_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True)
class Head:
    """Where a repository stands: commit, branch (None when detached), remote's address as configured."""

    commit: str | None
    branch: str | None
    remote: str | None


def is_bare(folder: str) -> bool:
    """Whether `folder` is itself a repository without a checkout."""
    return (
        os.path.isfile(os.path.join(folder, "HEAD"))
        and os.path.isdir(os.path.join(folder, "objects"))
        and os.path.isdir(os.path.join(folder, "refs"))
    )


def read(top: str) -> Head | None:
    """Read the repository of the checkout (or the bare repository) at `top`, or None if it isn't one."""
    folder = top if is_bare(top) else _repository(top)
    if folder is None:
        return None
    head = _text(os.path.join(folder, "HEAD"))
    if head is None:
        return None
    shared = _shared(folder)
    head = head.strip()
    if not head.startswith("ref:"):
        return Head(head if _HASH.match(head) else None, None, _remote(shared))
    reference = head.removeprefix("ref:").strip()
    commit = _resolve(folder, reference) or _resolve(shared, reference)
    return Head(commit, reference.removeprefix("refs/heads/"), _remote(shared))


def _repository(top: str) -> str | None:
    """`.git` itself, or where it points in a worktree or submodule."""
    path = os.path.join(top, ".git")
    if os.path.isdir(path):
        return path
    text = _text(path)
    if text is None or not text.startswith("gitdir:"):
        return None
    return os.path.normpath(os.path.join(top, text.removeprefix("gitdir:").strip()))


def _shared(folder: str) -> str:
    common = _text(os.path.join(folder, "commondir"))
    return os.path.normpath(os.path.join(folder, common.strip())) if common else folder


def _resolve(folder: str, reference: str) -> str | None:
    if ".." in reference.split("/"):
        return None
    loose = (_text(os.path.join(folder, reference)) or "").strip()
    if _HASH.match(loose):
        return loose
    for line in (_text(os.path.join(folder, "packed-refs")) or "").splitlines():
        commit, _, name = line.partition(" ")
        if name == reference and _HASH.match(commit):
            return commit
    return None


def _remote(folder: str) -> str | None:
    urls: dict[str, str] = {}
    section: str | None = None
    for line in (_text(os.path.join(folder, "config")) or "").splitlines():
        if line.lstrip().startswith("["):
            match = _REMOTE.match(line)
            section = match["name"] if match else None
        elif section is not None:
            key, equals, value = line.partition("=")
            if equals and key.strip().lower() == "url":
                urls.setdefault(section, value.strip().strip('"'))
    return urls.get("origin") or next(iter(urls.values()), None)


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_LIMIT)
    except OSError:
        return None
