"""The kept spelling of dataset names, as the service reads them from any producer.

The rules are `lineage.naming`'s, so that SDK and service cannot differ; this module only makes them total: a name no
rule can read is kept as it was sent. Whether two differently named datasets are the same is `derive.aliases`'
business.
"""

from __future__ import annotations

from functools import lru_cache

from lineage import naming

_STEPS = 4
"""Spellings settle in one step; a name that does not settle within these is kept as it was sent."""


@lru_cache(maxsize=65536)
def normalise(namespace: str, name: str) -> tuple[str, str]:
    """The kept spelling of (namespace, name); doing it twice changes nothing, and no part is ever emptied."""
    kept = (namespace, name)
    for _ in range(_STEPS):
        try:
            settled = naming.normalise(*kept)
        except ValueError:
            break
        if settled == kept:
            return kept
        if not all(settled):
            break
        kept = settled
    return namespace, name
