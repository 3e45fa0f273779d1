"""From what a user writes (URL, path, connection string) to OpenLineage's namespace and name, without credentials.

Owns reading a location (`locate`) and settling the spelling of a pair (`normalise`); both are pure but for the
current folder that relative paths stand in. Which stores exist is data in `naming_rules`. Two names of one thing
that differ by more than spelling stay two names: joining them is the graph's business.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import unquote

from lineage.naming_rules import BY_SCHEME, DROPPED_PORTS, VERSION_PARAMETERS, WRAPPERS, Family, Rule
from lineage.redact import redact_text

_URL = re.compile(r"^(?:jdbc:)?(?P<scheme>[A-Za-z][A-Za-z0-9_.\-]+)(?:\+[A-Za-z0-9_.\-]+)?:(?P<rest>//.*)$", re.DOTALL)
_ORACLE_THIN = re.compile(r"^jdbc:oracle:[a-z]+:(?:[^@]*)@(?://)?(?P<host>[^:/]+):(?P<port>\d+)[:/](?P<service>.+)$")
_SCHEME_ONLY = re.compile(r"^(?P<scheme>file|hdfs|dbfs|pubsub):(?P<path>/(?!/).*)$", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"[/?#;]")
_HOST = re.compile(r"^(?:\[[0-9A-Fa-f:.%]+\]|[^:@\[\]]*)(?::\d{0,5})?$")
_PORT = re.compile(r"^\d{1,5}$")
_DRIVE = re.compile(r"^[A-Za-z]:[\\/]")
_S3_HOST = re.compile(r"^(?:(?P<bucket>.+)\.)?s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$")
_GS_HOST = re.compile(r"^(?:(?P<bucket>.+)\.)?storage\.(?:googleapis|cloud\.google)\.com$")
_AZURE_HOST = re.compile(r"^(?P<account>[a-z0-9]+)\.(?P<kind>blob|dfs)\.core\.windows\.net$")
_REDSHIFT_HOST = re.compile(r"^([a-z0-9-]+)\.[a-z0-9]+\.([a-z0-9-]+)\.redshift(?:-serverless)?\.amazonaws\.com$")
_HUB_HOSTS = frozenset({"huggingface.co", "hf.co", "www.huggingface.co"})
_HUB_KINDS = ("datasets", "spaces", "models")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"|`([^`]*)`|\[([^\]]*)\]')


@dataclass(frozen=True, slots=True)
class Location:
    """Where a dataset lies: OpenLineage's pair, what the location itself says of version and type."""

    namespace: str
    name: str
    version: str | None = None
    type: str | None = None


def locate(location: str | os.PathLike[str]) -> Location:
    """Read a URL, a path or a connection string.

    Text without a scheme is a path; relative ones are taken from the current folder. Logins, passwords, signatures
    and connection options never reach the answer.

    Raises:
        ValueError: the text is empty, or names a store but nothing in it.
    """
    text = os.fsdecode(location)
    if not text or "\0" in text:
        raise ValueError("a dataset needs a location: a path, a URL, or a namespace and a name")
    if not isinstance(location, str) or _DRIVE.match(text):
        return Location("file", file_name(text), type="FILE")
    text = text.strip().rpartition(WRAPPERS)[2] if "://" in text else text
    text = _from_thin(text)
    bare = _SCHEME_ONLY.match(text)
    if bare:
        scheme = bare["scheme"].lower()
        name = unquote(bare["path"]) if scheme == "file" else bare["path"]
        return Location(scheme, _slashes(name), type="FILE")
    url = _URL.match(text)
    if url is None:
        return Location("file", file_name(text), type="FILE")
    return _read_url(url["scheme"].lower(), url["rest"][2:])


_ROUNDS = 6
"""What one respelling takes off (a separator, white space) may show another; no name that means anything needs two."""


