"""Normalisation of dataset names: the spellings that real producers use for one thing, declared once as data.

Owns `normalise(namespace, name)`. Only spelling is settled here; that two differently named datasets are the same
is an `ALIAS_OF` fact and is derived (see `derive.aliases`).
Source: OpenLineage naming specification (spec/Naming.md) and events of the Airflow, Spark and dbt integrations.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

# scheme as written → scheme as kept
SCHEMES = {
    "s3a": "s3",
    "s3n": "s3",
    "gcs": "gs",
    "adl": "adls",
    "postgresql": "postgres",
    "postgresql+psycopg": "postgres",
    "postgresql+psycopg2": "postgres",
    "mysql+pymysql": "mysql",
    "mariadb": "mysql",
    "jdbc:postgresql": "postgres",
    "jdbc:mysql": "mysql",
    "jdbc:sqlserver": "mssql",
    "jdbc:oracle": "oracle",
    "jdbc:snowflake": "snowflake",
    "jdbc:redshift": "redshift",
    "sqlserver": "mssql",
    "awsathena+rest": "awsathena",
}

# scheme → port that is dropped because it is the default
DEFAULT_PORTS = {
    "http": "80",
    "https": "443",
}

# scheme → port that is added when missing: the specification writes these with their port
EXPLICIT_PORTS = {
    "postgres": "5432",
    "mysql": "3306",
    "mssql": "1433",
    "oracle": "1521",
    "redshift": "5439",
    "trino": "8080",
    "clickhouse": "8123",
}

# schemes whose object name has no leading slash
OBJECT_STORES = frozenset({"s3", "gs", "abfss", "abfs", "wasbs", "wasb", "adls", "oss", "cos"})

_NAMESPACE = re.compile(r"^(?P<scheme>(?:jdbc:)?[A-Za-z][A-Za-z0-9+.\-]*)://(?P<rest>.*)$", re.DOTALL)
_USERINFO = re.compile(r"^[^/@]*@")
_HOST_PORT = re.compile(r"^(?P<host>\[[^\]]*\]|[^:/]*)(?::(?P<port>\d+))?(?P<tail>.*)$", re.DOTALL)


@lru_cache(maxsize=16384)
def normalise(namespace: str, name: str) -> tuple[str, str]:
    """The kept spelling of (namespace, name).

    Unknown schemes pass unchanged but for surrounding white space; a name is never emptied.
    """
    namespace, name = namespace.strip(), name.strip()
    if namespace.lower() in ("file", "file:", "file://", "file:///"):
        return "file", _file_name(name)
    match = _NAMESPACE.match(namespace)
    if match is None:
        return namespace, name
    scheme = match["scheme"].lower()
    scheme = SCHEMES.get(scheme, scheme)
    rest = match["rest"]
    if scheme == "abfss" or scheme == "wasbs":
        return f"{scheme}://{rest.rstrip('/').lower()}", name.lstrip("/") or "/"
    rest = _USERINFO.sub("", rest)
    parts = _HOST_PORT.match(rest)
    host, port, tail = (parts["host"].lower(), parts["port"], parts["tail"]) if parts else (rest, None, "")
    if port == DEFAULT_PORTS.get(scheme):
        port = None
    if port is None and host and scheme in EXPLICIT_PORTS:
        port = EXPLICIT_PORTS[scheme]
    if scheme in OBJECT_STORES:
        host = host if scheme != "s3" else host.lower()
        return f"{scheme}://{host}{f':{port}' if port else ''}", _object_name(tail, name)
    if scheme == "file":
        return f"file://{host}" if host else "file", _file_name(tail + name if tail else name)
    return f"{scheme}://{host}{f':{port}' if port else ''}{tail.rstrip('/')}", name


def _file_name(name: str) -> str:
    if name.startswith("file:"):
        name = "/" + unquote(name[5:]).lstrip("/")
    return re.sub(r"/{2,}", "/", name) if name.startswith("/") else name


def _object_name(tail: str, name: str) -> str:
    joined = f"{tail.strip('/')}/{name.lstrip('/')}" if tail.strip("/") else name.lstrip("/")
    return joined or "/"
