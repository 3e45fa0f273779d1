"""Lineage of Airflow 3: a plugin that Airflow finds by itself, operators and sensors, and `lineage airflow sync`.

In a task, `from lineage import tracked_task` is all that is needed. What is here: `plugin` and `listener` (called by
Airflow), `lifecycle` (what they tell), `integration` (what a tracked call in a task is), `naming` (ids equal to those
of the OpenLineage provider), `operators`, `sensors`, `hooks`, `triggers`, and `sync` with its command in `cli`.
Importing this package imports nothing else.
"""
