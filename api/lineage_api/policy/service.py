"""Judging the ancestry of a version or run by rules.

Owns the order: find the subject, gather its ancestry once, ask each rule. The rules are `rules`.
"""

from __future__ import annotations

from lineage_api import completeness
from lineage_api.deps import Cancellation
from lineage_api.models.ancestry import ancestry
from lineage_api.models.versions import choose
from lineage_api.policy.rules import RULES
from lineage_api.policy.schemas import PolicyQuestion, Verdict
from lineage_api.provenance.roots import walked_roots
from lineage_api.reading import Reading


def check(cancellation: Cancellation, reading: Reading, question: PolicyQuestion) -> Verdict:
    """The verdict and every reason against."""
    if question.model is not None:
        root = choose(reading.catalog, reading.project, question.model, question.version).version
    else:
        assert question.root is not None
        root = question.root
    root = walked_roots(reading, root)[0]
    found = ancestry(cancellation, reading, root)
    refusals = [refusal for rule in dict.fromkeys(question.rules) for refusal in RULES[rule](found)]
    known = completeness.of_answer(
        reading.catalog,
        reading.project,
        {node_id: node for node_id, node in found.nodes.items() if node_id in found.walk.nodes},
        found.walk.edges,
        truncated=found.walk.truncated,
        ambiguous=bool(found.walk.ambiguous),
    )
    return Verdict(
        root=root,
        allowed=not refusals,
        rules=list(dict.fromkeys(question.rules)),
        refusals=refusals,
        completeness=known,
        as_of=found.walk.as_of.known_at or 0,
    )
