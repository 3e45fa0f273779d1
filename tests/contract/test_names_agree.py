"""The graph keeps the names that the SDK gives: its own normalisation changes nothing about them."""

from __future__ import annotations

import pytest

from lineage.datasets import Dataset
from lineage_graph.names import normalise

LOCATIONS = [
    "/data/raw.csv",
    "s3a://bucket//raw/users.csv",
    "gcs://bucket/a",
    "abfs://Box@account.dfs.core.windows.net/a",
    "hdfs://node/user/a",
    "sftp://host:22/in",
    "https://example.org:443/a?b=1",
    "hf://datasets/org/name@main/a.csv",
    "kafka://broker/topic",
    "postgresql+psycopg2://u:p@HOST/db.public.users",
    "mysql://host/shop.orders",
    "mssql://host/db.dbo.t",
    "oracle://host/XE.hr.emp",
    "snowflake://xy12345/DB.S.T",
    "trino://host/hive.web.clicks",
    "clickhouse://host/db.t",
    "redshift://cl.abc.eu-west-1.redshift.amazonaws.com/dev.public.t",
    "bigquery://project/dataset.table",
    "mongodb://host/shop.orders",
]


@pytest.mark.parametrize("location", LOCATIONS)
def test_the_graph_keeps_the_sdks_names(location: str) -> None:
    found = Dataset(location)
    assert normalise(found.namespace, found.name) == (found.namespace, found.name)
