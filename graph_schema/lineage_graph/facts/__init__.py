"""What an event says, as rows that join in any order.

Owns `facts_of(event)`: a pure function from one OpenLineage document to facts, and the fact row itself. A fact is
never overwritten and never depends on another event; the set union of facts is the merge (commutative,
associative, idempotent). What follows from facts is `derive`'s business.
"""

from __future__ import annotations

from lineage_graph.facts.extract import facts_of, facts_of_placed, model_number_facts
from lineage_graph.facts.row import Fact, fact_hash, is_existence

__all__ = ["Fact", "fact_hash", "facts_of", "facts_of_placed", "is_existence", "model_number_facts"]
