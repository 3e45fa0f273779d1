"""What policy checks look like on the wire."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lineage_api.answers import Completeness
from lineage_graph.model import NodeKind


class Rule(StrEnum):
    """The rules there are."""

    DIRTY_CODE = "dirty_code"
    MISSING_DIGEST = "missing_digest"
    UNKNOWN_ORIGIN = "unknown_origin"


class PolicyQuestion(BaseModel):
    """What to judge: a node, or a model version by name."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"model": "churn", "version": "7", "rules": ["dirty_code", "missing_digest"]}]},
    )

    root: str | None = Field(default=None, max_length=64, description="Node id of a version or run.")
    model: str | None = Field(default=None, max_length=2000, description="Name of a model.")
    version: str | None = Field(default=None, max_length=200, description="Its number, digest or @alias.")
    rules: list[Rule] = Field(default_factory=lambda: list(Rule), min_length=1, max_length=10)

    @model_validator(mode="after")
    def one_subject(self) -> Self:
        """Either a node or a model."""
        if (self.root is None) == (self.model is None):
            raise ValueError("give either root or model")
        return self


class Passed(BaseModel):
    """A node on the way from the subject to what a rule refuses."""

    id: str = Field(examples=["run_ij2xgzlgmv4gk3tumvzxi33pmq"])
    kind: NodeKind
    label: str = Field(examples=["run churn.train"])


class Refusal(BaseModel):
    """One reason against."""

    rule: Rule
    path: list[Passed] = Field(description="From the subject to what is refused.")
    text: str = Field(examples=["code of run churn.train is dirty"])


class Verdict(BaseModel):
    """Whether the ancestry passes."""

    root: str = Field(examples=["dv_mfrggzdfmztwq2lkmnwg23tpob"])
    allowed: bool = Field(examples=[False])
    rules: list[Rule]
    refusals: list[Refusal]
    completeness: Completeness
    as_of: int = Field(examples=[4711])
