"""Reconciling with Airflow's REST API: `api` reads it, `attempts` says what it means, `compare` finds what the service
lacks, `state` remembers how far we are, `reconcile` does one round. The command is in `lineage_airflow.cli`.
"""
