"""What lists and items of entities look like on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from lineage_api.answers import Completeness, EdgeItem, NodeItem, RunItem
from lineage_api.pagination import Count
from lineage_graph.model import NodeKind


class Page(BaseModel):
    """What every list carries beside its items."""

    next_cursor: str | None = Field(
        description="Ask again with it for the next page; null at the end.", examples=["kS0vX2JhN3c2NTQzMjEw"]
    )
    as_of: int = Field(description="Journal sequence number the answer stands at.", examples=[4711])
    count: Count | None = Field(default=None, description="Only with `count=true`.")


class RunPage(Page):
    """A page of runs, newest first."""

    items: list[RunItem]


class JobItem(BaseModel):
    """A job: a name that runs have."""

    id: str = Field(examples=["job_mfrggzdfmztwq2lkmnwg23tpob"])
    namespace: str = Field(examples=["default"])
    name: str = Field(examples=["diagnosis.train"])
    last_run: str | None = Field(description="Node id of its newest run.", examples=["run_ij2xgzlgmv4gk3tumvzxi33pmq"])
    last_state: str | None = Field(examples=["COMPLETE"])
    last_started_at: str | None = Field(examples=["2026-05-11T08:30:00.000000Z"])


class JobPage(Page):
    """A page of jobs."""

    items: list[JobItem]


class DatasetName(BaseModel):
    """A dataset by name."""

    namespace: str = Field(examples=["s3://lake"])
    name: str = Field(examples=["raw/users.csv"])


class DatasetItem(BaseModel):
    """A dataset: a name that versions have."""

    id: str = Field(examples=["ds_mfrggzdfmztwq2lkmnwg23tpob"])
    namespace: str = Field(examples=["s3://lake"])
    name: str = Field(examples=["raw/users.csv"])
    model: bool = Field(examples=[False])
    canonical: str = Field(
        description="Node id of the dataset this one is another name of; its own where none is.",
        examples=["ds_mfrggzdfmztwq2lkmnwg23tpob"],
    )
    aliases: list[DatasetName]
    props: dict[str, Any] = Field(description="Owner, documentation and other facets, as last stated.")


class DatasetPage(Page):
    """A page of datasets."""

    items: list[DatasetItem]


class VersionItem(BaseModel):
    """A dataset version."""

    id: str = Field(examples=["dv_mfrggzdfmztwq2lkmnwg23tpob"])
    scheme: str = Field(description="version, sha256, run or unversioned.", examples=["sha256"])
    value: str = Field(examples=["77aa5d41"])
    time: str | None = Field(examples=["2026-05-11T08:30:00.000000Z"])
    rows: int | None = Field(default=None, examples=[12_400])
    bytes: int | None = Field(default=None, examples=[1_048_576])


class DatasetDetail(DatasetItem):
    """A dataset with its newest versions."""

    versions: list[VersionItem]


class Registration(BaseModel):
    """A number the registry gave to a model version."""

    number: int = Field(examples=[7])
    version: str = Field(description="Node id of the dataset version.", examples=["dv_mfrggzdfmztwq2lkmnwg23tpob"])
    digest: str | None = Field(examples=["sha256:9f3c1b"])
    registered_at: str | None = Field(examples=["2026-05-11T08:31:00.000000Z"])
    tags: dict[str, str]


class ModelItem(BaseModel):
    """A model and its newest number."""

    id: str = Field(examples=["ds_mfrggzdfmztwq2lkmnwg23tpob"])
    namespace: str = Field(examples=["models"])
    name: str = Field(examples=["churn"])
    latest: Registration | None = Field(description="null where no version was registered.")


class ModelPage(Page):
    """A page of models."""

    items: list[ModelItem]


class ModelDetail(ModelItem):
    """A model with its registered versions, newest first."""

    versions: list[Registration]


class NamespaceItem(BaseModel):
    """A namespace and what is in it."""

    namespace: str = Field(examples=["s3://lake"])
    kinds: list[NodeKind] = Field(examples=[["Dataset"]])


class NamespacePage(Page):
    """A page of namespaces, by name."""

    items: list[NamespaceItem]


class ActorItem(BaseModel):
    """Who started runs. Erasing a subject empties it."""

    id: str = Field(examples=["act_mfrggzdfmztwq2lkmnwg23tpob"])
    issuer: str = Field(examples=["os"])
    user: str = Field(examples=["ana"])


class ActorPage(Page):
    """A page of actors."""

    items: list[ActorItem]


class RunDetail(RunItem):
    """A run with everything that touches it."""

    props: dict[str, Any]
    nodes: list[NodeItem]
    edges: list[EdgeItem]


class NodeDetail(BaseModel):
    """A node with its neighbours, at most a thousand in each direction."""

    node: NodeItem
    nodes: list[NodeItem]
    edges: list[EdgeItem]
    completeness: Completeness
    as_of: int = Field(examples=[4711])


class CapturedEvent(BaseModel):
    """One journalled event, as it left the process."""

    seq: int = Field(examples=[17])
    received: str = Field(examples=["2026-05-11T08:30:00.000000Z"])
    event: dict[str, Any] | None = Field(description="null after the record was erased.")


class Captured(BaseModel):
    """Every journalled event of a run, in order."""

    run: str = Field(examples=["run_ij2xgzlgmv4gk3tumvzxi33pmq"])
    items: list[CapturedEvent]
    truncated: bool