def normalise(namespace: str, name: str, *, look: bool = False) -> tuple[str, str]:
    """The kept spelling of a pair that somebody wrote by hand or another producer sent.

    Unknown namespaces pass unchanged but for surrounding white space and credentials. Doing it twice changes nothing.

    Args:
        look: the pair was written on this machine, so that a database file of ambiguous path may be looked for.
            A service must not: it would follow its clients' paths.
    """
    kept = namespace, name
    for _ in range(_ROUNDS):
        spelled = kept
        kept = _respelled(*spelled, look=look)
        if kept == spelled:
            break
    return kept


def _respelled(namespace: str, name: str, *, look: bool) -> tuple[str, str]:
    namespace, name = namespace.strip(), name.strip()
    if namespace.lower().rstrip("/") in ("file", "file:"):
        return "file", _slashes(unquote(name[5:]) if name.startswith("file:") else name)
    url = _URL.match(_from_thin(namespace))
    if url is None:
        rule = BY_SCHEME.get(namespace.lower().rstrip(":"))
        if rule is None or rule.family is not Family.GLOBAL:
            return redact_text(namespace), redact_text(name)
        return rule.scheme, table_name(rule, "", [], name)
    scheme, rest = url["scheme"].lower(), url["rest"][2:]
    rule = BY_SCHEME.get(scheme) or Rule(scheme, Family.PATH)
    authority, path, query = _split(rest, rule)
    if rule.family in (Family.TABLE, Family.GLOBAL, Family.DATABASE_FILE):
        return _table(rule, authority, path, query, name, look=look)
    same_store = _URL.match(name)
    if same_store is not None and BY_SCHEME.get(same_store["scheme"].lower(), rule) == rule:
        read = _read_url(same_store["scheme"].lower(), same_store["rest"][2:])
        return read.namespace, read.name
    prefix = path.strip("/")
    if rule.family is Family.HUB:
        return f"hf://{'/'.join(part for part in (authority, prefix) if part)}", name.strip("/")
    if rule.family in (Family.OBJECT, Family.TOPIC):
        key = name.lstrip("/")
        return _namespace(rule, authority), redact_text(f"{prefix}/{key}" if prefix and key else prefix or key) or "/"
    if rule.scheme == scheme == "file" or scheme == "file":
        return (f"file://{authority}" if authority else "file"), _slashes(f"/{prefix}/{name}" if prefix else name)
    return _namespace(rule, authority) + (f"/{prefix}" if prefix else ""), redact_text(name)


def file_name(path: str) -> str:
    """Absolute form of a local path, lexically: links keep the name they were used by."""
    path = os.path.expanduser(path)
    try:
        name = os.path.abspath(path)
    except OSError:  # the current folder is gone; the shell's idea of it is the best name left
        name = os.path.normpath(os.path.join(os.environ.get("PWD", "/"), path))
    return _slashes(name.replace("\\", "/") if os.sep == "\\" else name)


def local_path(namespace: str, name: str) -> str | None:
    """The path of this machine that a dataset means, or None if it lies elsewhere."""
    if namespace == "file":
        return name if os.sep == "/" or not name.startswith("/") else name[1:]
    return None


def strip_login(url: str) -> str:
    """A URL without `user:password@`, even where the password holds characters that should have been escaped."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    authority, path, _ = _split(rest, Rule(scheme.lower(), Family.PATH))
    return f"{scheme}://{authority}{path}"


def dataset_type(namespace: str) -> str | None:
    """OpenLineage's `datasetType` of what usually lies in a namespace, or None if it could be anything."""
    if namespace == "file":
        return "FILE"
    rule = BY_SCHEME.get(namespace.partition(":")[0])
    return rule.dataset_type if rule else None


