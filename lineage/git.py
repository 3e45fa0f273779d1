"""What a git checkout says of itself: commit, branch, remote, and what differs from the commit.

Owns running `git` (no shell, no prompt, no lock, no hook, no pager, with a deadline) and what is kept of its
answers. Nothing in the repository's configuration gets to run a program, and a checkout owned by another user is
read all the same: the process runs code from it already. Where there is no `git`, `git_files` reads the repository.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from lineage import diagnostics, git_files
from lineage.naming import strip_login
from lineage.redact import redact_text

DIFF_LIMIT = 256 * 1024
_UNTRACKED_LIMIT = 64 * 1024
_UNTRACKED_TOTAL = 256 << 20
_READ_LIMIT = 64 << 20
_SECONDS = 10.0
_MAX_SUBMODULES = 20
_SAFE = (
    "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat",
    "-c", "core.quotePath=true", "-c", "diff.external=", "-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false",
    "-c", "submodule.recurse=false", "-c", "protocol.allow=never",
)  # fmt: skip
# Text that is code. Data, notebooks (their outputs are data) and `.env` files never leave the machine in a diff.
SOURCE_SUFFIXES = frozenset({
    ".py", ".pyi", ".pyx", ".pxd", ".sql", ".sh", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".r", ".jl", ".scala",
    ".java", ".kt", ".js", ".ts", ".c", ".h", ".cpp", ".hpp", ".cc", ".cu", ".rs", ".go", ".md", ".rst", ".lock", ".j2",
    ".cypher",
})  # fmt: skip
SOURCE_NAMES = frozenset({"Dockerfile", "Makefile", "Snakefile", "Justfile", "Pipfile", "requirements.txt"})
_SECTION = re.compile(rb'^diff --git (?:"?a/(?:.*?)"? )"?b/(.*?)"?$')
_SCP = re.compile(r"^(?:[^@/]+@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>(?!/{2})[^:]+)$")


@dataclass(slots=True)
class Checkout:
    """One checkout.

    Args:
        path: its folder.
        repository: address of the remote, without login, as a web address where it has one.
        commit: full hash; None before the first commit.
        branch: None when detached.
        dirty: whether files differ from the commit; None if that could not be found out.
        diff_digest: SHA-256 over the whole difference.
        diff: the part of it that is code, at most 256 KiB.
        truncated: whether `diff` leaves code out.
        submodules: checkouts inside.
    """

    path: str
    repository: str | None = None
    commit: str | None = None
    branch: str | None = None
    dirty: bool | None = None
    diff_digest: str | None = None
    diff: str | None = None
    truncated: bool = False
    submodules: list[Checkout] = field(default_factory=list)


def find(path: str) -> str | None:
    """The checkout (or bare repository) that a file or folder lies in, or None."""
    folder = os.path.abspath(path)
    while True:
        if os.path.exists(os.path.join(folder, ".git")) or git_files.is_bare(folder):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def read(top: str, *, with_diff: bool = True) -> Checkout | None:
    """Read the checkout at `top`, or None if it can't be read at all.

    Args:
        top: what `find` found.
        with_diff: whether to keep the text of what differs.
    """
    deadline = time.monotonic() + _SECONDS
    if shutil.which("git") is None:
        diagnostics.debug("git is not installed: commit and branch are read from the repository's files")
        return _from_files(top)
    if git_files.is_bare(top):
        return _from_files(top)
    status = _run(top, deadline, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames")
    if status is None:
        status = _run(
            top, deadline + 5, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=no", "--no-renames"
        )
    if status is None:
        return _from_files(top)
    found = Checkout(top)
    changed, untracked = _read_status(status, found)
    found.repository = _remote(top, deadline, found.branch)
    found.dirty = bool(changed or untracked)
    if found.dirty:
        _read_diff(found, changed, untracked, with_diff)
    for path in _submodule_paths(top)[:_MAX_SUBMODULES]:
        inner = os.path.join(top, path)
        if os.path.exists(os.path.join(inner, ".git")):
            module = read(inner, with_diff=False)
            if module is not None:
                found.submodules.append(module)
    return found


def ignores(top: str, path: str) -> bool:
    """Whether a file in the checkout is one that git was told to ignore: its commit then says nothing about it."""
    return _run(top, time.monotonic() + _SECONDS, "check-ignore", "-q", "--", os.path.realpath(path)) is not None


def address(remote: str) -> str:
    """A remote as it is kept: no login, and one form for `git@host:path`, `ssh://` and `https://`."""
    text = remote.strip()
    scp = _SCP.match(text) if "://" not in text else None
    if scp:
        text = f"https://{scp['host']}/{scp['path'].lstrip('/')}"
    elif "://" in text:
        text = strip_login(text)
        web = re.match(r"^(?:ssh|git|git\+ssh|http)://([^/:]+)(?::(?:22|80|9418))?/(.*)$", text)
        if web and "." in web[1]:
            text = f"https://{web[1]}/{web[2]}"
        text = text.partition("?")[0]
    return redact_text(text.rstrip("/").removesuffix(".git"))


def _run(top: str, deadline: float, *arguments: str, limit: int = _READ_LIMIT) -> bytes | None:
    """Output of a git command, or None if it failed, took too long or said more than `limit` bytes."""
    try:
        process = subprocess.Popen(
            ["git", "--no-optional-locks", *_SAFE, "-C", top, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            close_fds=True,
            cwd="/" if os.name == "posix" else None,
        )
    except OSError as error:
        diagnostics.debug(f"git does not start: {error}")
        return None
    try:
        with process:
            output, _ = process.communicate(timeout=max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        diagnostics.debug(f"git {arguments[0]} in {top} takes too long")
        return None
    if process.returncode != 0 or len(output) > limit:
        diagnostics.debug(f"git {arguments[0]} in {top} answers {process.returncode}")
        return None
    return output


def _environment() -> dict[str, str]:
    """The environment without what points git elsewhere (we may run inside a hook) or makes it ask."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("GIT_", "LINEAGE_", "OPENLINEAGE")) and key not in ("PAGER", "EDITOR", "SSH_ASKPASS")
    }
    return {**kept, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "LC_ALL": "C"}


