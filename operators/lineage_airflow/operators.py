"""Operators that ask the service, or tell it, over HTTP: register a model, let it pass or not.

Unlike everything that records, these do fail their task: a gate that cannot be asked has not let anything pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.bases.branch import BaseBranchOperator
from airflow.sdk.exceptions import AirflowFailException

from lineage import facets
from lineage.datasets import Model, coerce
from lineage.digests import describe_dataset
from lineage.events import entry
from lineage.refs import ModelRef, NodeRef, parse
from lineage_airflow.hooks import DEFAULT_CONNECTION, LineageHook
from lineage_airflow.telling import addition, tell


class RegisterModelOperator(BaseOperator):
    """Register a model version, from the file, folder or address it is saved in.

    The task's value is {name, version, number}: `version` is `sha256:…` where the content could be read, else the run;
    `number` is what the model registry of the service gave it.

    Args:
        name: name the model is registered under.
        source: where it is saved: a path on the worker, or an address.
        tags: tags of the version.
        lineage_conn_id: the connection.
    """

    template_fields: Sequence[str] = ("name", "source", "tags")

    def __init__(
        self,
        *,
        name: str,
        source: str,
        tags: Mapping[str, str] | None = None,
        lineage_conn_id: str = DEFAULT_CONNECTION,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.name = name
        self.source = source
        self.tags = dict(tags or {})
        self.lineage_conn_id = lineage_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Send the registration and wait until the service has given it a number."""
        source = coerce(self.source)
        described = describe_dataset(source)
        found: dict[str, Any] = {
            "datasetType": facets.dataset_type("MODEL"),
            "weftline_modelRegistration": facets.model_registration(self.name, self.tags),
        }
        if "weftline_digest" in described.facets:
            found["weftline_digest"] = described.facets["weftline_digest"]
        version = None if described.digest is None else f"sha256:{described.digest}"
        model = Model(self.name, version)
        made = entry(model.namespace, model.name, found)
        event = addition(context, inputs=[entry(source.namespace, source.name, described.facets)], outputs=[made])
        with LineageHook(self.lineage_conn_id).get_conn() as client:
            client.send_event(event)
            numbered = client.origins(self.name, version)
        number = numbered["version"]["number"]
        self.log.info("registered %s, version %s", self.name, number or version)
        return {"name": self.name, "version": version, "number": number}


class LineageGateOperator(BaseOperator):
    """Fail, without a retry, unless the ancestry of a model passes the rules.

    Args:
        model: the model: `churn`, `churn@7`, `churn@production`, `churn@sha256:…`, or a node id.
        rules: which rules; default all that the service has.
        lineage_conn_id: the connection.
    """

    template_fields: Sequence[str] = ("model", "rules")

    def __init__(
        self,
        *,
        model: str,
        rules: Sequence[str] | None = None,
        lineage_conn_id: str = DEFAULT_CONNECTION,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.model = model
        self.rules = None if rules is None else list(rules)
        self.lineage_conn_id = lineage_conn_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Ask; the task's value is the verdict."""
        verdict = _verdict(self, context)
        if not verdict["allowed"]:
            raise AirflowFailException(f"{self.model} is refused: {_reasons(verdict)}")
        return verdict


class LineageBranchOperator(BaseBranchOperator):
    """Go one way if the ancestry of a model passes the rules, another way if not.

    Args:
        model, rules, lineage_conn_id: as for `LineageGateOperator`.
        if_allowed, if_refused: task ids to go on with.
    """

    template_fields: Sequence[str] = ("model", "rules", "if_allowed", "if_refused")

    def __init__(
        self,
        *,
        model: str,
        if_allowed: str | list[str],
        if_refused: str | list[str],
        rules: Sequence[str] | None = None,
        lineage_conn_id: str = DEFAULT_CONNECTION,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.model = model
        self.if_allowed = if_allowed
        self.if_refused = if_refused
        self.rules = None if rules is None else list(rules)
        self.lineage_conn_id = lineage_conn_id

    def choose_branch(self, context: Mapping[str, Any]) -> str | list[str]:
        """Ask, and choose."""
        verdict = _verdict(self, context)
        if not verdict["allowed"]:
            self.log.info("%s is refused: %s", self.model, _reasons(verdict))
        return self.if_allowed if verdict["allowed"] else self.if_refused


def _verdict(operator: Any, context: Mapping[str, Any]) -> dict[str, Any]:
    ref = parse(operator.model, bare_model=True)
    if not isinstance(ref, (ModelRef, NodeRef)):
        raise AirflowFailException(f"{operator.model!r} names no model")
    with LineageHook(operator.lineage_conn_id).get_conn() as client:
        verdict = client.check_policy(ref, operator.rules)
    found = [
        {"name": refusal["rule"], "success": False, "severity": "error", "actual": refusal["text"]}
        for refusal in verdict["refusals"]
    ]
    told = found or [{"name": "policy", "success": True}]
    inputs = []
    if isinstance(ref, ModelRef):
        model = Model(ref.name)
        inputs = [entry(model.namespace, model.name, {"datasetType": facets.dataset_type("MODEL")})]
    tell(context, {"weftline_checks": facets.checks(told)}, inputs)
    return verdict


def _reasons(verdict: Mapping[str, Any]) -> str:
    return "; ".join(f"{refusal['rule']}: {refusal['text']}" for refusal in verdict["refusals"])