def table_name(rule: Rule, database: str, parts: list[str], name: str) -> str:
    """Dotted name of a table: what the location says in front (`database`, `parts`), then the name's own parts."""
    own = _name_parts(name)
    front = [part for part in (*_name_parts(database.replace("/", ".")), *parts) if part]
    # A name that repeats the location's parts is complete already; one that is shorter than the store's depth
    # takes the missing ones from the front.
    missing = max(rule.depth - len(own), 0) if rule.depth else len(front)
    lead = front[: missing or 0] if own[: len(front)] != front else []
    full = [*lead, *own]
    if rule.defaults and len(full) == rule.depth - len(rule.defaults):
        full = [*rule.defaults, *full]
    return ".".join(full)


def _from_thin(text: str) -> str:
    """Oracle's own form, `jdbc:oracle:thin:user/password@host:1521:sid`, as a URL; anything else as it is."""
    thin = _ORACLE_THIN.match(text)
    return f"oracle://{thin['host']}:{thin['port']}/{thin['service']}" if thin else text


def _read_url(scheme: str, rest: str) -> Location:
    rule = BY_SCHEME.get(scheme) or Rule(scheme, Family.PATH)
    authority, path, query = _split(rest, rule)
    if rule.family in (Family.TABLE, Family.GLOBAL, Family.DATABASE_FILE):
        if rule.family is Family.DATABASE_FILE and path.strip("/"):
            return Location("file", file_name(_database_path(authority, path, look=True)), type="FILE")
        namespace, name = _table(rule, authority, path, query, "", look=True)
        if "." not in name and rule.depth > 1:
            raise ValueError(f"{namespace} is a database: name the table too, Dataset({namespace!r}, 'schema.table')")
        return Location(namespace, name, type="TABLE")
    if scheme == "file":
        host = "" if authority in ("localhost", "127.0.0.1") else authority
        return Location(f"file://{host}" if host else "file", _slashes(unquote(path) or "/"), type="FILE")
    if rule.family is Family.HUB:
        return _hub([part for part in (authority, *path.split("/")) if part])
    if scheme in ("http", "https"):
        return _web(rule, authority.lower(), path, query)
    if rule.family in (Family.OBJECT, Family.TOPIC):
        key = path.strip("/") if rule.family is Family.TOPIC else path.lstrip("/").rstrip("/")
        version = next((query[p] for p in VERSION_PARAMETERS.get(rule.scheme, ()) if query.get(p)), None)
        if rule.scheme == "gs" and "#" in key and key.rpartition("#")[2].isdigit():
            key, _, version = key.rpartition("#")
        return Location(_namespace(rule, authority), redact_text(key) or "/", version, rule.dataset_type)
    return Location(_namespace(rule, authority), redact_text(_slashes(path or "/")), type=rule.dataset_type)


def _split(rest: str, rule: Rule) -> tuple[str, str, dict[str, str]]:
    """Authority without login, path, query parameters (names in lower case)."""
    rest = _without_login(rest, rule)
    cut = _AUTHORITY.search(rest)
    authority, tail = (rest[: cut.start()], rest[cut.start() :]) if cut else (rest, "")
    # A key of an object store may hold `#`, `;` and `?`; only a real parameter list is cut off.
    path, _, text = tail.partition("?") if rule.family is not Family.TABLE else _cut_options(tail)
    query = {}
    for item in re.split(r"[&;]", text):
        key, equals, value = item.partition("=")
        if equals:
            query[key.strip().lower()] = unquote(value)
    return authority, path, query