def _read_status(status: bytes, found: Checkout) -> tuple[list[bytes], list[bytes]]:
    changed: list[bytes] = []
    untracked: list[bytes] = []
    for entry in status.split(b"\0"):
        if entry.startswith(b"# branch.oid "):
            oid = entry[13:].decode()
            found.commit = None if oid == "(initial)" else oid
        elif entry.startswith(b"# branch.head "):
            head = entry[14:].decode("utf-8", "replace")
            found.branch = None if head == "(detached)" else head
        elif entry.startswith((b"1 ", b"u ")):
            changed.append(entry.split(b" ", 8 if entry[:1] == b"1" else 10)[-1])
        elif entry.startswith(b"? "):
            untracked.append(entry[2:])
    return changed, untracked


def _remote(top: str, deadline: float, branch: str | None) -> str | None:
    """Address of the branch's remote, else of origin, else of the first one."""
    listed = _run(top, deadline, "config", "-z", "--get-regexp", r"^(remote\..*\.url|branch\..*\.remote)$")
    if listed is None:
        return None
    values: dict[str, str] = {}
    for entry in listed.decode("utf-8", "replace").split("\0"):
        key, newline, value = entry.partition("\n")
        if newline:
            values.setdefault(key, value)
    upstream = values.get(f"branch.{branch}.remote", "origin")
    urls = [values.get(f"remote.{upstream}.url"), values.get("remote.origin.url")]
    urls += [value for key, value in values.items() if key.startswith("remote.")]
    return next((address(url) for url in urls if url), None)


def _read_diff(found: Checkout, changed: list[bytes], untracked: list[bytes], with_text: bool) -> None:
    """The difference: its digest over everything, its text from code alone."""
    whole = hashlib.sha256()
    kept: list[bytes] = []
    complete = True
    if changed:
        arguments = [
            "diff",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--no-renames",
            "--full-index",
            "--submodule=short",
        ]
        base = [found.commit] if found.commit else ["--cached"]
        output = _run(found.path, time.monotonic() + _SECONDS, *arguments, *base, "--")
        if output is None:
            complete = False
        else:
            whole.update(output)
            kept.extend(section for path, section in _sections(output) if is_source(path))
    left = _UNTRACKED_TOTAL
    for name in sorted(untracked):
        data, entire = _untracked(found.path, name, min(left, _READ_LIMIT))
        left -= len(data)
        complete = complete and entire
        whole.update(b"untracked " + name + b"\0" + hashlib.sha256(data).digest())
        if is_source(os.fsdecode(name)) and len(data) <= _UNTRACKED_LIMIT and b"\0" not in data:
            kept.append(_as_new_file(name, data))
    if complete:
        found.diff_digest = whole.hexdigest()
    if with_text and kept:
        text = redact_text(b"".join(kept).decode("utf-8", "replace"))
        found.truncated = len(text) > DIFF_LIMIT
        found.diff = text[:DIFF_LIMIT]


def is_source(path: str) -> bool:
    """Whether a file's text is code that may be kept."""
    pure = PurePosixPath(path)
    return pure.suffix.lower() in SOURCE_SUFFIXES or pure.name in SOURCE_NAMES


def _sections(diff: bytes) -> list[tuple[str, bytes]]:
    """(path, text) of each file in a diff."""
    found: list[tuple[str, bytes]] = []
    for part in re.split(rb"(?m)^(?=diff --git )", diff):
        first = part.partition(b"\n")[0]
        match = _SECTION.match(first)
        if match:
            found.append((match[1].decode("utf-8", "replace"), part))
    return found


def _untracked(top: str, name: bytes, limit: int) -> tuple[bytes, bool]:
    """Content of an untracked file (or, where it is bigger than `limit`, its size), and whether that says all."""
    path = os.path.join(os.fsencode(top), name)
    try:
        stat = os.lstat(path)
        if os.path.islink(path):
            return os.readlink(path), True
        if stat.st_size > limit or not os.path.isfile(path):
            return str(stat.st_size).encode(), False
        with open(path, "rb") as file:
            return file.read(limit), True
    except OSError:
        return b"", False


def _as_new_file(name: bytes, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    body = b"".join(b"+" + line for line in lines)
    if lines and not lines[-1].endswith(b"\n"):
        body += b"\n\\ No newline at end of file\n"
    head = b"diff --git a/%b b/%b\nnew file mode 100644\n--- /dev/null\n+++ b/%b\n" % (name, name, name)
    return head + (b"@@ -0,0 +1,%d @@\n" % len(lines) if lines else b"") + body


def _submodule_paths(top: str) -> list[str]:
    try:
        with open(os.path.join(top, ".gitmodules"), encoding="utf-8", errors="replace") as file:
            return [line.partition("=")[2].strip() for line in file if line.strip().startswith("path") and "=" in line]
    except OSError:
        return []


def _from_files(top: str) -> Checkout | None:
    head = git_files.read(top)
    if head is None:
        return None
    return Checkout(top, address(head.remote) if head.remote else None, head.commit, head.branch)
