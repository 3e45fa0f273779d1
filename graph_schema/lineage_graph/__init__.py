"""The provenance graph: model, identity, facts, derivation, stores and traversal."""
