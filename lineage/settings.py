"""Every knob of the SDK and the command line, declared once: type, default, environment name, help.

`current()` is what the rest of the package asks; it is cheap (one comparison of the raw environment) and follows
changes of `os.environ`. A value that does not parse gives one warning and the default: settings never break a task.
This module reads the environment and the token file, nothing else; it opens no spool and no connection.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from lineage import diagnostics

LOCAL = "local"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


def _flag(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError("1 or 0")


def _text(text: str) -> str:
    return text.strip()


def _url(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an http:// or https:// address")
    return text.strip().rstrip("/")


def _project(text: str) -> str:
    workspace, slash, project = text.strip().partition("/")
    if not slash or not workspace or not project or "/" in project or not text.isprintable():
        raise ValueError("workspace/project")
    return text.strip()


def _path(text: str) -> Path:
    if "\0" in text:
        raise ValueError("a path")
    path = Path(text).expanduser()
    try:
        return path.absolute()
    except OSError:  # the working folder is gone; whoever uses the path will find out and go elsewhere
        return path


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 86_400:
        raise ValueError("a number of seconds between 0 and 86400")
    return value


def _bytes(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1024:
        raise ValueError("a number of bytes, at least 1024")
    return int(text)


@dataclass(frozen=True, slots=True)
class Knob:
    """One setting: the field it fills, its environment name, how it is parsed, its default, and what it is for."""

    field: str
    env: str
    parse: Callable[[str], Any]
    default: Any
    help: str


KNOBS: tuple[Knob, ...] = (
    Knob("url", "LINEAGE_URL", _url, None, "address of the service; none: records wait for the embedded service"),
    Knob("token_text", "LINEAGE_TOKEN", _text, None, "credential for the service"),
    Knob("token_file", "LINEAGE_TOKEN_FILE", _path, None, "file holding the credential; read again at each connection"),
    Knob("project", "LINEAGE_PROJECT", _project, "default/default", "workspace/project everything belongs to"),
    Knob("namespace", "OPENLINEAGE_NAMESPACE", _text, "default", "namespace of jobs"),
    Knob("home", "LINEAGE_HOME", _path, None, "configuration and local service data; default ~/.lineage"),
    Knob("spool_dir", "LINEAGE_SPOOL_DIR", _path, None, "where records wait; default $LINEAGE_HOME/spool; host-local"),
    Knob("exit_timeout", "LINEAGE_EXIT_TIMEOUT", _seconds, 5.0, "seconds a process may spend draining at its end"),
    Knob("disabled", "LINEAGE_DISABLED", _flag, False, "1 = do nothing at all"),
    Knob("debug", "LINEAGE_DEBUG", _flag, False, "1 = say why each decision was taken"),
    Knob("quiet", "LINEAGE_QUIET", _flag, False, "1 = no summary line at the end of a run"),
    Knob(
        "spool_bytes", "LINEAGE_SPOOL_BYTES", _bytes, 2 << 30, "cap of the spool; starts and ends of runs get 1/8 more"
    ),
    Knob(
        "event_bytes",
        "LINEAGE_EVENT_BYTES",
        _bytes,
        1 << 20,
        "longest event kept whole; longer ones are cut and marked",
    ),
    Knob("sender_idle", "LINEAGE_SENDER_IDLE", _seconds, 30.0, "seconds without work after which the sender ends"),
    Knob(
        "digest_bytes",
        "LINEAGE_DIGEST_BYTES",
        _bytes,
        8 << 30,
        "files and folders above this are digested in parts only",
    ),
    Knob("code_repository", "LINEAGE_CODE_REPOSITORY", _text, None, "repository of the code, where no .git is"),
    Knob("code_commit", "LINEAGE_CODE_COMMIT", _text, None, "commit of the code, where no .git is"),
    Knob("code_branch", "LINEAGE_CODE_BRANCH", _text, None, "branch of the code, where no .git is"),
    Knob("code_dirty", "LINEAGE_CODE_DIRTY", _flag, None, "1 = the code differs from the commit"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says now. Ask `token()` for the credential; it is in no field that prints."""

    url: str | None
    project: str
    namespace: str
    home: Path
    spool_dir: Path
    exit_timeout: float
    disabled: bool
    debug: bool
    quiet: bool
    spool_bytes: int
    event_bytes: int
    sender_idle: float
    digest_bytes: int
    code_repository: str | None
    code_commit: str | None
    code_branch: str | None
    code_dirty: bool | None
    token_text: str | None = field(repr=False)
    token_file: Path | None

    @property
    def destination(self) -> str:
        """Where records of this process belong: the service's address without any user info, or `local`."""
        return without_userinfo(self.url) if self.url else LOCAL

    def token(self) -> str | None:
        """The credential as it is now: `LINEAGE_TOKEN`, else the content of `LINEAGE_TOKEN_FILE`."""
        if self.token_text:
            return self.token_text
        if self.token_file is None:
            return None
        try:
            return self.token_file.read_text(encoding="utf-8").strip() or None
        except (OSError, UnicodeError) as error:
            diagnostics.warn_once("token-file", f"LINEAGE_TOKEN_FILE {self.token_file} cannot be read: {error}")
            return None


def without_userinfo(url: str) -> str:
    """The address with `user:password@` removed, as it may be written to disk or shown."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url.rstrip("/")
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")


def temporary_directory() -> str:
    """Where files may go that nobody misses; `tempfile` would cost every task's start, and may raise."""
    for name in ("TMPDIR", "TEMP", "TMP"):
        if os.path.isabs(os.environ.get(name, "")):
            return os.environ[name]
    return "/tmp"  # noqa: S108 - what goes there is in a folder of this user alone


def default_home() -> Path:
    """`~/.lineage`, or a folder of the temporary directory where the user has no home at all."""
    home = os.path.expanduser("~")
    if home == "~" or not os.path.isabs(home):
        return Path(temporary_directory()) / f"lineage-{os.getuid() if hasattr(os, 'getuid') else 'home'}"
    return Path(home) / ".lineage"


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Parse settings from a mapping of environment names to text; never raises, warns once for each bad value."""
    values: dict[str, Any] = {}
    for knob in KNOBS:
        text = environment.get(knob.env)
        values[knob.field] = knob.default
        if text is None or not text.strip():
            continue
        try:
            values[knob.field] = knob.parse(text)
        except (ValueError, RuntimeError) as error:
            shown = "its value" if knob.field == "url" else repr(text[:80])
            diagnostics.warn_once(
                f"setting:{knob.env}:{text[:80]}", f"{knob.env}: {shown} is not {error}; using {knob.default!r}"
            )
    values["home"] = values["home"] or default_home()
    values["spool_dir"] = values["spool_dir"] or values["home"] / "spool"
    return Settings(**values)


_NAMES = (*(knob.env for knob in KNOBS), "HOME")
# The mapping behind os.environ: reading it skips encoding each key, which would cost more than the rest of an emit.
_RAW: Mapping[Any, Any] = getattr(os.environ, "_data", os.environ)
_KEYS: tuple[Any, ...] = tuple(os.environ.encodekey(name) for name in _NAMES) if _RAW is not os.environ else _NAMES
_cache: tuple[tuple[Any, ...], Settings] | None = None


def current() -> Settings:
    """The settings of this moment; the same object as long as the environment is the same."""
    global _cache
    raw = tuple(map(_RAW.get, _KEYS))
    cached = _cache
    if cached is not None and cached[0] == raw:
        return cached[1]
    settings = from_environment(os.environ)
    _cache = (raw, settings)
    return settings
