"""Which stores exist and how OpenLineage names what is in them, as one table of rules.

Owns the data only: schemes and their other spellings, default ports, how a table's name is built, which query
parameters hold parts of it. How a location is read against these rules is `naming`'s business.
Sources: OpenLineage's spec/Naming.md; the names that its Airflow, dbt and Spark integrations put on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Family(Enum):
    """How namespace and name are cut out of a location."""

    OBJECT = "object"  # authority is the bucket or container; a key never starts with a slash
    PATH = "path"  # authority is a server; a name is an absolute path
    TABLE = "table"  # authority is a server; a name is dotted parts
    GLOBAL = "global"  # one service for the world: the namespace is the scheme alone
    DATABASE_FILE = "database file"  # the database is a local file
    TOPIC = "topic"  # authority is one of several brokers
    HUB = "hub"  # Hugging Face: kind, owner/name, revision, file


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of store.

    Args:
        scheme: as written in namespaces.
        family: how its locations are read.
        aliases: other spellings of the scheme; `+driver` suffixes and a leading `jdbc:` are cut off before.
        port: written out when a location has none, so that both spellings are one namespace; "" = never added.
        parts: query parameters, in order, that stand in front of a table's own name when the path has no such part.
        user_is_location: what precedes `@` belongs to the name (Azure containers) and isn't a login.
        depth: parts a full table name has; 0 = not known.
        defaults: parts a shorter name is completed with, from the front; only where the store itself does the same.
    """

    scheme: str
    family: Family
    aliases: tuple[str, ...] = ()
    port: str = ""
    parts: tuple[str, ...] = ()
    user_is_location: bool = False
    depth: int = 0
    defaults: tuple[str, ...] = ()

    @property
    def dataset_type(self) -> str:
        """OpenLineage's `datasetType` of what lies there."""
        return _TYPES[self.family]


_TYPES = {
    Family.OBJECT: "FILE",
    Family.PATH: "FILE",
    Family.HUB: "FILE",
    Family.TABLE: "TABLE",
    Family.GLOBAL: "TABLE",
    Family.DATABASE_FILE: "TABLE",
    Family.TOPIC: "TOPIC",
}

RULES: tuple[Rule, ...] = (
    # files and object stores
    Rule("s3", Family.OBJECT, ("s3a", "s3n")),
    Rule("gs", Family.OBJECT, ("gcs",)),
    Rule("abfss", Family.OBJECT, ("abfs",), user_is_location=True),
    Rule("wasbs", Family.OBJECT, ("wasb",), user_is_location=True),
    Rule("adls", Family.OBJECT, ("adl",)),
    Rule("az", Family.OBJECT, ("azure",)),
    Rule("oss", Family.OBJECT),
    Rule("cos", Family.OBJECT, ("cosn",)),
    Rule("obs", Family.OBJECT),
    Rule("r2", Family.OBJECT),
    Rule("b2", Family.OBJECT),
    Rule("oci", Family.OBJECT, user_is_location=True),
    Rule("hdfs", Family.PATH, port="8020"),
    Rule("dbfs", Family.PATH),
    Rule("sftp", Family.PATH, ("ssh", "scp")),
    Rule("ftp", Family.PATH, ("ftps",)),
    Rule("smb", Family.PATH, ("cifs",)),
    Rule("http", Family.PATH),
    Rule("https", Family.PATH),
    # databases with a server
    Rule("postgres", Family.TABLE, ("postgresql", "pgsql", "psql", "postgis", "timescaledb"), "5432", depth=3),
    Rule("mysql", Family.TABLE, ("mariadb",), "3306", depth=2),
    Rule("mssql", Family.TABLE, ("sqlserver",), "1433", ("databasename", "database"), depth=3),
    Rule("oracle", Family.TABLE, (), "1521", ("service_name", "sid"), depth=3),
    Rule("redshift", Family.TABLE, (), "5439", depth=3),
    Rule("trino", Family.TABLE, (), "8080", depth=3),
    Rule("presto", Family.TABLE, ("prestodb",), "8080", depth=3),
    Rule("clickhouse", Family.TABLE, ("clickhousedb", "ch"), "8123", depth=2),
    Rule("snowflake", Family.TABLE, (), "", ("database", "db", "schema"), depth=3),
    Rule("databricks", Family.TABLE, (), "", ("catalog", "schema"), depth=3),
    Rule("hive", Family.TABLE, ("hive2",), "10000", depth=2),
    Rule("impala", Family.TABLE, (), "21050", depth=2),
    Rule("spark", Family.TABLE, ("sparksql",)),
    Rule("db2", Family.TABLE, ("ibm_db_sa",), "50000", depth=3),
    Rule("teradata", Family.TABLE, ("teradatasql",), "1025", ("database",), depth=2),
    Rule("vertica", Family.TABLE, (), "5433", depth=3),
    Rule("cockroachdb", Family.TABLE, ("cockroach",), "26257", depth=3),
    Rule("crate", Family.TABLE, ("cratedb",), "4200"),
    Rule("cassandra", Family.TABLE, (), "9042", depth=2),
    Rule("mongodb", Family.TABLE, ("mongo",), "27017", depth=2),
    Rule("dremio", Family.TABLE, (), "31010"),
    Rule("awsathena", Family.TABLE, ("athena",), "", ("catalog_name",), depth=3, defaults=("AwsDataCatalog",)),
    Rule("redis", Family.TABLE, ("rediss",), "6379"),
    Rule("elasticsearch", Family.TABLE, ("es", "opensearch"), "9200"),
    Rule("bigquery", Family.GLOBAL, ("bq",), depth=3),
    # databases in a file
    Rule("sqlite", Family.DATABASE_FILE, ("sqlite3",), depth=2, defaults=("main",)),
    Rule("duckdb", Family.DATABASE_FILE, (), depth=3),
    # streams and hubs
    Rule("kafka", Family.TOPIC, ("confluent",), "9092"),
    Rule("pulsar", Family.TOPIC, (), "6650"),
    Rule("nats", Family.TOPIC, (), "4222"),
    Rule("amqp", Family.TOPIC, ("amqps",), "5672"),
    Rule("hf", Family.HUB),
)

BY_SCHEME: dict[str, Rule] = {name: rule for rule in RULES for name in (rule.scheme, *rule.aliases)}

DROPPED_PORTS = {"http": "80", "https": "443", "sftp": "22", "ftp": "21", "snowflake": "443", "awsathena": "443"}

# What fsspec writes in front of the location that is meant: `filecache::s3://…`, `zip://member.csv::s3://…`.
WRAPPERS = "::"

VERSION_PARAMETERS = {"s3": ("versionid",), "gs": ("generation",), "abfss": ("versionid",), "wasbs": ("versionid",)}
