"""Where there is no repository, the surroundings say which code runs: variables, CI, a deployment, pip's record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lineage import code_hints

PROGRAM = "import json\nfrom lineage import code_version\nprint(json.dumps(code_version.capture()))\n"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def capture(script: Path, **more: str) -> dict[str, Any]:
    """What a process of its own finds, started as a user would start it; nothing of this machine's CI is seen."""
    known = ("CI", "GITHUB", "GITLAB", "JENKINS", "CIRCLE", "TF_BUILD", "BUILD", "BITBUCKET", "LINEAGE", "GIT_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(known)}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=script.parent, env=env | more, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {
                "LINEAGE_CODE_REPOSITORY": "https://u:p@example.org/a/b.git",
                "LINEAGE_CODE_COMMIT": COMMIT,
                "LINEAGE_CODE_DIRTY": "1",
            },
            {"source": "environment", "repository": "https://example.org/a/b", "commit": COMMIT, "dirty": True},
        ),
        (
            {
                "GITHUB_ACTIONS": "true",
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "o/r",
                "GITHUB_SHA": COMMIT,
                "GITHUB_REF_NAME": "main",
            },
            {"source": "ci", "repository": "https://github.com/o/r", "commit": COMMIT, "branch": "main"},
        ),
        (
            {
                "GITLAB_CI": "true",
                "CI_PROJECT_URL": "https://gitlab.example.org/o/r",
                "CI_COMMIT_SHA": COMMIT,
                "CI_COMMIT_REF_NAME": "x",
            },
            {"source": "ci", "repository": "https://gitlab.example.org/o/r", "commit": COMMIT, "branch": "x"},
        ),
        (
            {
                "JENKINS_URL": "https://j",
                "GIT_URL": "git@github.com:o/r.git",
                "GIT_COMMIT": COMMIT,
                "GIT_BRANCH": "origin/main",
            },
            {"source": "ci", "repository": "https://github.com/o/r", "commit": COMMIT, "branch": "main"},
        ),
        (
            {
                "CIRCLECI": "true",
                "CIRCLE_REPOSITORY_URL": "git@github.com:o/r.git",
                "CIRCLE_SHA1": COMMIT,
                "CIRCLE_BRANCH": "x",
            },
            {"source": "ci", "repository": "https://github.com/o/r", "commit": COMMIT, "branch": "x"},
        ),
        (
            {
                "TF_BUILD": "True",
                "BUILD_REPOSITORY_URI": "https://u@dev.azure.com/o/p/_git/r",
                "BUILD_SOURCEVERSION": COMMIT,
                "BUILD_SOURCEBRANCHNAME": "main",
            },
            {"source": "ci", "repository": "https://dev.azure.com/o/p/_git/r", "commit": COMMIT, "branch": "main"},
        ),
        (
            {
                "BUILDKITE": "true",
                "BUILDKITE_REPO": "git@github.com:o/r.git",
                "BUILDKITE_COMMIT": COMMIT,
                "BUILDKITE_BRANCH": "x",
            },
            {"source": "ci", "repository": "https://github.com/o/r", "commit": COMMIT, "branch": "x"},
        ),
        (
            {
                "BITBUCKET_BUILD_NUMBER": "1",
                "BITBUCKET_GIT_HTTP_ORIGIN": "http://bitbucket.org/o/r",
                "BITBUCKET_COMMIT": COMMIT,
                "BITBUCKET_BRANCH": "x",
            },
            {"source": "ci", "repository": "https://bitbucket.org/o/r", "commit": COMMIT, "branch": "x"},
        ),
    ],
    ids=["environment", "github", "gitlab", "jenkins", "circleci", "azure", "buildkite", "bitbucket"],
)
def test_without_a_repository_the_surroundings_are_asked(
    variables: dict[str, str], expected: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text(PROGRAM)
    assert capture(tmp_path / "train.py", **variables) == {**expected, "entryPoint": "train.py"}


def test_a_deployment_answers_after_ci_and_before_the_sources(tmp_path: Path) -> None:
    answer = f"{{'commit': {COMMIT!r}, 'branch': 'prod'}}"
    hook = f"from lineage import code_hints\ncode_hints.register_deployment(lambda: {answer})\n"
    (tmp_path / "train.py").write_text(hook + PROGRAM)
    assert capture(tmp_path / "train.py")["source"] == "deployment"
    assert capture(tmp_path / "train.py", GITHUB_ACTIONS="1", GITHUB_SHA=COMMIT)["source"] == "ci"
    (tmp_path / "train.py").write_text(hook.replace("{'commit'", "1 / 0 or {'commit'") + PROGRAM)
    assert capture(tmp_path / "train.py")["source"] == "source"


def test_an_installation_from_a_repository_is_known_by_pips_record(tmp_path: Path) -> None:
    installed = tmp_path / "lib" / "site-packages"
    info = installed / "churn-1.0.dist-info"
    info.mkdir(parents=True)
    (installed / "churn").mkdir()
    (installed / "churn" / "__init__.py").write_text("")
    (installed / "churn" / "__main__.py").write_text(PROGRAM)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: churn\nVersion: 1.0\n")
    (info / "RECORD").write_text("churn/__init__.py,,\nchurn/__main__.py,,\nchurn-1.0.dist-info/METADATA,,\n")
    record = {
        "url": "https://u:p@example.org/a/churn.git",
        "vcs_info": {"vcs": "git", "commit_id": COMMIT, "requested_revision": "v1"},
    }
    (info / "direct_url.json").write_text(json.dumps(record))
    command = [sys.executable, "-m", "churn"]
    env = {"PYTHONPATH": str(installed), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) == {
        "source": "direct_url",
        "repository": "https://example.org/a/churn",
        "commit": COMMIT,
        "branch": "v1",
        "entryPoint": "churn",
    }


def test_every_ci_system_in_the_table_has_a_case() -> None:
    assert set(code_hints.CI) == {"github", "gitlab", "jenkins", "circleci", "azure", "buildkite", "bitbucket"}
