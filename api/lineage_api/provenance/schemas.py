"""What answers about provenance look like on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from lineage_api.answers import Completeness, EdgeItem, NodeItem
from lineage_api.entities.schemas import DatasetName
from lineage_graph.model import Basis, NodeKind


class Candidate(BaseModel):
    """One thing a name may mean."""

    id: str = Field(examples=["dv_mfrggzdfmztwq2lkmnwg23tpob"])
    kind: NodeKind
    namespace: str | None = Field(examples=["s3://lake"])
    name: str = Field(examples=["raw/users.csv"])
    version: str | None = Field(description="scheme:value of a version, the job of a run.", examples=["sha256:77aa"])
    time: str | None = Field(examples=["2026-05-11T08:30:00.000000Z"])
    state: str | None = Field(examples=["COMPLETE"])
    model: bool = Field(examples=[False])
    canonical: str = Field(
        description="Node id of the dataset whose name counts; the own id where no alias says otherwise.",
        examples=["dv_mfrggzdfmztwq2lkmnwg23tpob"],
    )
    aliases: list[DatasetName]


class Candidates(BaseModel):
    """Everything a name may mean, best first."""

    candidates: list[Candidate]
    as_of: int = Field(examples=[4711])


class PlacedNode(NodeItem):
    """A node of a walk."""

    depth: int | None = Field(description="Relationship hops from the root; null for what hangs beside.", examples=[2])


class Folded(BaseModel):
    """How many edges towards causes and effects of a node the answer does not show."""

    up: int = Field(examples=[0])
    down: int = Field(examples=[3])


class AsOfAnswer(BaseModel):
    """The moment an answer is for."""

    known_at: int = Field(description="Journal sequence number.", examples=[4711])
    valid_at: str | None = Field(description="The time asked for; null for now.", examples=[None])


class Lineage(BaseModel):
    """A page of a walk."""

    root: str = Field(examples=["dv_mfrggzdfmztwq2lkmnwg23tpob"])
    roots: list[str] = Field(
        description="Where the walk started: the newest version of a dataset, the last run of a job."
    )
    nodes: list[PlacedNode]
    edges: list[EdgeItem]
    hidden: dict[str, Folded]
    completeness: Completeness
    as_of: AsOfAnswer
    next_cursor: str | None = Field(examples=[None])


class PathStep(BaseModel):
    """One edge of a path."""

    src: str = Field(examples=["dv_mfrggzdfmztwq2lkmnwg23tpob"])
    type: str = Field(examples=["GENERATED_BY"])
    dst: str = Field(examples=["run_ij2xgzlgmv4gk3tumvzxi33pmq"])
    basis: Basis
    precision: str | None = Field(examples=["passed"])


class Hit(BaseModel):
    """Something made from the root."""

    id: str = Field(examples=["dv_mfrggzdfmztwq2lkmnwg23tpob"])
    kind: NodeKind
    namespace: str | None = Field(examples=["models"])
    name: str | None = Field(examples=["churn"])
    depth: int = Field(examples=[4])
    path: list[PathStep] = Field(description="A shortest way from the root to it.")
    basis: Basis = Field(description="The weakest of its path.")
    precision: str | None = Field(description="The weakest of its path.", examples=["co-occurring"])
    props: dict[str, Any]


class ModelHit(Hit):
    """A model version made from the root."""

    numbers: list[int] = Field(examples=[[6, 7]])


class Impact(BaseModel):
    """What was made from a root."""

    root: str = Field(examples=["dv_mfrggzdfmztwq2lkmnwg23tpob"])
    roots: list[str]
    versions: list[Hit]
    models: list[ModelHit]
    deployments: list[Hit]
    runs: int = Field(description="Runs on the way.", examples=[3])
    completeness: Completeness
    as_of: AsOfAnswer
    next_cursor: str | None = Field(examples=[None])
