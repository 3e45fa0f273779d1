"""The service: ingest, projection process, provenance queries over HTTP."""
