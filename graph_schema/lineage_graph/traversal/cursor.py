"""The place where a cut walk goes on, and its text form.

A walk's order is by depth, then node id, and is pinned to one `known_at`; so a page is found again by walking anew
and leaving out what was given (`skip`). That stays exact, but costs the way so far each time. Where the time ran
out on a deep, narrow graph, the walk instead goes on from its last frontier: then a node that was given before may
come once more at a greater depth (depth bounds how often), and callers merge by id.

The text is opaque to callers; whoever hands it out signs it and binds it to the question.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import orjson

from lineage_graph.errors import BadReference

MAX_FRONTIER = 128


@dataclass(frozen=True, slots=True)
class Continuation:
    """Where a walk goes on.

    Args:
        known_at: the sequence number all pages answer at.
        skip: nodes to leave out, counted from the start of the walk or of the frontier.
        layers: how many layers the pages so far expanded, per direction: their edges were given.
        depth: depth of the frontier; 0 = start from the roots.
        frontier: (node id, run id of the generation or "") to start from; a run is (run id, run id).
    """

    known_at: int
    skip: int
    layers: tuple[int, ...] = ()
    depth: int = 0
    frontier: tuple[tuple[str, str], ...] = ()

    def encode(self) -> str:
        """As URL-safe text."""
        raw = orjson.dumps([self.known_at, self.skip, self.layers, self.depth, self.frontier])
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Continuation:
        """Read the text form.

        Raises:
            BadReference: the text is no cursor of a walk.
        """
        try:
            raw = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
            known_at, skip, layers, depth, frontier = orjson.loads(raw)
            pairs = tuple((str(node), str(run)) for node, run in frontier)
            numbers = [known_at, skip, depth, *layers]
        except (binascii.Error, UnicodeEncodeError, orjson.JSONDecodeError, TypeError, ValueError) as error:
            raise BadReference("this cursor is not one of a walk; start again without it") from error
        if (
            not all(type(number) is int and number >= 0 for number in numbers)
            or len(layers) > 2
            or len(pairs) > MAX_FRONTIER
        ):
            raise BadReference("this cursor is not one of a walk; start again without it")
        return cls(known_at, skip, tuple(layers), depth, pairs)
