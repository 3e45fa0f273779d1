"""The three rules, each a pure function from an ancestry to reasons against it.

Owns what each rule refuses. What cannot be shown is refused too: a rule passes only on evidence. Does not gather the
ancestry or decide what to do with the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lineage_api.answers import is_silent
from lineage_api.models.ancestry import Ancestry, is_exact, is_in_memory, is_unbound, label
from lineage_api.policy.schemas import Passed, Refusal, Rule
from lineage_graph.model import EdgeType, Node, NodeKind


def dirty_code(found: Ancestry) -> Iterator[Refusal]:
    """Every run's code is a commit without changes, or is kept as a digest of its sources."""
    for run in found.runs:
        code = found.code_of(run.id)
        if code is None:
            text = f"code of {label(run)} is not recorded, so nothing shows that it was clean"
            yield _refusal(Rule.DIRTY_CODE, found, run, text)
        elif _is_dirty(code):
            yield _refusal(Rule.DIRTY_CODE, found, run, f"code of {label(run)} is dirty", code)


def missing_digest(found: Ancestry) -> Iterator[Refusal]:
    """Every stored version has an exact content digest, and no value was changed after its digest was taken.

    Values in memory are held by the run that made them.
    """
    for edge in found.handovers_changed:
        source, taken = found.nodes[edge.src], found.nodes[edge.dst]
        taker = source if edge.type is EdgeType.USED else found.nodes.get(edge.via, source)
        text = f"{label(taken)} was changed on its way to {label(taker)}: its digest is not what was used"
        yield _refusal(Rule.MISSING_DIGEST, found, source, text, taken)
    for version in found.versions:
        if is_in_memory(version) or is_exact(version):
            continue
        if is_unbound(version):
            reason = "was read without a version"
        elif version.props.get("sampled_digest"):
            reason = "has a digest of a sample only"
        elif version.props.get("scheme") == "version":
            reason = f"has a version ({version.props.get('value')}) but no content digest"
        else:
            reason = "has no content digest"
        yield _refusal(Rule.MISSING_DIGEST, found, version, f"{label(version)} {reason}")


def unknown_origin(found: Ancestry) -> Iterator[Refusal]:
    """Every way back ends at stored data that is told apart by a version: not at a gap in what was recorded."""
    for version in found.sources:
        if version.id == found.root:
            yield _refusal(Rule.UNKNOWN_ORIGIN, found, version, f"no run is known to have made {label(version)}")
        elif is_unbound(version):
            text = f"nobody can tell which version of {label(version)} was read"
            yield _refusal(Rule.UNKNOWN_ORIGIN, found, version, text)
        elif is_in_memory(version):
            text = f"no run is known to have made {label(version)}, a value in memory"
            yield _refusal(Rule.UNKNOWN_ORIGIN, found, version, text)
    for run in found.runs:
        if is_silent(run) or not run.props.get("inputs"):
            text = f"{label(run)} recorded no input: what it made its outputs from is unknown"
            yield _refusal(Rule.UNKNOWN_ORIGIN, found, run, text)
    for version_id in found.walk.ambiguous:
        if version_id in found.nodes:
            version = found.nodes[version_id]
            text = f"{label(version)} was made more than once and nothing tells which one was read"
            yield _refusal(Rule.UNKNOWN_ORIGIN, found, version, text)
    if found.walk.truncated:
        text = f"the ancestry is larger than one check covers (cut by {found.walk.truncated})"
        yield _refusal(Rule.UNKNOWN_ORIGIN, found, found.nodes[found.root], text)


RULES: dict[Rule, Callable[[Ancestry], Iterator[Refusal]]] = {
    Rule.DIRTY_CODE: dirty_code,
    Rule.MISSING_DIGEST: missing_digest,
    Rule.UNKNOWN_ORIGIN: unknown_origin,
}


def _is_dirty(code: Node) -> bool:
    props = code.props
    if props.get("dirty") or props.get("diffDigest"):
        return True
    return any(isinstance(part, dict) and part.get("dirty") for part in props.get("repositories") or ())


def _refusal(rule: Rule, found: Ancestry, culprit: Node, text: str, beside: Node | None = None) -> Refusal:
    path = [found.nodes[found.root]]
    for edge in found.path(culprit.id):
        onward = edge.dst if edge.src == path[-1].id else edge.src
        if onward in found.nodes:
            path.append(found.nodes[onward])
    if beside is not None:
        path.append(beside)
    return Refusal(
        rule=rule, path=[Passed(id=node.id, kind=NodeKind(node.kind), label=label(node)) for node in path], text=text
    )
