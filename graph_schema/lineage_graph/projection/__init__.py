"""From journal records to facts, and from facts to deltas of the graph, incrementally.

Owns `projection.db`: facts, generations and usages (the derived rows other runs are bound by), the catalogue and
attribute table, what each scope emits, and the outbox of deltas. Derivation itself is pure and lives in `derive`;
the graph is behind `store`.
"""
