"""Which code a deployment runs, read from a deployment as Prefect's API shows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def code(deployment: Mapping[str, Any]) -> dict[str, Any] | None:
    """Repository, commit and branch that it clones when it starts, or was made from; None where neither is known."""
    info = deployment.get("version_info") or {}
    cloned = _cloned(deployment.get("pull_steps") or [])
    found = {
        "repository": cloned.get("repository") or info.get("repository_url"),
        "commit": cloned.get("commit_sha") or info.get("commit_sha"),
        "branch": cloned.get("branch") or info.get("branch"),
    }
    return {key: value for key, value in found.items() if value} or None


def _cloned(steps: list[dict[str, Any]]) -> Mapping[str, Any]:
    for step in steps:
        for name, arguments in step.items():
            if name.endswith("git_clone") and isinstance(arguments, dict):
                return arguments
    return {}
