"""The command `lineage prefect`: what can be done with Prefect's server from outside.

Owns the command table. Prefect is imported when a command runs, so that `lineage --help` stays quick.
"""

from __future__ import annotations

import typer

app = typer.Typer(help="Read runs and assets from Prefect's server.", no_args_is_help=True)
