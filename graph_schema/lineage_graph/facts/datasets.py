"""Facts about datasets: what an event's input, output or dataset member says.

Two sorts come out: *mentions* (the value of a run's `input` or `output` fact: version, digest, schema, rows, how it
was handed over, stated lineage) and facts whose subject is the dataset, schema or field itself.
"""

from __future__ import annotations

from typing import Any

from lineage_graph import identity
from lineage_graph.canonical import canonical_bytes, content_hash
from lineage_graph.event import facet_of, is_text, names_any, stated_version
from lineage_graph.facts.row import Fact
from lineage_graph.model import NodeKind
from lineage_graph.names import normalise

# Facets kept as they are, on the dataset, by event time: the latest one counts.
KEPT = ("datasetType", "ownership", "documentation", "storage", "catalog", "tags", "dataSource")
_NAMED = frozenset({*KEPT, "symlinks", "lifecycleStateChange", "weftline_alias"})
_PLAIN = frozenset({"namespace", "name", "facets"})
_COLUMNS_ONLY = frozenset({"schema"})
_MOST_PLAIN = 1024
_LONGEST_PLAIN = 8192
_plain_members: dict[bytes, tuple[tuple[Fact, ...], dict[str, Any]]] = {}
_DESCRIBING = frozenset({"version", "weftline_digest", "datasetType"})
_COLUMNS = frozenset({"columnLineage", "lineage"})


def plain_member(member: dict[str, Any]) -> tuple[tuple[Fact, ...], dict[str, Any]] | None:
    """Facts and mention of a dataset that says no more than its name and columns; None for others.

    Most datasets are named by one run after the other in the same words: those are worked out once. What is returned
    is shared, so nobody may change it.
    """
    if member.keys() - _PLAIN or (
        (names := member.get("facets")) is not None and not (isinstance(names, dict) and names.keys() <= _COLUMNS_ONLY)
    ):
        return None
    text = canonical_bytes(member)
    found = _plain_members.get(text)
    if found is None:
        facts = dataset_facts(member, 0)
        value = mention(member, "inputFacets", facts)
        found = tuple(facts), value
        if len(text) <= _LONGEST_PLAIN:
            if len(_plain_members) >= _MOST_PLAIN:
                _plain_members.clear()
            _plain_members[text] = found
    return found


def mention(member: dict[str, Any], role_facets: str, found: list[Fact]) -> dict[str, Any]:
    """The value of an `input` or `output` fact; a schema is lifted into a content-addressed fact of its own.

    Args:
        member: a dataset of the event.
        role_facets: `inputFacets` or `outputFacets`.
        found: the dataset's own facts, its existence first; more are appended.
    """
    value: dict[str, Any] = dict(found[0].value)
    if member.get(role_facets) or names_any(member, _DESCRIBING):
        version = stated_version(member)
        if version is not None:
            value["s"], value["v"] = version
        _statistics(member, role_facets, value)
        model_type = facet_of(member, "datasetType")
        if model_type is not None and model_type.get("datasetType") == "MODEL":
            value["model"] = True
    schema = facet_of(member, "schema")
    if schema is not None and isinstance(schema.get("fields"), list) and schema["fields"]:
        value["schema"] = _schema(schema["fields"], found)
    return value


def _statistics(member: dict[str, Any], role_facets: str, value: dict[str, Any]) -> None:
    digest = facet_of(member, "weftline_digest")
    if digest is not None:
        for source, target in (("rows", "rows"), ("bytes", "bytes")):
            if _is_count(digest.get(source)):
                value[target] = digest[source]
        if is_text(digest.get("rowsDigest")):
            value["rowsd"] = digest["rowsDigest"]
        if is_text(digest.get("value")):
            value["digest" if digest.get("exact") is True else "sampled"] = digest["value"]
    name = "inputStatistics" if role_facets == "inputFacets" else "outputStatistics"
    statistics = facet_of(member, name, role_facets)
    if statistics is not None:
        for source, target in (("rowCount", "rows"), ("size", "bytes")):
            if _is_count(statistics.get(source)):
                value[target] = statistics[source]


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _schema(fields: list[Any], found: list[Fact]) -> str:
    digest = content_hash(fields)[:16].hex()
    found.append(
        Fact(NodeKind.SCHEMA, identity.ident(NodeKind.SCHEMA, digest), "content", {"digest": digest, "fields": fields})
    )
    return digest


def dataset_facts(member: dict[str, Any], at: int) -> list[Fact]:
    """Facts whose subject is the dataset: that it exists, its kept facets, names it also goes by, its end."""
    namespace, name = normalise(member["namespace"], member["name"])
    subject = identity.dataset(namespace, name)
    found = [Fact(NodeKind.DATASET, subject, "dataset", {"ns": namespace, "n": name})]
    if not names_any(member, _NAMED):
        return found
    for kept in KEPT:
        facet = facet_of(member, kept)
        if facet is not None:
            content = {k: v for k, v in facet.items() if k not in ("_producer", "_schemaURL", "_deleted")}
            found.append(Fact(NodeKind.DATASET, subject, f"facet:{kept}", content, at))
    found += _other_names(member, subject, (namespace, name), at)
    lifecycle = facet_of(member, "lifecycleStateChange")
    if lifecycle is not None and lifecycle.get("lifecycleStateChange") == "DROP":
        found.append(Fact(NodeKind.DATASET, subject, "dropped", True, at))
    return found


