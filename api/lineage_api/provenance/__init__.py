"""Names to nodes, and walks from a node to its causes and effects."""
