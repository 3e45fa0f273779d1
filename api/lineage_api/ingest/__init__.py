"""The door for records: one event, batches, and our sender's records."""
