"""What the surroundings say of the code's version, where it runs without its repository.

Owns the table of CI systems' variables, our own `LINEAGE_CODE_*`, the hook for deployments (an orchestrator knows
which bundle it runs), and the record that pip leaves of an installation from a repository. Each answers in the shape
of `weftline_codeVersion`, or None.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from lineage import diagnostics, first_party, installed, settings
from lineage.git import address

# system → (variable that proves it, repository, commit, branch); {NAME} is replaced by the variable's value.
CI: dict[str, tuple[str, str, str, str]] = {
    "github": ("GITHUB_ACTIONS", "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}", "{GITHUB_SHA}", "{GITHUB_REF_NAME}"),
    "gitlab": ("GITLAB_CI", "{CI_PROJECT_URL}", "{CI_COMMIT_SHA}", "{CI_COMMIT_REF_NAME}"),
    "jenkins": ("JENKINS_URL", "{GIT_URL}", "{GIT_COMMIT}", "{GIT_BRANCH}"),
    "circleci": ("CIRCLECI", "{CIRCLE_REPOSITORY_URL}", "{CIRCLE_SHA1}", "{CIRCLE_BRANCH}"),
    "azure": ("TF_BUILD", "{BUILD_REPOSITORY_URI}", "{BUILD_SOURCEVERSION}", "{BUILD_SOURCEBRANCHNAME}"),
    "buildkite": ("BUILDKITE", "{BUILDKITE_REPO}", "{BUILDKITE_COMMIT}", "{BUILDKITE_BRANCH}"),
    "bitbucket": ("BITBUCKET_BUILD_NUMBER", "{BITBUCKET_GIT_HTTP_ORIGIN}", "{BITBUCKET_COMMIT}", "{BITBUCKET_BRANCH}"),
}

Deployment = Callable[[], Mapping[str, Any] | None]
_deployment: Deployment | None = None


def register_deployment(hook: Deployment) -> None:
    """Let an orchestrator's integration say which deployment runs.

    Args:
        hook: answers {repository, commit, branch, dirty} (each may be missing), or None if it doesn't know.
    """
    global _deployment
    _deployment = hook


def environment() -> dict[str, Any] | None:
    """`LINEAGE_CODE_REPOSITORY`, `_COMMIT`, `_BRANCH`, `_DIRTY`."""
    known = settings.current()
    if known.code_commit is None and known.code_repository is None:
        return None
    return _body("environment", known.code_repository, known.code_commit, known.code_branch, known.code_dirty)


def ci() -> dict[str, Any] | None:
    """The variables of the CI system this runs in."""
    for proof, repository, commit, branch in CI.values():
        if os.environ.get(proof):
            found = _filled(commit)
            if found:
                return _body("ci", _filled(repository), found, _filled(branch), None)
    return None


def deployment() -> dict[str, Any] | None:
    """What the registered hook says."""
    if _deployment is None:
        return None
    try:
        found = _deployment()
    except Exception as error:
        diagnostics.warn_once("deployment-hook", f"the deployment hook failed, code version from elsewhere: {error}")
        return None
    if not found or not (found.get("commit") or found.get("repository")):
        return None
    return _body("deployment", found.get("repository"), found.get("commit"), found.get("branch"), found.get("dirty"))


def distribution() -> dict[str, Any] | None:
    """`direct_url.json` of the distribution that the entry point belongs to: pip's record of repository and commit."""
    name, _ = first_party.entry_point()
    if not name:
        return None
    for origin in installed.origins(name.partition(".")[0].removesuffix(".py")):
        info = origin.get("vcs_info")
        if isinstance(info, dict) and info.get("commit_id"):
            return _body("direct_url", origin.get("url"), info["commit_id"], info.get("requested_revision"), None)
    return None


def _filled(template: str) -> str | None:
    try:
        return template.format_map(os.environ) or None
    except KeyError:
        return None


def _body(
    source: str, repository: str | None, commit: str | None, branch: str | None, dirty: bool | None
) -> dict[str, Any]:
    branch = branch.removeprefix("refs/heads/").removeprefix("origin/") if branch else None
    values = {
        "repository": address(repository) if repository else None,
        "commit": commit,
        "branch": branch,
        "dirty": dirty,
    }
    return {"source": source, **{key: value for key, value in values.items() if value is not None}}
