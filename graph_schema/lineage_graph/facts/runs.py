"""Facts about runs and jobs: identity, state, parents, code, environment, actor, facets, findings."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

from lineage_graph import identity
from lineage_graph.canonical import content_hash
from lineage_graph.event import EVENT_TYPES, facet_of, is_text
from lineage_graph.facts.row import Fact
from lineage_graph.model import NodeKind
from lineage_graph.names import normalise

# Run facets kept as they are, by event time.
KEPT_RUN = (
    "executionParameters", "weftline_parameters", "weftline_metrics", "tags", "errorMessage", "nominalTime",
    "processing_engine", "weftline_run", "weftline_deployments",
)  # fmt: skip

# Job facets kept as they are, by event time: the latest one counts.
KEPT_JOB = ("jobType", "documentation", "ownership", "tags", "sql", "sourceCodeLocation")

CODE_IDENTITY = ("repository", "commit", "diffDigest", "sourceDigest")
_META = frozenset({"_producer", "_schemaURL", "_deleted"})


def job_facts(job: dict[str, Any], at: int) -> list[Fact]:
    """That the job exists, and its kept facets."""
    subject = identity.job(job["namespace"], job["name"])
    found = [Fact(NodeKind.JOB, subject, "job", {"ns": job["namespace"], "n": job["name"]})]
    if job.get("facets"):
        for name in KEPT_JOB:
            facet = facet_of(job, name)
            if facet is not None:
                found.append(Fact(NodeKind.JOB, subject, f"facet:{name}", _content(facet), at))
    return found


def run_facts(event: dict[str, Any], run: bytes, job: tuple[str, str], at: int, zoned: bool) -> list[Fact]:
    """What the run member says, besides inputs and outputs."""
    run_id = event["run"]["runId"]
    found = [Fact(NodeKind.RUN, run, "run", {"ns": job[0], "job": job[1], "id": run_id})]
    event_type = (event.get("eventType") or "OTHER").upper()
    if event_type not in EVENT_TYPES:
        found.append(_finding(run, "unknown_event_type", "eventType", f"{event_type[:40]!r} is read as OTHER"))
        event_type = "OTHER"
    found.append(Fact(NodeKind.RUN, run, "state", event_type, at))
    if not zoned:
        found.append(_finding(run, "naive_time", "eventTime", "no time zone, read as UTC"))
    if not _is_uuid(run_id):
        found.append(_finding(run, "run_id_not_uuid", "run.runId", "not a UUID"))
    facets = event["run"].get("facets")
    if facets:
        if not isinstance(facets, dict):
            found.append(_finding(run, "bad_facet", "run.facets", "not an object, ignored"))
        else:
            found += _run_facets(event, run, job, at)
    found += _code(event, run)
    return found


def _run_facets(event: dict[str, Any], run: bytes, job: tuple[str, str], at: int) -> list[Fact]:
    owner = event["run"]
    found: list[Fact] = []
    for name, facet in owner["facets"].items():
        if not isinstance(facet, dict):
            found.append(_finding(run, "bad_facet", f"run.facets.{name[:80]}", "not an object, ignored"))
    for name in KEPT_RUN:
        facet = facet_of(owner, name)
        if facet is not None:
            found.append(Fact(NodeKind.RUN, run, f"facet:{name}", _content(facet), at))
    parent = facet_of(owner, "parent")
    if parent is not None:
        found += _parents(parent, run, job)
    found += _dependencies(owner, run)
    environment = facet_of(owner, "weftline_environment")
    if environment is not None and is_text(environment.get("digest")):
        digest = environment["digest"]
        found.append(Fact(NodeKind.RUN, run, "env", digest))
        subject = identity.ident(NodeKind.ENVIRONMENT, digest)
        if len(_content(environment)) > 1:
            found.append(Fact(NodeKind.ENVIRONMENT, subject, "content", _content(environment)))
        else:
            found.append(Fact(NodeKind.ENVIRONMENT, subject, "digest", digest))
    actor = facet_of(owner, "weftline_actor")
    if actor is not None and is_text(actor.get("issuer")) and is_text(actor.get("user")):
        found += _actor(actor, run)
    deployments = facet_of(owner, "weftline_deployments")
    if deployments is not None and isinstance(deployments.get("deployments"), list):
        for deployment in deployments["deployments"]:
            model = deployed_model(deployment)
            if model is not None:
                found.append(Fact(NodeKind.DATASET, model.dataset, "dataset", {"ns": model.namespace, "n": model.name}))
    checks = facet_of(owner, "weftline_checks")
    if checks is not None and isinstance(checks.get("checks"), list):
        found += _checks(checks["checks"], run)
    return found


def _parents(parent: dict[str, Any], run: bytes, job: tuple[str, str]) -> list[Fact]:
    """`parent` and `root` facts; a parent that never sends an event of its own still exists by them."""
    found: list[Fact] = []
    for predicate, member in (("parent", parent), ("root", parent.get("root"))):
        named = _named_run(member)
        if named is None:
            if member is not None:
                found.append(
                    _finding(run, "bad_facet", f"run.facets.parent ({predicate})", "names no run and job, ignored")
                )
            continue
        subject = identity.run(named["ns"], named["id"])
        if subject == run:
            if predicate == "parent":
                found.append(
                    _finding(run, "own_parent", "run.facets.parent", "a run cannot be part of itself, ignored")
                )
            continue
        found.append(Fact(NodeKind.RUN, run, predicate, named, None, subject))
        found.append(Fact(NodeKind.RUN, subject, "run", named))
        found.append(
            Fact(NodeKind.JOB, identity.job(named["ns"], named["job"]), "job", {"ns": named["ns"], "n": named["job"]})
        )
    return found


def _dependencies(owner: dict[str, Any], run: bytes) -> list[Fact]:
    """Runs of other jobs that triggered this one, from `jobDependencies.upstream`."""
    facet = facet_of(owner, "jobDependencies")
    upstream = facet.get("upstream") if facet is not None else None
    found: list[Fact] = []
    for dependency in upstream if isinstance(upstream, list) else ():
        named = _named_run(dependency)
        if named is not None:
            subject = identity.run(named["ns"], named["id"])
            found.append(Fact(NodeKind.RUN, run, "trigger", named, None, subject))
            found.append(Fact(NodeKind.RUN, subject, "run", named))
    return found


def _named_run(member: Any) -> dict[str, str] | None:
    if not isinstance(member, dict):
        return None
    run, job = member.get("run"), member.get("job")
    if not (isinstance(run, dict) and isinstance(job, dict) and is_text(run.get("runId"))):
        return None
    if not (is_text(job.get("namespace")) and is_text(job.get("name"))):
        return None
    return {"ns": job["namespace"], "job": job["name"], "id": run["runId"]}


def _actor(actor: dict[str, Any], run: bytes) -> list[Fact]:
    subject = identity.ident(NodeKind.ACTOR, actor["issuer"], actor["user"])
    content = {"issuer": actor["issuer"], "user": actor["user"]}
    found = [Fact(NodeKind.ACTOR, subject, "content", content), Fact(NodeKind.RUN, run, "actor", content)]
    if is_text(actor.get("host")):
        found.append(Fact(NodeKind.RUN, run, "host", actor["host"]))
    return found


def _checks(checks: list[Any], run: bytes) -> list[Fact]:
    found = []
    for check in checks:
        if isinstance(check, dict) and is_text(check.get("name")) and isinstance(check.get("success"), bool):
            value: dict[str, Any] = {k: v for k, v in check.items() if isinstance(v, str | bool | int | float)}
            subject = check.get("subject")
            if isinstance(subject, dict) and is_text(subject.get("namespace")) and is_text(subject.get("name")):
                value["subject"] = {"ns": subject["namespace"], "n": subject["name"]}
            found.append(Fact(NodeKind.RUN, run, "check", value))
    return found


def _code(event: dict[str, Any], run: bytes) -> list[Fact]:
    """The run's code version: our facet, else the standard source code location of its job."""
    facet = facet_of(event["run"], "weftline_codeVersion")
    if facet is not None:
        content = _content(facet)
    else:
        location = facet_of(event["job"], "sourceCodeLocation")
        if location is None or not is_text(location.get("version")):
            return []
        content = {"source": "sourceCodeLocation", "commit": location["version"]}
        for source, target in (("repoUrl", "repository"), ("url", "url"), ("branch", "branch"), ("path", "path")):
            if is_text(location.get(source)):
                content[target] = location[source]
    key = [content[k] if is_text(content.get(k)) else "" for k in CODE_IDENTITY]
    if not any(key):
        return [
            _finding(
                run, "bad_facet", "run.facets.weftline_codeVersion", "names no commit and no source digest, ignored"
            )
        ]
    subject = identity.ident(NodeKind.CODE_VERSION, *key)
    # Which script ran is the run's: many scripts run from one commit.
    entry = content.pop("entryPoint", None)
    found = [
        Fact(NodeKind.CODE_VERSION, subject, "content", content),
        Fact(NodeKind.RUN, run, "code", {"key": key, "ours": facet is not None}, None, subject),
    ]
    if is_text(entry):
        found.append(Fact(NodeKind.RUN, run, "entry", entry))
    return found


def _content(facet: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in facet.items() if k not in _META}


def _finding(run: bytes, code: str, place: str, text: str) -> Fact:
    return Fact(NodeKind.RUN, run, "finding", {"code": code, "place": place, "text": text})


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


class DeployedModel(NamedTuple):
    """The model an item of `weftline_deployments` names; `version` is what the user wrote, "" without one."""

    dataset: bytes
    namespace: str
    name: str
    version: str


def deployed_model(deployment: Any) -> DeployedModel | None:
    """Which model was deployed, None when the item names none."""
    model = deployment.get("model") if isinstance(deployment, dict) else None
    if not isinstance(model, dict) or not (is_text(model.get("namespace")) and is_text(model.get("name"))):
        return None
    namespace, name = normalise(model["namespace"], model["name"])
    version = model.get("version")
    return DeployedModel(identity.dataset(namespace, name), namespace, name, "" if version is None else str(version))


def check_ident(run: bytes, check: dict[str, Any]) -> bytes:
    """Ident of a Check: the run that made it and its content."""
    return identity.ident(NodeKind.CHECK, run.hex(), content_hash(check).hex())
