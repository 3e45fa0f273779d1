"""Rules of what may change between two releases: pure comparison of OpenAPI documents and JSON Schemas.

Owns what counts as a break for somebody who wrote against the last release. Additions are free; what was answered
stays answered with the same types, and what was enough to ask stays enough. Reads no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]
_NO_LONGER = "is gone"


def resolve(document: Document, schema: Document) -> Document:
    """The schema a local `$ref` points at, or the schema itself."""
    seen: set[str] = set()
    while (ref := schema.get("$ref", "")).startswith("#/") and ref not in seen:
        seen.add(ref)
        target: Any = document
        for part in ref[2:].split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        schema = target
    return schema


def flattened(document: Document, schema: Document) -> Document:
    """The schema with its reference followed and the members of its `allOf` put into one."""
    schema = resolve(document, schema)
    parts = [flattened(document, part) for part in schema.get("allOf", ())]
    if not parts:
        return schema
    whole = {**schema}
    for part in parts:
        whole = {
            **part,
            **whole,
            "properties": {**part.get("properties", {}), **whole.get("properties", {})},
            "required": [*part.get("required", ()), *whole.get("required", ())],
        }
    return whole


def _kinds(document: Document, schema: Document) -> set[str]:
    schema = resolve(document, schema)
    alternatives = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    kinds = {kind for option in alternatives for kind in _kinds(document, option)}
    stated = schema.get("type", ())
    return kinds | ({stated} if isinstance(stated, str) else set(stated))


class Comparison:
    """One released document against today's; `answered` says which way the data flows."""

    def __init__(self, old: Document, new: Document) -> None:
        self.old, self.new = old, new

    def schema(self, place: str, old: Document, new: Document, answered: bool) -> Iterator[str]:
        """Breaks between two schemas of the same thing."""
        yield from self._walk(place, old, new, answered, frozenset())

    def _walk(self, place: str, old: Document, new: Document, answered: bool, above: frozenset[str]) -> Iterator[str]:
        reference = old.get("$ref", "")
        if reference and reference in above:
            return  # a recursive schema was compared where it was met first
        above |= {reference}
        old, new = flattened(self.old, old), flattened(self.new, new)
        before, now = _kinds(self.old, old), _kinds(self.new, new)
        lost = now - before if answered else before - now
        if before and now and lost:
            yield f"{place}: type was {sorted(before)}, is {sorted(now)}"
        yield from self._enums(place, old, new, answered)
        yield from self._required(place, old, new, answered)
        properties = new.get("properties", {})
        for name, schema in old.get("properties", {}).items():
            if name not in properties:
                yield f"{place}.{name}: {_NO_LONGER}"
            else:
                yield from self._walk(f"{place}.{name}", schema, properties[name], answered, above)
        if "items" in old and isinstance(new.get("items"), Mapping):
            yield from self._walk(f"{place}[]", old["items"], new["items"], answered, above)

    def _enums(self, place: str, old: Document, new: Document, answered: bool) -> Iterator[str]:
        if answered or "enum" not in new:
            return
        lost = {str(value) for value in old.get("enum", ())} - {str(value) for value in new["enum"]}
        if lost or "enum" not in old:
            yield f"{place}: no longer takes {', '.join(sorted(lost)) or 'every value'}"

    def _required(self, place: str, old: Document, new: Document, answered: bool) -> Iterator[str]:
        before, now = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(before - now if answered else now - before):
            yield f"{place}.{name}: {'no longer always there' if answered else 'is now required'}"

    def operations(self) -> Iterator[str]:
        """Breaks between the routes of two OpenAPI documents."""
        for path, methods in self.old["paths"].items():
            for method, old in methods.items():
                place = f"{method.upper()} {path}"
                new = self.new["paths"].get(path, {}).get(method)
                if new is None:
                    yield f"{place}: {_NO_LONGER}"
                else:
                    yield from self._operation(place, old, new)

    def _operation(self, place: str, old: Document, new: Document) -> Iterator[str]:
        if old.get("operationId") != new.get("operationId"):
            yield f"{place}: operation_id was {old.get('operationId')}, is {new.get('operationId')}"
        yield from self._parameters(place, old, new)
        yield from self._body(place, old, new)
        for status, answer in old.get("responses", {}).items():
            if not status.startswith("2"):
                continue
            if status not in new.get("responses", {}):
                yield f"{place}: answer {status} {_NO_LONGER}"
                continue
            now = new["responses"][status].get("content", {})
            for media, content in answer.get("content", {}).items():
                if media not in now:
                    yield f"{place}: {status} as {media} {_NO_LONGER}"
                else:
                    yield from self.schema(
                        f"{place} {status}", content.get("schema", {}), now[media].get("schema", {}), answered=True
                    )

    def _parameters(self, place: str, old: Document, new: Document) -> Iterator[str]:
        before = {(item["in"], item["name"]): item for item in old.get("parameters", ())}
        now = {(item["in"], item["name"]): item for item in new.get("parameters", ())}
        for key, item in before.items():
            where = f"{place}?{key[1]}"
            if key not in now:
                yield f"{where}: {_NO_LONGER}"
            else:
                yield from self.schema(where, item.get("schema", {}), now[key].get("schema", {}), answered=False)
        for key, item in now.items():
            if item.get("required") and not before.get(key, {}).get("required"):
                yield f"{place}?{key[1]}: is now required"

    def _body(self, place: str, old: Document, new: Document) -> Iterator[str]:
        before, now = old.get("requestBody", {}), new.get("requestBody", {})
        if now.get("required") and not before.get("required"):
            yield f"{place}: a body is now required"
        for media, content in before.get("content", {}).items():
            if media not in now.get("content", {}):
                yield f"{place}: a body of {media} is no longer taken"
            else:
                taken = now["content"][media]
                yield from self.schema(
                    f"{place} body", content.get("schema", {}), taken.get("schema", {}), answered=False
                )


def openapi_breaks(old: Document, new: Document) -> list[str]:
    """What somebody who wrote against `old` would trip over in `new`."""
    return list(Comparison(old, new).operations())


def facet_breaks(old: Mapping[str, Document], new: Mapping[str, Document]) -> list[str]:
    """Breaks between two sets of facet schemas, by file name, for readers of stored events and for producers."""
    found = [f"{name}: {_NO_LONGER}" for name in old if name not in new]
    for name in old.keys() & new.keys():
        comparison = Comparison(old[name], new[name])
        for title, schema in old[name].get("$defs", {}).items():
            now = new[name].get("$defs", {}).get(title)
            if now is None:
                found.append(f"{name}#/$defs/{title}: {_NO_LONGER}")
            else:
                found += comparison.schema(f"{name}#{title}", schema, now, answered=True)
                found += comparison.schema(f"{name}#{title}", schema, now, answered=False)
    return sorted(set(found))
