"""Who may do what: one `authorize`, and the declaration every route carries.

Owns the closed set of actions, the actor of a request and the start-up check that no route is without a declared
permission. Accounts, tokens and roles come with their own issue: until then there is one local user, so the service
binds to loopback only (`require_loopback`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import Depends, FastAPI, Request, params
from fastapi.routing import iter_route_contexts

from lineage_api.problem import Kind, Problem


class Action(StrEnum):
    """What a route lets its caller do."""

    INGEST = "ingest"  # hand in records
    READ = "read"  # ask about runs, datasets, models and their provenance
    WRITE = "write"  # declare aliases, approvals, registrations
    ADMIN = "admin"  # operate the server
    PROBE = "probe"  # health, metrics and the API description: no project data


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `principal` is what the journal and the ledger keep."""

    principal: str


@dataclass(frozen=True, slots=True)
class Resource:
    """What is asked about: a project as `workspace/project`, or None for the server itself."""

    project: str | None = None


LOCAL = Actor("local")
SERVER = Resource()


def authorize(actor: Actor, action: Action, resource: Resource) -> None:
    """Let the actor do this, or raise.

    Raises:
        Problem: 403.
    """
    if actor != LOCAL:
        raise Problem(Kind.FORBIDDEN, f"{actor.principal} may not {action} {resource.project or 'this server'}.")


def actor_of(request: Request) -> Actor:
    """The actor of a request: the one local user, as long as the service is bound to loopback."""
    return LOCAL


class Permission:
    """The permission a route declares; called by the framework before the route."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, request: Request) -> None:
        """Authorize the request for the project its header names."""
        authorize(actor_of(request), self.action, Resource(request.headers.get("lineage-project")))


def requires(action: Action) -> Any:
    """Declare a route's permission: `@router.get(..., dependencies=[requires(Action.READ)])`."""
    return Depends(Permission(action))


def declared(dependencies: list[params.Depends]) -> Action | None:
    """The action declared among a route's dependencies."""
    for dependency in dependencies:
        call: Callable[..., Any] | None = dependency.dependency
        if isinstance(call, Permission):
            return call.action
    return None


def permissions(app: FastAPI) -> dict[tuple[str, str], Action]:
    """(method, path) → declared action of every route.

    Raises:
        RuntimeError: a route without a declared permission; the service must not start.
    """
    found: dict[tuple[str, str], Action] = {}
    missing: list[str] = []
    for context in iter_route_contexts(app.routes):
        dependencies = getattr(context, "dependencies", None) or []
        action = declared(list(dependencies))
        for method in sorted(context.methods or {"*"}):
            if action is None:
                missing.append(f"{method} {context.path}")
            else:
                found[method, str(context.path)] = action
    if missing:
        raise RuntimeError(
            "routes without a declared permission: " + ", ".join(missing) + "; add dependencies=[requires(Action.…)]"
        )
    return found


def require_loopback(host: str) -> None:
    """Refuse to bind where others could reach a service that has no accounts.

    Raises:
        RuntimeError: the host is not a loopback address.
    """
    if host == "localhost":
        return
    try:
        if ipaddress.ip_address(host.strip("[]")).is_loopback:
            return
    except ValueError:
        pass
    raise RuntimeError(
        f"refusing to bind to {host}: without accounts everybody who reaches the port could read and write. "
        "Bind to 127.0.0.1 and put an authenticating proxy or an SSH tunnel in front."
    )