def _other_names(member: dict[str, Any], subject: bytes, own: tuple[str, str], at: int) -> list[Fact]:
    """`alias` facts: value {ns, n, kind, removed?}, object = the other dataset; the other dataset exists too."""
    names: list[tuple[Any, str, bool]] = []
    symlinks = facet_of(member, "symlinks")
    if symlinks is not None and isinstance(symlinks.get("identifiers"), list):
        for identifier in symlinks["identifiers"]:
            kind = identifier.get("type") if isinstance(identifier, dict) else None
            names.append((identifier, "table" if str(kind).upper() == "TABLE" else "symlink", False))
    lifecycle = facet_of(member, "lifecycleStateChange")
    if lifecycle is not None and lifecycle.get("lifecycleStateChange") == "RENAME":
        names.append((lifecycle.get("previousIdentifier"), "rename", False))
    aliases = facet_of(member, "weftline_alias")
    if aliases is not None and isinstance(aliases.get("aliases"), list):
        for alias in aliases["aliases"]:
            names.append((alias, "user", isinstance(alias, dict) and alias.get("removed") is True))
    found = []
    for other, kind, removed in names:
        if not (isinstance(other, dict) and is_text(other.get("namespace")) and is_text(other.get("name"))):
            continue
        namespace, name = normalise(other["namespace"], other["name"])
        if (namespace, name) == own:
            continue
        target = identity.dataset(namespace, name)
        value = {"ns": namespace, "n": name, "kind": kind, **({"removed": True} if removed else {})}
        found.append(Fact(NodeKind.DATASET, target, "dataset", {"ns": namespace, "n": name}))
        found.append(Fact(NodeKind.DATASET, subject, "alias", value, at, target))
    return found


def stated_lineage(member: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Sources that a dataset's `lineage` facet states; None without the facet, [] when it states to have none."""
    facet = facet_of(member, "lineage")
    if facet is None or not isinstance(facet.get("inputs"), list):
        return None
    return _sources(facet["inputs"])


def entry_lineage(job: dict[str, Any]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The same from a `lineage` facet of the job: target dataset → its stated sources."""
    facet = facet_of(job, "lineage")
    stated: dict[tuple[str, str], list[dict[str, Any]]] = {}
    if facet is None or not isinstance(facet.get("entries"), list):
        return stated
    for entry in facet["entries"]:
        if not isinstance(entry, dict) or entry.get("type") != "DATASET" or not isinstance(entry.get("inputs"), list):
            continue
        if is_text(entry.get("namespace")) and is_text(entry.get("name")):
            stated[normalise(entry["namespace"], entry["name"])] = _sources(entry["inputs"])
    return stated


def _sources(inputs: list[Any]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for source in inputs:
        if not isinstance(source, dict) or source.get("type") != "DATASET":
            continue
        if is_text(source.get("namespace")) and is_text(source.get("name")):
            namespace, name = normalise(source["namespace"], source["name"])
            found[namespace, name] = {"ns": namespace, "n": name}
    return [found[key] for key in sorted(found)]


def column_facts(member: dict[str, Any], job: tuple[str, str]) -> list[Fact]:
    """Field → Field statements of `columnLineage` and of `lineage`'s fields; a field exists only when named so."""
    if not names_any(member, _COLUMNS):
        return []
    namespace, name = normalise(member["namespace"], member["name"])
    found: list[Fact] = []
    for facet_name, group in (("columnLineage", "inputFields"), ("lineage", "inputs")):
        facet = facet_of(member, facet_name)
        fields = facet.get("fields") if facet is not None else None
        if not isinstance(fields, dict):
            continue
        for path, entry in fields.items():
            sources = entry.get(group) if isinstance(entry, dict) else None
            if is_text(path) and isinstance(sources, list):
                found += _field_facts((namespace, name, path), sources, job)
    return found


def _field_facts(target: tuple[str, str, str], sources: list[Any], job: tuple[str, str]) -> list[Fact]:
    subject = identity.field(*target)
    found = [_field(subject, target)]
    for source in sources:
        if not (isinstance(source, dict) and is_text(source.get("namespace")) and is_text(source.get("name"))):
            continue
        if not is_text(source.get("field")):
            continue
        origin = (*normalise(source["namespace"], source["name"]), source["field"])
        ident = identity.field(*origin)
        value: dict[str, Any] = {"ns": origin[0], "n": origin[1], "f": origin[2], "jns": job[0], "job": job[1]}
        if isinstance(source.get("transformations"), list):
            value["t"] = source["transformations"]
        found += [_field(ident, origin), Fact(NodeKind.FIELD, subject, "from", value, None, ident)]
    return found


def _field(ident: bytes, key: tuple[str, str, str]) -> Fact:
    return Fact(NodeKind.FIELD, ident, "field", {"ns": key[0], "n": key[1], "f": key[2]})
