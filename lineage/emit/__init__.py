"""From an event in memory to an acknowledged record at the service: spool, sender, transport."""
