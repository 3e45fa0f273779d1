"""Descriptions of answers: an example of the whole body, put together from the examples of its members.

Owns `described`, what reading routes pass as `responses`. An example can so never disagree with its schema.
"""

from __future__ import annotations

import types
from enum import Enum
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_TEXTS = {
    400: "A cursor of another question.",
    404: "No such thing.",
    409: "Several things fit; `candidates` lists them.",
    422: "Check the parameters.",
}
_PROBLEM = {
    "type": "https://github.com/weftline/weftline/blob/main/docs/problems.md#not-found",
    "title": "Nothing by that reference",
    "status": 404,
    "detail": "No run '0196c0de' in this project; GET /runs lists those there are.",
}
_PLAIN: dict[Any, Any] = {str: "text", int: 0, float: 0.0, bool: False, Any: {}}


def described(model: type[BaseModel], *problems: int) -> dict[int | str, dict[str, Any]]:
    """The answer of a route with an example, and the problems it may answer with instead."""
    found: dict[int | str, dict[str, Any]] = {
        200: {"content": {"application/json": {"example": example_of(model)}}},
    }
    for status in problems:
        content = {"schema": {"type": "object"}, "example": {**_PROBLEM, "status": status}}
        found[status] = {"description": _TEXTS[status], "content": {"application/problem+json": content}}
    return found


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """A body of this model, from the examples of its members."""
    return {name: _member(field) for name, field in model.model_fields.items()}


def _member(field: FieldInfo) -> Any:
    if field.examples:
        return field.examples[0]
    return _value(field.annotation)


def _value(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return example_of(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return next(iter(annotation)).value
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is list:
        return [_value(arguments[0])]
    if origin is dict:
        return {_value(arguments[0]): _value(arguments[1])} if arguments[1] is not Any else {}
    if origin in (Union, types.UnionType):
        return _value(arguments[0])
    return _PLAIN[annotation]
