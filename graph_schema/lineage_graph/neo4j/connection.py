"""The driver: how Neo4j is reached, and how its failures are told. Does not know what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from neo4j import Driver, GraphDatabase, NotificationMinimumSeverity, Session
from neo4j.exceptions import AuthError, DriverError, Neo4jError

from lineage_graph.errors import StoreUnavailable

_CONNECT_SECONDS = 10.0
_RETRY_SECONDS = 60.0


class Connection:
    """One driver with its pool of connections; safe to use from several threads.

    Args:
        address: `bolt://…` or `neo4j://…`.
        password: "" for a server without authentication.
        database: the database's name; None = the user's default.
    """

    def __init__(self, address: str, user: str, password: str, database: str | None) -> None:
        self.address = address
        self._user = user
        self._database = database
        self._driver: Driver = GraphDatabase.driver(
            address,
            auth=(user, password) if password else None,
            connection_timeout=_CONNECT_SECONDS,
            max_transaction_retry_time=_RETRY_SECONDS,
            notifications_min_severity=NotificationMinimumSeverity.OFF,
            telemetry_disabled=True,
        )

    @contextmanager
    def session(self, *, write: bool = False) -> Iterator[Session]:
        """A session for one thread.

        Raises:
            StoreUnavailable: Neo4j cannot be reached, refuses the credentials or fails.
        """
        try:
            with self._driver.session(
                database=self._database, default_access_mode="WRITE" if write else "READ", fetch_size=2_000
            ) as session:
                yield session
        except AuthError as error:
            raise StoreUnavailable(
                f"Neo4j at {self.address} refuses user {self._user!r}; "
                "set LINEAGE_NEO4J_USER and LINEAGE_NEO4J_PASSWORD to an account of that server"
            ) from error
        except (Neo4jError, DriverError) as error:
            raise StoreUnavailable(
                f"Neo4j at {self.address} does not answer ({error}); check that it runs, that the address is its "
                "Bolt address, and its logs/neo4j.log"
            ) from error

    def close(self) -> None:
        """Close all connections."""
        self._driver.close()
