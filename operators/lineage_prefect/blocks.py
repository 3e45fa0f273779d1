"""A Prefect block that says which lineage service flows send to, for teams that keep their settings in Prefect.

    LineageServer(url="https://lineage.example", token="…").save("production")
    LineageServer.load("production").use()

Owns the block's fields and how they become settings of the SDK (`lineage.settings`). Loading a block asks Prefect's
server, so nothing does it behind the user's back.
"""

from __future__ import annotations

import os

from prefect.blocks.core import Block
from pydantic import Field, SecretStr


class LineageServer(Block):
    """The lineage service that this process records to."""

    _block_type_name = "Lineage Server"
    _block_type_slug = "lineage-server"
    _description = "Where flows and tasks send their lineage."

    url: str = Field(description="Address of the service, http:// or https://.")
    token: SecretStr | None = Field(default=None, description="Credential for the service.")
    project: str | None = Field(default=None, description="workspace/project everything belongs to.")

    def use(self) -> None:
        """Send what this process, and those it starts, record from now on to this service."""
        os.environ["LINEAGE_URL"] = self.url
        if self.token is not None:
            os.environ["LINEAGE_TOKEN"] = self.token.get_secret_value()
        if self.project is not None:
            os.environ["LINEAGE_PROJECT"] = self.project
