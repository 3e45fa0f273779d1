"""Numbered migrations of `registry.db` and `keys.db`, run at start-up."""
