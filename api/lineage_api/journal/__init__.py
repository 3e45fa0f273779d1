"""The journal: every record in the order it became durable. It is the truth."""
