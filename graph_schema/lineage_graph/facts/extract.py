"""From one document to its facts: the three kinds of OpenLineage event and the server's own records."""

from __future__ import annotations

from typing import Any

from lineage_graph import identity
from lineage_graph.event import event_time, facet_of, is_text, parse_event, stated_version
from lineage_graph.facts.datasets import (
    column_facts,
    dataset_facts,
    entry_lineage,
    mention,
    plain_member,
    stated_lineage,
)
from lineage_graph.facts.row import Fact
from lineage_graph.facts.runs import job_facts, run_facts
from lineage_graph.model import NodeKind
from lineage_graph.names import normalise


def facts_of(event: dict[str, Any]) -> list[Fact]:
    """All facts of one OpenLineage document; pure.

    Raises:
        EventRefused: the document cannot be placed (see `lineage_graph.event`).
    """
    parse_event(event)
    return facts_of_placed(event)


def facts_of_placed(event: dict[str, Any]) -> list[Fact]:
    """The same of a document that was found to have its place, as every journalled one was."""
    at, zoned = event_time(event["eventTime"])
    if event.get("run") is None and event.get("job") is None:
        return _dataset_event(event["dataset"], at)
    job = (event["job"]["namespace"], event["job"]["name"])
    found = job_facts(event["job"], at)
    if event.get("run") is None:
        return found + _job_event(event, job, at)
    run = identity.run(job[0], event["run"]["runId"])
    found += run_facts(event, run, job, at, zoned)
    stated = entry_lineage(event["job"])
    for member in event.get("inputs") or ():
        found += _input(member, run, job, at)
    for member in event.get("outputs") or ():
        found += _output(member, run, job, at, stated)
    return found


def _input(member: dict[str, Any], run: bytes, job: tuple[str, str], at: int) -> list[Fact]:
    plain = plain_member(member)
    if plain is not None:
        facts, said = plain
        return [*facts, Fact(NodeKind.RUN, run, "input", said, None, facts[0].subject)]
    found = dataset_facts(member, at)
    value = mention(member, "inputFacets", found)
    passed = facet_of(member, "weftline_passed", "inputFacets") if member.get("inputFacets") else None
    if passed is not None:
        origin, origin_job = passed.get("run"), passed.get("job")
        if isinstance(origin, dict) and is_text(origin.get("runId")) and isinstance(origin_job, dict):
            value["pass"] = [
                str(origin_job.get("namespace", job[0])),
                origin["runId"],
                str(passed.get("argument", "")),
                passed.get("changed") is True,
            ]
    found += _checks_on(member, run, value)
    found.append(Fact(NodeKind.RUN, run, "input", value, None, found[0].subject))
    return found


def _output(
    member: dict[str, Any],
    run: bytes,
    job: tuple[str, str],
    at: int,
    stated: dict[tuple[str, str], list[dict[str, Any]]],
) -> list[Fact]:
    plain = plain_member(member) if not stated else None
    if plain is not None:
        facts, said = plain
        return [*facts, Fact(NodeKind.RUN, run, "output", said, None, facts[0].subject)]
    found = dataset_facts(member, at)
    value = mention(member, "outputFacets", found)
    sources = stated_lineage(member)
    if sources is None:
        sources = stated.get((value["ns"], value["n"]))
    if sources is not None:
        value["from"] = sources
        for source in sources:
            subject = identity.dataset(source["ns"], source["n"])
            found.append(Fact(NodeKind.DATASET, subject, "dataset", source))
    found += column_facts(member, job)
    predictions = facet_of(member, "weftline_predictions")
    if predictions is not None and isinstance(predictions.get("model"), dict):
        value["predicted_by"] = predictions["model"]
    found.append(Fact(NodeKind.RUN, run, "output", value, None, found[0].subject))
    return found


def _checks_on(member: dict[str, Any], run: bytes, value: dict[str, Any]) -> list[Fact]:
    """Data-quality assertions an input carries become checks of the run on that dataset."""
    found: list[Fact] = []
    for group in ("inputFacets", "facets"):
        facet = facet_of(member, "dataQualityAssertions", group) if member.get(group) else None
        if facet is None or not isinstance(facet.get("assertions"), list):
            continue
        for assertion in facet["assertions"]:
            if isinstance(assertion, dict) and isinstance(assertion.get("success"), bool):
                check: dict[str, Any] = {k: v for k, v in assertion.items() if isinstance(v, str | bool)}
                check["subject"] = {k: value[k] for k in ("ns", "n", "s", "v") if k in value}
                found.append(Fact(NodeKind.RUN, run, "check", check))
        break
    return found


def _job_event(event: dict[str, Any], job: tuple[str, str], at: int) -> list[Fact]:
    """Declared lineage of a job: its datasets exist, its inputs and outputs are kept by event time."""
    found: list[Fact] = []
    sides: dict[str, list[list[str]]] = {}
    for side in ("inputs", "outputs"):
        names = set()
        for member in event.get(side) or ():
            found += dataset_facts(member, at)
            if side == "outputs":
                found += column_facts(member, job)
            names.add(normalise(member["namespace"], member["name"]))
        sides[side] = [list(name) for name in sorted(names)]
    if sides["inputs"] or sides["outputs"]:
        found.append(Fact(NodeKind.JOB, identity.job(*job), "io", sides, at))
    return found


def _dataset_event(member: dict[str, Any], at: int) -> list[Fact]:
    """A dataset's own statement: its facets, and a version when it names one."""
    found = dataset_facts(member, at)
    value = mention(member, "facets", found)
    version = stated_version(member)
    if version is not None:
        found.append(Fact(NodeKind.DATASET, found[0].subject, "version", value, at))
    elif "schema" in value:
        found.append(Fact(NodeKind.DATASET, found[0].subject, "facet:schema", {"schema": value["schema"]}, at))
    return found


def model_number_facts(record: dict[str, Any]) -> list[Fact]:
    """The facts of the server's own `model_version` record: which number a registered version was given."""
    model, version = record["model"], record["version"]
    subject = identity.dataset(model["namespace"], model["name"])
    value = {
        "number": record["number"], "s": version["scheme"], "v": version["value"],
        "tags": record.get("tags") or {}, "ns": model["namespace"], "n": model["name"],
    }  # fmt: skip
    return [Fact(NodeKind.DATASET, subject, "number", value, record["registered"])]
