"""Models: their registered versions, and where a version comes from."""
