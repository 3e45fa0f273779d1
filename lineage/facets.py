"""Facets: the dictionaries that carry what the SDK records, standard ones and weftline's own.

Owns their names, schema addresses and shapes; the published schemas are in `schemas/facets/1-0-0/`. Does not know
events (`events`) nor where the values come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lineage import __version__
from lineage.typed import Typed

PRODUCER = f"https://github.com/weftline/weftline/tree/{__version__}"
EVENT_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"

Facet = dict[str, Any]

_OWN = "https://github.com/weftline/weftline/blob/main/lineage/schemas/facets/1-0-0/"
_STANDARD = "https://openlineage.io/spec/facets/"


def own_schema(definition: str) -> str:
    """Address of the schema of one of our facets, named by its definition (`MetricsRunFacet`)."""
    return f"{_OWN}{definition}.json#/$defs/{definition}"


def _own(definition: str) -> Facet:
    return {"_producer": PRODUCER, "_schemaURL": own_schema(definition)}


def _standard(version: str, definition: str, member: str | None = None) -> Facet:
    url = f"{_STANDARD}{version}/{definition}.json#/$defs/{member or definition}"
    return {"_producer": PRODUCER, "_schemaURL": url}


_RUN = _own("RunRunFacet")
_PARAMETERS = _own("ParametersRunFacet")
_METRICS = _own("MetricsRunFacet")
_CHECKS = _own("ChecksRunFacet")
_DEPLOYMENTS = _own("DeploymentsRunFacet")
_ACTOR = _own("ActorRunFacet")
_CODE_VERSION = _own("CodeVersionRunFacet")
_ENVIRONMENT = _own("EnvironmentRunFacet")
_DIGEST = _own("DigestDatasetFacet")
_REGISTRATION = _own("ModelRegistrationDatasetFacet")
_PREDICTIONS = _own("PredictionsDatasetFacet")
_PASSED = _own("PassedInputDatasetFacet")
_PARENT = _standard("1-2-0", "ParentRunFacet")
_EXECUTION_PARAMETERS = _standard("1-0-0", "ExecutionParametersRunFacet")
_ERROR = _standard("1-0-1", "ErrorMessageRunFacet")
_TAGS = _standard("1-0-0", "TagsRunFacet")
_DATASET_TYPE = _standard("1-0-1", "DatasetTypeDatasetFacet")
_VERSION = _standard("1-0-1", "DatasetVersionDatasetFacet")
_SCHEMA = _standard("1-2-0", "SchemaDatasetFacet")
_DOCUMENTATION = _standard("1-1-0", "DocumentationDatasetFacet")
_JOB_DOCUMENTATION = _standard("1-1-0", "DocumentationJobFacet")
_JOB_DEPENDENCIES = _standard("1-0-1", "JobDependenciesRunFacet")
_NOMINAL_TIME = _standard("1-0-1", "NominalTimeRunFacet")
_OUTPUT_STATISTICS = _standard("1-0-2", "OutputStatisticsOutputDatasetFacet")
_SOURCE_CODE_LOCATION = _standard("1-1-0", "SourceCodeLocationJobFacet")
_JOB_TYPE = _standard("2-0-4", "JobTypeJobFacet")


def parent(run_id: str, job: Mapping[str, str], root_id: str, root_job: Mapping[str, str]) -> Facet:
    """Standard `parent`, with the root of the whole tree."""
    root = {"run": {"runId": root_id}, "job": root_job}
    return {**_PARENT, "run": {"runId": run_id}, "job": job, "root": root}


def job_type(kind: str) -> Facet:
    """Standard job facet `jobType` of a task, flow or side effect."""
    return {**_JOB_TYPE, "processingType": "BATCH", "integration": "WEFTLINE", "jobType": kind.upper()}


def source_code_location(content: Mapping[str, Any]) -> Facet:
    """Standard job facet `sourceCodeLocation`."""
    return {**_SOURCE_CODE_LOCATION, **content}


def run(
    kind: str,
    function: str | None,
    missing: Sequence[Mapping[str, str]],
    outcome: str | None = None,
    attempt: int | None = None,
) -> Facet:
    """`weftline_run`: what sort of run this is, the function behind it, its attempt, and which evidence it lacks."""
    facet = {**_RUN, "kind": kind, "missing": list(missing)}
    if function is not None:
        facet["function"] = function
    if outcome is not None:
        facet["outcome"] = outcome
    if attempt is not None:
        facet["attempt"] = attempt
    return facet


def parameters(values: Mapping[str, Typed]) -> dict[str, Facet]:
    """Standard `executionParameters` and, beside it, the types that make their text exact."""
    return {
        "executionParameters": {
            **_EXECUTION_PARAMETERS,
            "parameters": [{"key": key, "value": value.text} for key, value in values.items()],
        },
        "weftline_parameters": {**_PARAMETERS, "types": {key: value.type for key, value in values.items()}},
    }


def metrics(items: Sequence[Mapping[str, Any]]) -> Facet:
    """`weftline_metrics`; each item has name, type, value, timestamp and perhaps slice."""
    return {**_METRICS, "metrics": list(items)}


def checks(items: Sequence[Mapping[str, Any]]) -> Facet:
    """`weftline_checks`; each item has name, success and perhaps severity, expected, actual, subject."""
    return {**_CHECKS, "checks": list(items)}


def deployments(items: Sequence[Mapping[str, Any]]) -> Facet:
    """`weftline_deployments`; each item has target, model and perhaps endpoint."""
    return {**_DEPLOYMENTS, "deployments": list(items)}


def actor(issuer: str, user: str | None, host: str | None) -> Facet:
    """`weftline_actor`: who started the root run; erasable."""
    known = {"issuer": issuer, "user": user, "host": host}
    return {**_ACTOR, **{key: value for key, value in known.items() if value}}


def code_version(content: Mapping[str, Any]) -> Facet:
    """`weftline_codeVersion`."""
    return {**_CODE_VERSION, **content}


def environment(content: Mapping[str, Any]) -> Facet:
    """`weftline_environment`; in full once per process, afterwards its digest."""
    return {**_ENVIRONMENT, **content}


def error_message(message: str, stack_trace: str | None) -> Facet:
    """Standard `errorMessage`."""
    facet = {**_ERROR, "message": message, "programmingLanguage": "PYTHON"}
    if stack_trace:
        facet["stackTrace"] = stack_trace
    return facet


def tags(values: Mapping[str, str]) -> Facet:
    """Standard run facet `tags`."""
    items = [{"key": key, "value": value, "source": "weftline"} for key, value in values.items()]
    return {**_TAGS, "tags": items}


def dataset_type(name: str) -> Facet:
    """Standard `datasetType`: FILE, TABLE, MODEL …"""
    return {**_DATASET_TYPE, "datasetType": name}


def version(value: str) -> Facet:
    """Standard `version` of a dataset."""
    return {**_VERSION, "datasetVersion": value}


def schema(fields: Sequence[Mapping[str, Any]]) -> Facet:
    """Standard `schema` of a dataset."""
    return {**_SCHEMA, "fields": list(fields)}


def documentation(description: str) -> Facet:
    """Standard `documentation` of a dataset."""
    return {**_DOCUMENTATION, "description": description}


def job_documentation(description: str) -> Facet:
    """Standard `documentation` of a job."""
    return {**_JOB_DOCUMENTATION, "description": description}


def nominal_time(start: str, end: str | None) -> Facet:
    """Standard `nominalTime`: the interval a scheduled run is for, as RFC 3339."""
    facet = {**_NOMINAL_TIME, "nominalStartTime": start}
    if end is not None:
        facet["nominalEndTime"] = end
    return facet


def job_dependencies(upstream: Sequence[Mapping[str, Any]]) -> Facet:
    """Standard `jobDependencies`: the runs that made this one start, each as {run, job}."""
    return {**_JOB_DEPENDENCIES, "upstream": list(upstream)}


def digest(content: Mapping[str, Any]) -> Facet:
    """`weftline_digest`: the content's fingerprint; identifies a version only where `exact`."""
    return {**_DIGEST, **content}


def output_statistics(rows: int | None, size: int | None) -> Facet:
    """Standard output facet `outputStatistics`."""
    known = {"rowCount": rows, "size": size}
    return {**_OUTPUT_STATISTICS, **{key: value for key, value in known.items() if value is not None}}


def model_registration(name: str, tags: Mapping[str, str]) -> Facet:
    """`weftline_modelRegistration`: asks the model registry for a version number."""
    return {**_REGISTRATION, "name": name, "tags": dict(tags)}


def predictions(model: Mapping[str, str]) -> Facet:
    """`weftline_predictions`: which model made this dataset."""
    return {**_PREDICTIONS, "model": dict(model)}


def passed(run_id: str, job: Mapping[str, str], argument: str, *, changed: bool = False) -> Facet:
    """`weftline_passed`: this input is a value that another run returned, and arrived as `argument`."""
    facet = {**_PASSED, "run": {"runId": run_id}, "job": job, "argument": argument}
    if changed:
        facet["changed"] = True
    return facet
