"""What origins look like on the wire."""

from __future__ import annotations

from pydantic import BaseModel, Field

from lineage_api.answers import Completeness, EdgeItem, NodeItem, RunItem
from lineage_api.provenance.schemas import AsOfAnswer, PathStep, PlacedNode
from lineage_graph.model import Basis


class ModelName(BaseModel):
    """A model: a dataset of type MODEL."""

    id: str = Field(examples=["ds_mfrggzdfmztwq2lkmnwg23tpob"])
    namespace: str = Field(examples=["models"])
    name: str = Field(examples=["churn"])


class RegisteredAs(BaseModel):
    """A number the registry gave to the version."""

    number: int = Field(examples=[7])
    registered_at: str | None = Field(examples=["2026-05-11T08:31:00.000000Z"])
    tags: dict[str, str]


class ModelVersionItem(BaseModel):
    """The version asked about."""

    id: str = Field(examples=["dv_mfrggzdfmztwq2lkmnwg23tpob"])
    number: int | None = Field(description="null where it was never registered.", examples=[7])
    scheme: str = Field(examples=["sha256"])
    value: str = Field(examples=["9f3c1b"])
    made_at: str | None = Field(examples=["2026-05-11T08:30:41.250000Z"])
    registrations: list[RegisteredAs]


class Source(BaseModel):
    """A dataset version that no run is known to have made."""

    id: str = Field(examples=["dv_mfrggzdfmztwq2lkmnwg23tpob"])
    namespace: str = Field(examples=["s3://lake"])
    name: str = Field(examples=["raw/users.csv"])
    scheme: str = Field(examples=["version"])
    value: str = Field(examples=["5d41402a"])
    rows: int | None = Field(examples=[120_113])
    bytes: int | None = Field(examples=[1_048_576])
    paths: list[list[PathStep]] = Field(description="A shortest way from the model to it.")
    basis: Basis = Field(description="The weakest of its path.")
    precision: str | None = Field(description="The weakest of its path.", examples=["passed"])


class Missing(BaseModel):
    """Something about the ancestry that nobody recorded."""

    subject: str = Field(description="Node id.", examples=["run_ij2xgzlgmv4gk3tumvzxi33pmq"])
    what: str = Field(examples=["seed"])
    text: str = Field(examples=["seed of run diagnosis.train: random_state not set"])


class OriginRun(RunItem):
    """A run of the ancestry with node ids of its code and environment."""

    code: str | None = Field(examples=["code_mfrggzdfmztwq2lkmnwg23tpob"])
    environment: str | None = Field(examples=["env_mfrggzdfmztwq2lkmnwg23tpob"])


class Origins(BaseModel):
    """Where a model version comes from. `nodes` and `edges` hold the tree that the lists are read from."""

    model: ModelName
    version: ModelVersionItem
    sources: list[Source]
    runs: list[OriginRun]
    code: list[NodeItem]
    environments: list[NodeItem]
    actors: list[NodeItem]
    checks: list[NodeItem]
    deployments: list[NodeItem]
    missing: list[Missing]
    nodes: list[PlacedNode]
    edges: list[EdgeItem]
    completeness: Completeness
    as_of: AsOfAnswer
