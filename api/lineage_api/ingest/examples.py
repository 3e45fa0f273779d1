"""What the API description says about the ingest routes: schemas, examples, answers."""

from __future__ import annotations

from typing import Any

_PRODUCER = "https://github.com/weftline/weftline"

RUN_EVENT: dict[str, Any] = {
    "eventType": "COMPLETE",
    "eventTime": "2026-05-01T12:00:41.250000Z",
    "producer": _PRODUCER,
    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    "run": {"runId": "0196c0de-0000-7000-8000-000000000001"},
    "job": {"namespace": "default", "name": "train"},
    "inputs": [{"namespace": "s3://lake", "name": "raw/users.csv"}],
    "outputs": [{"namespace": "s3://lake", "name": "models/churn"}],
}

_RECORD = {
    "client": "0196c0de-0000-7000-8000-0000000000aa",
    "sequence": 1,
    "project": "default/default",
    "sent_at": "2026-05-01T12:00:41.300000Z",
    "event": RUN_EVENT,
}

_OBJECT = {"type": "object"}
_PROJECT_HEADER = {
    "name": "Lineage-Project",
    "in": "header",
    "required": False,
    "description": "`workspace/project` the records belong to",
    "schema": {"type": "string", "default": "default/default"},
}
_WAIT = {
    "name": "wait",
    "in": "query",
    "required": False,
    "description": "`projected`: answer when queries see the records, or say that they do not yet",
    "schema": {"type": "string", "enum": ["projected"]},
}
_ENCODING = {
    "name": "Content-Encoding",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "enum": ["gzip", "zstd", "identity"]},
}

EVENT: dict[str, Any] = {
    "parameters": [_PROJECT_HEADER, _WAIT, _ENCODING],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["eventTime", "producer", "schemaURL"],
                    "description": "An OpenLineage RunEvent, JobEvent or DatasetEvent",
                },
                "example": RUN_EVENT,
            }
        },
    },
}

BATCH: dict[str, Any] = {
    "parameters": [_PROJECT_HEADER, _WAIT, _ENCODING],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "array", "items": _OBJECT}, "example": [RUN_EVENT]},
            "application/x-ndjson": {"schema": {"type": "string", "description": "one event a line"}},
            "application/vnd.weftline.records+ndjson": {
                "schema": {
                    "type": "string",
                    "description": "one record a line, as in the example, or `gap` for `event`",
                },
                "example": _RECORD,
            },
        },
    },
}

_PROBLEM_MEMBERS = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "path": {"type": "string"},
                    "expected": {"type": "string"},
                    "got": {"type": "string"},
                },
            },
        },
    },
}


def _answer(description: str, example: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": [name for name in properties if name in example]}
    return {"description": description, "content": {"application/json": {"schema": schema, "example": example}}}


def problem(description: str) -> dict[str, Any]:
    """The description of a problem answer."""
    return {"description": description, "content": {"application/problem+json": {"schema": _PROBLEM_MEMBERS}}}


_SEQ = {
    "status": {"type": "string", "enum": ["journalled", "known"]},
    "seq": {"type": "integer", "description": "journal number"},
    "projected": {"type": "boolean"},
}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: problem("not JSON, or a bad header or parameter"),
    403: problem("not allowed to write to this project"),
    408: problem("the body arrived too slowly"),
    413: problem("larger than one request may be"),
    415: problem("media type or encoding not understood"),
    421: problem("asked for under a name this service does not answer to"),
    503: problem("the journal cannot take it now; nothing was kept"),
}
EVENT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: _answer("known already", {"status": "known", "seq": 41}, _SEQ),
    201: _answer("journalled", {"status": "journalled", "seq": 42}, _SEQ),
    422: problem("the event cannot be placed"),
    **_REFUSALS,
}
BATCH_RESPONSES: dict[int | str, dict[str, Any]] = {
    207: _answer(
        "what became of each item",
        {"items": [{"index": 0, "status": 201}], "high_water": {"0196c0de-0000-7000-8000-0000000000aa": 1}},
        {
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["index", "status"],
                    "properties": {
                        "index": {"type": "integer"},
                        "status": {"type": "integer"},
                        "problem": _PROBLEM_MEMBERS,
                    },
                },
            },
            "high_water": {"type": "object", "additionalProperties": {"type": "integer"}},
            "projected": {"type": "boolean"},
        },
    ),
    **_REFUSALS,
}
