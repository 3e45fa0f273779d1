"""The members that answers share: times, nodes, edges, runs, and what an answer does not know.

Owns how rows of the graph become JSON, once for every route. Does not query anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lineage_graph.model import Basis, Edge, Node, NodeKind

_TIMES = frozenset({"time", "started_at", "ended_at", "dropped_at"})
_RUN_ID = "run_ij2xgzlgmv4gk3tumvzxi33pmq"
_VERSION_ID = "dv_mfrggzdfmztwq2lkmnwg23tpob"


def rfc3339(microseconds: int | None) -> str | None:
    """UTC microseconds since the epoch as RFC 3339 with microseconds."""
    if microseconds is None:
        return None
    seconds, rest = divmod(microseconds, 1_000_000)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


class Unresolved(BaseModel):
    """A name that a run used and nobody could bind to a version."""

    namespace: str = Field(examples=["s3://lake"])
    name: str = Field(examples=["raw/users.csv"])


class GapItem(BaseModel):
    """Records of one client that are known to be lost."""

    client: str = Field(examples=["0b7c0a52-5d3e-4a0c-9d4e-0d5b6f0f7a11"])
    first: int = Field(examples=[17])
    last: int = Field(examples=[19])
    count: int = Field(examples=[3])
    reason: str = Field(examples=["spool_full"])


class SilentTask(BaseModel):
    """A run without any input or output: what it read or wrote is unknown."""

    run: str = Field(description="Node id of the run.", examples=[_RUN_ID])
    job: str = Field(examples=["nightly.notify"])


class Completeness(BaseModel):
    """What an answer does not know; an empty one still says so."""

    truncated: bool = Field(
        default=False, description="Limits cut the answer; `next_cursor` continues it where there is one."
    )
    truncated_by: str | None = Field(default=None, description="depth, nodes, rows, edges or time.", examples=[None])
    ambiguous: bool = Field(default=False, description="A version has several generations and none could be chosen.")
    inferred: bool = Field(
        default=False, description="Some input carried no version; the latest at its time was taken."
    )
    unresolved: list[Unresolved] = Field(default_factory=list)
    gaps: list[GapItem] = Field(default_factory=list)
    silent_tasks: list[SilentTask] = Field(default_factory=list)


class TypedText(BaseModel):
    """A value as it was logged: the name of its type and its exact text."""

    type: str = Field(examples=["float"])
    text: str = Field(examples=["0.941"])


class JobName(BaseModel):
    """A job by name."""

    namespace: str = Field(examples=["default"])
    name: str = Field(examples=["diagnosis.train"])


class RunItem(BaseModel):
    """One run."""

    id: str = Field(description="Node id.", examples=[_RUN_ID])
    run_id: str = Field(examples=["0196c0de-5a10-7b62-9f3c-77aa5d414be1"])
    job: JobName
    state: str = Field(examples=["COMPLETE"])
    started_at: str | None = Field(examples=["2026-05-11T08:30:00.000000Z"])
    ended_at: str | None = Field(examples=["2026-05-11T08:30:41.250000Z"])
    parent: str | None = Field(description="Node id of the run this one is part of.", examples=[None])
    attributes: dict[str, TypedText]
    completeness: Completeness


class NodeItem(BaseModel):
    """A node of the graph; `props` differ by kind."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(examples=[_VERSION_ID])
    kind: NodeKind
    namespace: str | None = Field(examples=["s3://lake"])
    name: str | None = Field(examples=["raw/users.csv"])
    basis: Basis = Basis.OBSERVED
    props: dict[str, Any]


class EdgeItem(BaseModel):
    """An edge from effect to cause."""

    src: str = Field(examples=[_VERSION_ID])
    type: str = Field(examples=["GENERATED_BY"])
    dst: str = Field(examples=[_RUN_ID])
    via: str = Field(default="", description="Node id of the run whose statement this is, where two could make it.")
    generation: str = Field(default="", description="Node id of the run whose generation of `dst` is meant.")
    explicit: bool = Field(
        default=False, description="On GENERATED_BY: DERIVED_FROM edges say more than the run's inputs."
    )
    precision: str | None = Field(
        default=None, description="On DERIVED_FROM and handed-over USED: how well it is known."
    )
    basis: Basis = Basis.OBSERVED
    changed: bool = Field(
        default=False, description="The value was changed between the task that made it and the one that took it."
    )
    valid_from: str | None = None
    valid_to: str | None = None
    props: dict[str, Any] = Field(default_factory=dict)


def node_item(node: Node) -> NodeItem:
    """A node as answers show it: times as text."""
    props = {key: rfc3339(value) if key in _TIMES else value for key, value in node.props.items()}
    return NodeItem(
        id=node.id,
        kind=node.kind,
        namespace=props.pop("namespace", None),
        name=props.pop("name", None),
        basis=Basis.INFERRED if props.get("scheme") == "unversioned" else Basis.OBSERVED,
        props=props,
    )


def edge_item(edge: Edge) -> EdgeItem:
    """An edge as answers show it."""
    return EdgeItem(
        src=edge.key.src,
        type=edge.key.type.value,
        dst=edge.key.dst,
        via=edge.key.via,
        generation=edge.generation,
        explicit=edge.explicit,
        precision=edge.precision or None,
        basis=edge.basis,
        changed=edge.props.get("changed") is True,
        valid_from=rfc3339(edge.valid_from),
        valid_to=rfc3339(edge.valid_to),
        props=dict(edge.props),
    )


def run_item(node: Node, completeness: Completeness) -> RunItem:
    """A Run node as lists and items show it."""
    props: Mapping[str, Any] = node.props
    return RunItem(
        id=node.id,
        run_id=props["name"],
        job=JobName(namespace=props.get("job_namespace") or props.get("namespace") or "", name=props.get("job") or ""),
        state=props.get("state") or "UNKNOWN",
        started_at=rfc3339(props.get("started_at")),
        ended_at=rfc3339(props.get("ended_at")),
        parent=props.get("parent"),
        attributes={key: TypedText(**value) for key, value in (props.get("attributes") or {}).items()},
        completeness=completeness,
    )


def is_silent(node: Node) -> bool:
    """Whether a run touched no dataset although tasks normally do: flows and declared side effects are no tasks."""
    props = node.props
    if node.kind is not NodeKind.RUN or props.get("kind") in ("flow", "side_effect"):
        return False
    return not props.get("inputs") and not props.get("outputs")
