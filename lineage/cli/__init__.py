"""The command `lineage`: an HTTP client of the service and a reader of the local spool."""