def _without_login(rest: str, rule: Rule) -> str:
    """What follows `scheme://`, without `user:password@`.

    Passwords are written unescaped often enough: where there is one, or the first piece can't be a host and port,
    everything up to the last `@` goes. That may cut a path that has an `@`; the other way would show half a password.
    """
    cut = _AUTHORITY.search(rest)
    authority = rest[: cut.start()] if cut else rest
    if rule.user_is_location:
        user, at, host = authority.rpartition("@")
        return f"{user.partition(':')[0]}@{host}{rest[len(authority) :]}" if at else rest
    user = authority.partition("@")[0]
    beyond = ":" in user if "@" in authority else not _is_host(authority) or rule.family is Family.TABLE
    if not beyond:
        return authority.rpartition("@")[2] + rest[len(authority) :]
    before, mark, options = re.match(r"([^?#]*)([?#]?)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    if "@" in options and rule.scheme in ("http", "https"):
        mark = options = ""
    left = before.rpartition("@")[2]
    host = _AUTHORITY.split(left, maxsplit=1)[0]
    if "@" in before and host and _is_host(host):
        return left + mark + options
    if "@" in rest and not (host and _is_host(host)):
        return rest.rpartition("@")[2]
    return left + mark + options


def _cut_options(tail: str) -> tuple[str, str, str]:
    """Path and options of a connection string: `?a=b`, or `;a=b` as SQL Server writes it."""
    found = re.search(r"[?;#]", tail)
    return (tail[: found.start()], "?", tail[found.end() :]) if found else (tail, "", "")


def _is_host(authority: str) -> bool:
    """Whether this can be host and port, comma separated brokers included."""
    return all(_HOST.match(part) for part in authority.split(","))


def _namespace(rule: Rule, authority: str) -> str:
    if rule.family is Family.OBJECT and not rule.user_is_location:
        return f"{rule.scheme}://{authority.partition(':')[0] if rule.scheme == 's3' else authority}"
    if rule.family is Family.OBJECT:
        return f"{rule.scheme}://{authority.lower()}"
    authority = authority.partition(",")[0].lower()
    host, colon, port = authority.rpartition(":") if not authority.endswith("]") else (authority, "", "")
    if not colon or not _PORT.match(port):
        host, port = (authority if not colon else host), ""
    if rule.scheme == "snowflake":
        host = _snowflake_account(host.removesuffix(".snowflakecomputing.com"))
    if rule.scheme == "redshift":
        host = _REDSHIFT_HOST.sub(r"\1.\2", host)
    if port == DROPPED_PORTS.get(rule.scheme):
        port = ""
    port = port or (rule.port if host else "")
    return f"{rule.scheme}://{host}{':' + port if port else ''}" if host else rule.scheme


def _snowflake_account(account: str) -> str:
    """Account as dbt's and Airflow's integrations write it: organisation-account, or locator.region.cloud."""
    if "-" in account.partition(".")[0] or "_" in account or not account:
        return account
    pieces = account.split(".")
    return ".".join([*pieces, *("us-west-1", "aws")[len(pieces) - 1 :]]) if len(pieces) < 3 else account


def _table(rule: Rule, authority: str, path: str, query: dict[str, str], name: str, *, look: bool) -> tuple[str, str]:
    if rule.family is Family.DATABASE_FILE:
        return _embedded_table(rule, authority, path, name, look=look)
    if rule.family is Family.GLOBAL:
        return rule.scheme, table_name(rule, ".".join(p for p in (authority, path.strip("/")) if p), [], name)
    database = unquote(path.strip("/"))
    have = len(_name_parts(database.replace("/", ".")))
    named = [query[part] for part in rule.parts if query.get(part)]
    return _namespace(rule, authority), table_name(rule, database, named[have:] if have else named, name)


def _embedded_table(rule: Rule, authority: str, path: str, name: str, *, look: bool) -> tuple[str, str]:
    location = _database_path(authority, path, look=look)
    own = _name_parts(name)
    if location in ("", ":memory:"):
        return f"{rule.scheme}://:memory:", ".".join(own)
    stem = os.path.splitext(os.path.basename(location))[0]
    front = (stem, "main") if rule.scheme == "duckdb" else rule.defaults
    if own and len(own) < rule.depth:
        own = [*front[: rule.depth - len(own)], *own]
    return f"{rule.scheme}://{location}", ".".join(own)


def _database_path(authority: str, path: str, *, look: bool) -> str:
    """Path of a database file.

    `sqlite:////data/x.db` is absolute for all, and `duckdb://x.duckdb` as dbt has it in its profile. Three slashes are
    a relative path for SQLAlchemy and an absolute one for dbt: the one that is there is meant, the absolute one where
    nobody may look.
    """
    if authority:
        return unquote(authority + path)
    path = unquote(path)
    if path.startswith("//"):
        return path[1:]
    relative = path[1:]
    if not relative or relative == ":memory:" or _DRIVE.match(relative):
        return relative
    if not look:
        return path
    near = file_name(relative)
    for exists in (os.path.exists, lambda place: os.path.isdir(os.path.dirname(place))):
        for place in (near, path):
            if exists(place):
                return place
    return path


def _name_parts(name: str) -> list[str]:
    """Parts of a dotted name; quotes of any SQL dialect go, dots inside of them stay."""
    if not name:
        return []
    if not _QUOTED.search(name):
        first, dot, rest = name.partition(".")
        # BigQuery's older `project:dataset.table`.
        return [part for part in (first.replace(":", ".") + dot + rest).split(".") if part] if dot else [name]
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(next(group for group in match.groups() if group is not None).replace('""', '"'))
        return f"\0{len(kept) - 1}\0"

    pieces = _QUOTED.sub(keep, name).split(".")
    return [re.sub("\0(\\d+)\0", lambda m: kept[int(m[1])], piece) for piece in pieces if piece]


def _hub(parts: list[str]) -> Location:
    """`hf://datasets/owner/name@revision/file` → namespace `hf://datasets`, name `owner/name/file`, the revision."""
    kind = parts.pop(0) if parts and parts[0] in _HUB_KINDS else "models"
    if not parts:
        raise ValueError("hf:// needs owner and name: hf://datasets/owner/name")
    version = None
    for place, part in enumerate(parts[:2]):
        if "@" in part:
            parts[place], _, version = part.partition("@")
            version = unquote(version)
    whole = len(parts) <= 2
    return Location(f"hf://{kind}", "/".join(parts), version, "MODEL" if kind == "models" and whole else "FILE")


def _web(rule: Rule, authority: str, path: str, query: dict[str, str]) -> Location:
    """Web addresses; those of the object stores and of Hugging Face get the store's own names."""
    host = authority.partition(":")[0]
    version = query.get("versionid") or query.get("generation")
    for scheme, pattern in (("s3", _S3_HOST), ("gs", _GS_HOST)):
        match = pattern.match(host)
        if match:
            bucket, key = (match["bucket"], path) if match["bucket"] else path.lstrip("/").partition("/")[::2]
            if bucket:
                return Location(f"{scheme}://{bucket}", unquote(key).strip("/") or "/", version, "FILE")
    azure = _AZURE_HOST.match(host)
    if azure:
        container, key = path.lstrip("/").partition("/")[::2]
        scheme = "wasbs" if azure["kind"] == "blob" else "abfss"
        return Location(f"{scheme}://{container}@{host}", unquote(key).strip("/") or "/", version, "FILE")
    if host in _HUB_HOSTS:
        parts = [part for part in path.split("/") if part]
        marker = next((i for i, part in enumerate(parts) if part in ("resolve", "blob", "raw", "tree")), None)
        if marker is not None and marker + 1 < len(parts):
            parts[marker - 1] += "@" + parts[marker + 1]
            del parts[marker : marker + 2]
        return _hub(parts)
    kept = "&".join(f"{key}={value}" for key, value in sorted(query.items()))
    name = redact_text(f"{path or '/'}?{kept}" if kept else path or "/")
    return Location(_namespace(rule, authority), name, None, "FILE")


def _slashes(name: str) -> str:
    name = re.sub(r"/{2,}", "/", name)
    if name.startswith("/") or _DRIVE.match(name):
        return name.rstrip("/") or "/"
    return "/" + name.rstrip("/")
