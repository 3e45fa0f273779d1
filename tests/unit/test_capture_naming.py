"""Names of datasets: what users write becomes OpenLineage's namespace and name, and never a credential."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage import naming
from lineage.datasets import Dataset, Model, coerce
from lineage.naming_rules import RULES, Family

# (what a user writes, namespace, name, version)
LOCATIONS: list[tuple[str, str, str, str | None]] = [
    # files
    ("/data/raw.csv", "file", "/data/raw.csv", None),
    ("/data//raw/../raw.csv", "file", "/data/raw.csv", None),
    ("/data/folder/", "file", "/data/folder", None),
    ("file:///data/raw%20users.csv", "file", "/data/raw users.csv", None),
    ("file:/data/raw.csv", "file", "/data/raw.csv", None),
    ("file://localhost/data/raw.csv", "file", "/data/raw.csv", None),
    ("file://nas/data/raw.csv", "file://nas", "/data/raw.csv", None),
    # object stores
    ("s3://bucket/raw/users.csv", "s3://bucket", "raw/users.csv", None),
    ("s3a://bucket/raw/users.csv", "s3://bucket", "raw/users.csv", None),
    ("s3n://bucket//raw/users.csv", "s3://bucket", "raw/users.csv", None),
    ("S3://bucket/raw/", "s3://bucket", "raw", None),
    ("s3://bucket", "s3://bucket", "/", None),
    ("s3://bucket/a?versionId=3sL4k", "s3://bucket", "a", "3sL4k"),
    ("s3://bucket/a@b/c.csv", "s3://bucket", "a@b/c.csv", None),
    ("s3://AKIAIOSFODNN7EXAMPLE:wJalr/XUtn@bucket/key", "s3://bucket", "key", None),
    ("gs://bucket/a/b", "gs://bucket", "a/b", None),
    ("gcs://bucket/a/b", "gs://bucket", "a/b", None),
    ("gs://bucket/a#1700000000000", "gs://bucket", "a", "1700000000000"),
    (
        "abfss://box@account.dfs.core.windows.net/a/b",
        "abfss://box@account.dfs.core.windows.net",
        "a/b",
        None,
    ),
    (
        "abfs://box@account.dfs.core.windows.net/a/b",
        "abfss://box@account.dfs.core.windows.net",
        "a/b",
        None,
    ),
    ("filecache::s3://bucket/a.csv", "s3://bucket", "a.csv", None),
    ("zip://in.csv::gcs://bucket/a.zip", "gs://bucket", "a.zip", None),
    ("https://bucket.s3.eu-west-1.amazonaws.com/a/b.csv?X-Amz-Signature=abc", "s3://bucket", "a/b.csv", None),
    ("https://s3.amazonaws.com/bucket/a/b.csv", "s3://bucket", "a/b.csv", None),
    ("https://storage.googleapis.com/bucket/a/b.csv", "gs://bucket", "a/b.csv", None),
    (
        "https://account.blob.core.windows.net/box/a.csv?sv=2024&sig=abc",
        "wasbs://box@account.blob.core.windows.net",
        "a.csv",
        None,
    ),
    # other file systems and the web
    ("hdfs://node/user/a", "hdfs://node:8020", "/user/a", None),
    ("hdfs:/user/a", "hdfs", "/user/a", None),
    ("dbfs:/mnt/a", "dbfs", "/mnt/a", None),
    ("sftp://user:secret@host:22/in/a.csv", "sftp://host", "/in/a.csv", None),
    ("https://user:secret@example.org:443/a.csv", "https://example.org", "/a.csv", None),
    ("https://example.org/a?b=2&a=1", "https://example.org", "/a?a=1&b=2", None),
    # Hugging Face
    ("hf://datasets/org/name", "hf://datasets", "org/name", None),
    ("hf://datasets/org/name@abc123/train.parquet", "hf://datasets", "org/name/train.parquet", "abc123"),
    ("hf://datasets/org/name@refs%2Fconvert%2Fparquet/a", "hf://datasets", "org/name/a", "refs/convert/parquet"),
    ("hf://org/model@main", "hf://models", "org/model", "main"),
    (
        "https://huggingface.co/datasets/org/name/resolve/main/a.csv",
        "hf://datasets",
        "org/name/a.csv",
        "main",
    ),
    # streams
    ("kafka://broker/topic", "kafka://broker:9092", "topic", None),
    ("kafka://one:9092,two:9092/topic", "kafka://one:9092", "topic", None),
    # a table's own URI
    ("postgres://host/db.public.users", "postgres://host:5432", "db.public.users", None),
    ("postgresql+psycopg2://user:pass@HOST:5432/db.public.users", "postgres://host:5432", "db.public.users", None),
    ("bigquery://project/dataset.table", "bigquery", "project.dataset.table", None),
    # a database in a file, without a table, is the file
    ("sqlite:////data/app.db", "file", "/data/app.db", None),
    ("duckdb:////data/app.duckdb", "file", "/data/app.duckdb", None),
]

# (namespace or connection, name, namespace kept, name kept)
PAIRS: list[tuple[str, str, str, str]] = [
    ("postgres://host:5432", "db.public.users", "postgres://host:5432", "db.public.users"),
    ("postgresql://user:pa/ss@w@host/db", "public.users", "postgres://host:5432", "db.public.users"),
    (
        "postgresql+asyncpg://u:p@host/db?sslmode=require&password=x",
        "public.users",
        "postgres://host:5432",
        "db.public.users",
    ),
    ("postgres://host:5432/db", 'db."public"."users"', "postgres://host:5432", "db.public.users"),
    ("jdbc:postgresql://host/db?user=u&password=p", "public.users", "postgres://host:5432", "db.public.users"),
    ("mysql+pymysql://u:p@host/shop", "orders", "mysql://host:3306", "shop.orders"),
    ("mariadb://host:3307", "shop.orders", "mysql://host:3307", "shop.orders"),
    ("mysql://host", "`shop`.`orders`", "mysql://host:3306", "shop.orders"),
    ("mssql+pyodbc://u:p@host/db?driver=x", "dbo.t", "mssql://host:1433", "db.dbo.t"),
    ("jdbc:sqlserver://host:1433;databaseName=db;user=u;password=p", "[dbo].[t]", "mssql://host:1433", "db.dbo.t"),
    ("jdbc:oracle:thin:scott/tiger@host:1521/XE", "hr.emp", "oracle://host:1521", "XE.hr.emp"),
    ("snowflake://u:p@org-acct/DB/PUBLIC?warehouse=w&role=r", "USERS", "snowflake://org-acct", "DB.PUBLIC.USERS"),
    ("snowflake://xy12345", "DB.S.T", "snowflake://xy12345.us-west-1.aws", "DB.S.T"),
    ("snowflake://xy12345.eu-central-1", "DB.S.T", "snowflake://xy12345.eu-central-1.aws", "DB.S.T"),
    (
        "redshift://cl.abc123.eu-west-1.redshift.amazonaws.com:5439/dev",
        "public.t",
        "redshift://cl.eu-west-1:5439",
        "dev.public.t",
    ),
    ("trino://user@host:8080/hive", "web.clicks", "trino://host:8080", "hive.web.clicks"),
    ("bigquery", "project:dataset.table", "bigquery", "project.dataset.table"),
    ("bigquery://project/dataset", "table", "bigquery", "project.dataset.table"),
    ("bigquery", "`project`.dataset.table", "bigquery", "project.dataset.table"),
    (
        "databricks://token:dapi0@host?http_path=x&catalog=main&schema=web",
        "clicks",
        "databricks://host",
        "main.web.clicks",
    ),
    (
        "awsathena+rest://k:s@athena.eu-west-1.amazonaws.com:443/db",
        "t",
        "awsathena://athena.eu-west-1.amazonaws.com",
        "AwsDataCatalog.db.t",
    ),
    ("sqlite:////data/app.db", "users", "sqlite:///data/app.db", "main.users"),
    ("duckdb:////data/app.duckdb", "users", "duckdb:///data/app.duckdb", "app.main.users"),
    ("duckdb://sample.duckdb", "sample.main.orders", "duckdb://sample.duckdb", "sample.main.orders"),
    ("mongodb+srv://u:p@host/shop", "orders", "mongodb://host:27017", "shop.orders"),
    ("s3a://bucket/prefix", "/key", "s3://bucket", "prefix/key"),
    ("s3://bucket", "s3a://bucket/key", "s3://bucket", "key"),
    ("file", "data/x.csv", "file", "/data/x.csv"),
    ("file://", "/data//x.csv", "file", "/data/x.csv"),
    ("file:", "file:/data/x.csv", "file", "/data/x.csv"),
    ("kafka://broker", "topic", "kafka://broker:9092", "topic"),
    ("memory", "train[0]", "memory", "train[0]"),
    ("models", "churn", "models", "churn"),
    (" my-namespace ", " my name ", "my-namespace", "my name"),
    ("arn:aws:glue:eu-west-1:123456789012", "table/db/t", "arn:aws:glue:eu-west-1:123456789012", "table/db/t"),
]


@pytest.mark.parametrize(("written", "namespace", "name", "version"), LOCATIONS)
def test_a_location_gets_the_names_of_the_specification(
    written: str, namespace: str, name: str, version: str | None
) -> None:
    found = Dataset(written)
    assert (found.namespace, found.name, found.version) == (namespace, name, version)


@pytest.mark.parametrize(("written", "name", "namespace", "kept"), PAIRS)
def test_a_pair_keeps_one_spelling(written: str, name: str, namespace: str, kept: str) -> None:
    found = Dataset(written, name)
    assert (found.namespace, found.name) == (namespace, kept)


@pytest.mark.parametrize("pair", [(f.namespace, f.name) for f in (Dataset(row[0]) for row in LOCATIONS)])
def test_names_found_in_locations_are_settled(pair: tuple[str, str]) -> None:
    assert naming.normalise(*pair) == pair


@pytest.mark.parametrize("row", PAIRS, ids=lambda row: row[0])
def test_normalising_twice_changes_nothing(row: tuple[str, str, str, str]) -> None:
    assert naming.normalise(row[2], row[3]) == (row[2], row[3])


@given(
    st.sampled_from([scheme for rule in RULES for scheme in (rule.scheme, *rule.aliases)]),
    st.from_regex(r"[a-z][a-z0-9-]{0,10}(\.[a-z]{2,5})?(:[1-9][0-9]{1,4})?", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9_]{1,8}(\.[A-Za-z0-9_]{1,8}){0,3}", fullmatch=True),
)
def test_normalise_is_idempotent_for_every_scheme(scheme: str, authority: str, name: str) -> None:
    once = naming.normalise(f"{scheme}://{authority}", name)
    assert naming.normalise(*once) == once


@given(
    st.sampled_from([r for r in RULES if r.family in (Family.TABLE, Family.PATH, Family.TOPIC)]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\"), min_size=4, max_size=20),
)
def test_a_password_of_any_characters_never_reaches_a_name(rule: Any, password: str) -> None:
    secret = f"Zq{password}qZ"
    found = Dataset(f"{rule.scheme}://user:{secret}@host/a.b.c", "d.e.f")
    assert "Zq" not in found.namespace + found.name
    assert "qZ" not in found.namespace + found.name


@given(st.text(max_size=60))
def test_any_text_is_a_dataset_or_a_value_error(text: str) -> None:
    try:
        found = Dataset(text)
    except ValueError:
        return
    assert found.namespace
    assert found.name


def test_relative_paths_stand_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    expected = Dataset(tmp_path / "a.csv")
    assert Dataset("a.csv") == Dataset(Path("a.csv")) == Dataset("./b/../a.csv") == expected
    assert expected.name == str(tmp_path / "a.csv")
    assert Dataset(PurePosixPath("a.csv")) == expected


def test_the_home_folder_is_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    assert Dataset("~/a.csv").name == "/home/ana/a.csv"


def test_a_deleted_current_folder_still_gives_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.setenv("PWD", str(gone))
    before = os.getcwd()
    os.chdir(gone)
    gone.rmdir()
    try:
        assert Dataset("a.csv").name == str(gone / "a.csv")
    finally:
        os.chdir(before)


@pytest.mark.parametrize("location", ["postgres://host:5432/db", "mysql://host/shop", "snowflake://acct-x"])
def test_a_database_without_a_table_says_what_to_write(location: str) -> None:
    with pytest.raises(ValueError, match=r"name the table too, Dataset\("):
        Dataset(location)


@pytest.mark.parametrize("wrong", [None, 3, object(), {"a": 1}])
def test_what_names_no_place_is_refused_with_a_hint(wrong: Any) -> None:
    with pytest.raises(TypeError, match="names no place: pass a path"):
        coerce(wrong)


@pytest.mark.parametrize("empty", ["", "\0x"])
def test_empty_locations_are_refused(empty: str) -> None:
    with pytest.raises(ValueError, match="needs a location"):
        Dataset(empty)


def test_a_dataset_is_an_immutable_value() -> None:
    one = Dataset("s3://b/k", version=3, schema={"a": "int"}, description="raw")
    assert one == Dataset("s3a://b/k", version="3")
    assert len({one, Dataset("s3://b/k", version="3"), Dataset("s3://b/k")}) == 2
    with pytest.raises(AttributeError, match="does not change"):
        one.name = "other"
    with pytest.raises(AttributeError, match="stays"):
        del one.name
    for copied in (pickle.loads(pickle.dumps(one)), copy.deepcopy(one)):
        assert copied == one
        assert (copied.schema, copied.description, copied.type) == (one.schema, "raw", "FILE")
    assert one.schema == ({"name": "a", "type": "int"},)


def test_types_follow_from_the_place() -> None:
    kinds = {
        "/a": "FILE",
        "s3://b/a": "FILE",
        "kafka://b/t": "TOPIC",
        "postgres://h/a.b.c": "TABLE",
        "hf://o/m": "MODEL",
    }
    assert {location: Dataset(location).type for location in kinds} == kinds
    assert Dataset("postgres://h:1", "a.b.c").type == "TABLE"
    assert Dataset("my-namespace", "x").type is None
    assert Dataset("s3://b/m.pkl", type="MODEL").is_model


def test_a_model_is_a_dataset() -> None:
    model = Model("churn", 7)
    assert (model.namespace, model.name, model.version, model.type) == ("models", "churn", "7", "MODEL")
    assert coerce(model) is model
    assert pickle.loads(pickle.dumps(model)) == model
    assert repr(model) == "Model('churn', '7')"
    with pytest.raises(ValueError, match="needs a name"):
        Model("  ")


def test_three_slashes_before_a_database_file_mean_the_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    near = str(tmp_path / "data" / "app.db")
    assert Dataset("sqlite:///data/app.db", "users").namespace == f"sqlite://{near}", "SQLAlchemy's relative path"
    assert Dataset("sqlite:///app.db").name == str(tmp_path / "app.db")
    assert Dataset(f"sqlite://{near}", "users").namespace == f"sqlite://{near}"
    assert Dataset(f"duckdb:///{near}", "users").namespace == f"duckdb://{near}"
    assert Dataset("sqlite://", "users").namespace == "sqlite://:memory:"


def test_a_sqlalchemy_engine_names_its_database_without_its_password() -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy", reason="part of the [server] extra")
    engine = sqlalchemy.create_engine("sqlite:////data/app.db")
    assert (Dataset(engine, "users").namespace, Dataset(engine, "users").name) == (
        "sqlite:///data/app.db",
        "main.users",
    )
    url = sqlalchemy.engine.make_url("postgresql://ana:hunter2@host/db")
    assert repr(Dataset(url, "public.users")) == "Dataset('postgres://host:5432', 'db.public.users')"


def test_the_names_of_openlineages_own_classes_are_kept() -> None:
    from openlineage.client.naming import dataset as names

    given_names = [
        names.Postgres("host", "5432", "db", "public", "users"),
        names.MySQL("host", "3306", "shop", "orders"),
        names.Snowflake("org", "acct", "DB", "PUBLIC", "T"),
        names.BigQuery("project", "dataset", "table"),
        names.Redshift("cl", "eu-west-1", "5439", "dev", "public", "t"),
        names.Trino("host", "8080", "hive", "web", "clicks"),
        names.Hive("host", "10000", "db", "t"),
        names.Oracle("host", "1521", "XE", "hr", "emp"),
        names.DB2("host", "50000", "db", "s", "t"),
        names.Teradata("host", "1025", "db", "t"),
        names.Cassandra("host", "9042", "ks", "t"),
        names.S3("bucket", "a/b.csv"),
        names.GCS("bucket", "a/b.csv"),
        names.ABFSS("box", "account", "a/b.csv"),
        names.HDFS("node", "8020", "/a/b"),
        names.Kafka("broker", "9092", "topic"),
        names.LocalFileSystem("/a/b.csv"),
        names.RemoteFileSystem("host", "/a/b.csv"),
        names.AWSGlue("eu-west-1", "123456789012", "db", "t"),
        names.Athena("eu-west-1", "AwsDataCatalog", "db", "t"),
    ]
    pairs = [(each.get_namespace(), each.get_name()) for each in given_names]
    assert [naming.normalise(*pair) for pair in pairs] == pairs
