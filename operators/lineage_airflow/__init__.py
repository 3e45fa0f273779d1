"""Airflow integration. Nothing here yet: it arrives with its own release."""
