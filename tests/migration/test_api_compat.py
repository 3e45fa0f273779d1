"""Today's OpenAPI and facet schemas against the last release's: they may gain, never lose."""

from __future__ import annotations

import json

from checks.compat import facet_breaks, openapi_breaks
from scripts.generate_docs import openapi
from scripts.release_snapshot import RELEASED_FACETS, RELEASED_OPENAPI, facets


def test_whoever_wrote_against_the_last_release_is_still_answered() -> None:
    released = json.loads(RELEASED_OPENAPI.read_text())
    assert released["paths"]
    assert openapi_breaks(released, openapi()) == []


def test_facets_of_the_last_release_are_still_read_and_taken() -> None:
    released = json.loads(RELEASED_FACETS.read_text())
    assert released
    assert facet_breaks(released, facets()) == []
