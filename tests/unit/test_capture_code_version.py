"""Which code ran: from git in every state a checkout can be in, and from the fallbacks where there is none."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lineage import code_version, git, git_files

PROGRAM = "import json\nfrom lineage import code_version\nprint(json.dumps(code_version.capture()))\n"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def run_git(folder: Path, *arguments: str) -> str:
    command = [
        "git",
        "-C",
        str(folder),
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.org",
        "-c",
        "commit.gpgsign=false",
    ]
    done = subprocess.run(
        [*command, "-c", "protocol.file.allow=always", *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    run_git(folder, "init", "-q", "-b", "main")
    (folder / "train.py").write_text(PROGRAM)
    (folder / "data.csv").write_text("a,b\n1,2\n")
    run_git(folder, "add", ".")
    run_git(folder, "commit", "-qm", "first")
    run_git(folder, "remote", "add", "origin", "https://ana:hunter2@example.org/team/repo.git")
    return folder


def capture(script: Path, **more: str) -> dict[str, Any]:
    """What a process of its own finds, started as a user would start it; nothing of this machine's CI is seen."""
    known = ("CI", "GITHUB", "GITLAB", "JENKINS", "CIRCLE", "TF_BUILD", "BUILD", "BITBUCKET", "LINEAGE", "GIT_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(known)}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=script.parent, env=env | more, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_clean_checkout_tells_commit_branch_and_remote(repository: Path) -> None:
    found = capture(repository / "train.py")
    assert found == {
        "source": "git",
        "repository": "https://example.org/team/repo",
        "commit": run_git(repository, "rev-parse", "HEAD"),
        "branch": "main",
        "dirty": False,
        "entryPoint": "train.py",
    }


def test_a_dirty_checkout_keeps_the_difference(repository: Path) -> None:
    (repository / "train.py").write_text("# changed: password = 'hunter2'\n" + PROGRAM)
    (repository / "new.py").write_text("fresh = 1\n")
    (repository / "data.csv").write_text("a,b\n1,3\nsample-of-data\n")
    (repository / "notes.ipynb").write_text('{"outputs": ["sample-of-output"]}')
    (repository / ".env").write_text("TOKEN=hunter2\n")
    found = capture(repository / "train.py")
    assert found["dirty"] is True
    assert "+# changed: password = '[redacted:password]'" in found["diff"]
    assert "+fresh = 1" in found["diff"]
    for private in ("sample-of-data", "sample-of-output", "hunter2"):
        assert private not in json.dumps(found)
    first = found["diffDigest"]
    assert capture(repository / "train.py")["diffDigest"] == first
    (repository / "notes.ipynb").write_text('{"outputs": ["another"]}')
    assert capture(repository / "train.py")["diffDigest"] != first, "what leaves no text still counts"


def test_the_kept_difference_can_be_applied(repository: Path, tmp_path: Path) -> None:
    (repository / "train.py").write_text(PROGRAM + "# one more line\n")
    (repository / "with space.py").write_text("x = 1")
    (repository / "empty.py").write_text("")
    found = git.read(str(repository))
    assert found is not None
    clone = tmp_path / "clone"
    run_git(tmp_path, "clone", "-q", str(repository), str(clone))
    subprocess.run(
        ["git", "-C", str(clone), "apply"], input=str(found.diff), text=True, check=True, capture_output=True
    )
    for name in ("train.py", "with space.py"):
        assert (clone / name).read_text() == (repository / name).read_text()


def test_a_script_that_git_ignores_is_identified_by_its_source(repository: Path) -> None:
    (repository / ".gitignore").write_text("scratch.py\n")
    run_git(repository, "add", ".")
    run_git(repository, "commit", "-qm", "ignore")
    (repository / "scratch.py").write_text(PROGRAM)
    found = capture(repository / "scratch.py")
    assert (found["source"], found["dirty"]) == ("git", False)
    assert [entry["module"] for entry in found["snapshot"]] == ["scratch.py"]


def test_big_untracked_data_is_not_read_through(repository: Path) -> None:
    with (repository / "big.bin").open("wb") as file:
        file.truncate(100 << 20)
    found = capture(repository / "train.py")
    assert found["dirty"] is True
    assert "diffDigest" not in found, "it was not all read, so nothing claims to cover it"
    assert found["sourceDigest"]


def test_a_long_difference_is_cut_and_says_so(repository: Path) -> None:
    (repository / "train.py").write_text(PROGRAM + "x = 1\n" * 100_000)
    found = capture(repository / "train.py")
    assert found["diffTruncated"] is True
    assert len(found["diff"]) == git.DIFF_LIMIT
    assert len(found["diffDigest"]) == 64


def test_a_detached_head_has_no_branch(repository: Path) -> None:
    run_git(repository, "checkout", "-q", "--detach")
    found = capture(repository / "train.py")
    assert "branch" not in found
    assert found["commit"] == run_git(repository, "rev-parse", "HEAD")


def test_before_the_first_commit_the_sources_identify_the_code(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q")
    (tmp_path / "train.py").write_text(PROGRAM)
    found = capture(tmp_path / "train.py")
    assert (found["source"], found["dirty"], found.get("commit")) == ("git", True, None)
    assert found["sourceDigest"]
    assert capture(tmp_path / "train.py", LINEAGE_CODE_COMMIT=COMMIT)["commit"] == COMMIT


def test_without_the_git_program_the_repository_is_read_directly(repository: Path, tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    commit = run_git(repository, "rev-parse", "HEAD")
    for pack in (False, True):
        if pack:
            run_git(repository, "pack-refs", "--all")
        found = capture(repository / "train.py", PATH=str(empty))
        assert (found["source"], found["commit"], found["branch"]) == ("git", commit, "main")
        assert found["repository"] == "https://example.org/team/repo"
        assert "dirty" not in found, "unknown is not clean"
        assert found["sourceDigest"], "and what ran is identified all the same"


def test_a_checkout_of_another_user_is_read(repository: Path) -> None:
    if os.getuid() != 0:
        pytest.fail("this test needs root to give files away; CI runs as root")
    for path in (repository, *repository.rglob("*")):
        os.chown(path, 12345, 12345)
    refused = subprocess.run(["git", "-C", str(repository), "status"], capture_output=True, text=True, check=False)
    assert "dubious ownership" in refused.stderr, "git itself refuses"
    found = capture(repository / "train.py")
    assert (found["source"], found["dirty"]) == ("git", False)


def test_nothing_in_the_repositorys_configuration_gets_to_run(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f'#!/bin/sh\ntouch {tmp_path}/sprung\ncat "$@" 2>/dev/null\n')
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "core.pager", "diff.csv.textconv", "core.sshCommand"):
        run_git(repository, "config", key, str(trap))
    (repository / ".gitattributes").write_text("*.csv diff=csv\n")
    hooks = repository / ".git" / "hooks"
    for name in ("post-index-change", "pre-commit"):
        shutil.copy(trap, hooks / name)
    (repository / "data.csv").write_text("changed\n")
    found = capture(repository / "train.py")
    assert found["dirty"] is True
    assert not (tmp_path / "sprung").exists()


def test_the_index_is_never_written(repository: Path) -> None:
    os.utime(repository / "train.py", (1, 1))
    before = (repository / ".git" / "index").stat()
    capture(repository / "train.py")
    after = (repository / ".git" / "index").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_variables_that_point_git_elsewhere_are_ignored(repository: Path, tmp_path: Path) -> None:
    found = capture(repository / "train.py", GIT_DIR=str(tmp_path / "nowhere"), GIT_WORK_TREE="/")
    assert found["commit"] == run_git(repository, "rev-parse", "HEAD")


def test_a_deleted_current_folder_does_not_matter(repository: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"import os; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r})\n" + PROGRAM
    (repository / "train.py").write_text(script)
    run_git(repository, "commit", "-qam", "second")
    assert capture(repository / "train.py")["source"] == "git"
    gone.mkdir()
    (tmp_path / "alone.py").write_text(script)
    assert capture(tmp_path / "alone.py")["source"] == "source"


def test_worktrees_and_submodules_are_told(repository: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    run_git(inner, "init", "-q", "-b", "main")
    (inner / "lib.py").write_text("x = 1\n")
    run_git(inner, "add", ".")
    run_git(inner, "commit", "-qm", "inner")
    run_git(repository, "submodule", "--quiet", "add", str(inner), "vendored")
    run_git(repository, "commit", "-qm", "with submodule")
    found = capture(repository / "train.py")
    assert [(entry["kind"], entry["path"]) for entry in found["repositories"]] == [
        ("main", "."),
        ("submodule", "vendored"),
    ]
    assert found["repositories"][1]["commit"] == run_git(inner, "rev-parse", "HEAD")
    tree = tmp_path / "tree"
    run_git(repository, "worktree", "add", "-q", "-b", "side", str(tree))
    head = git_files.read(str(tree))
    assert head is not None
    assert (head.commit, head.branch) == (run_git(repository, "rev-parse", "HEAD"), "side")
    assert capture(tree / "train.py")["branch"] == "side"
    module = git_files.read(str(repository / "vendored"))
    assert module is not None
    assert module.commit == run_git(inner, "rev-parse", "HEAD")


def test_modules_of_another_checkout_are_told(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    run_git(other, "init", "-q")
    (other / "shared_lib.py").write_text("x = 1\n")
    run_git(other, "add", ".")
    run_git(other, "commit", "-qm", "lib")
    (other / "shared_lib.py").write_text("x = 2\n")
    (repository / "train.py").write_text("import shared_lib\n" + PROGRAM)
    run_git(repository, "commit", "-qam", "uses lib")
    found = capture(repository / "train.py", PYTHONPATH=str(other))
    entry = found["repositories"][1]
    assert (entry["kind"], entry["path"], entry["dirty"]) == ("editable", "other", True)
    assert entry["diffDigest"]


def test_a_bare_repository_is_read(repository: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    run_git(tmp_path, "clone", "-q", "--bare", str(repository), str(bare))
    found = git.read(str(git.find(str(bare / "objects"))))
    assert found is not None
    assert (found.commit, found.dirty) == (run_git(repository, "rev-parse", "HEAD"), None)


def test_without_anything_the_sources_are_digest_and_snapshot(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import helpers\nTOKEN = 'api_key=hunter2'\n" + PROGRAM)
    (tmp_path / "helpers.py").write_text("x = 1\n")
    found = capture(tmp_path / "train.py")
    assert found["source"] == "source"
    assert [entry["module"] for entry in found["snapshot"]] == ["helpers", "train.py"]
    assert found["snapshot"][0] == {
        "module": "helpers",
        "digest": hashlib.sha256(b"x = 1\n").hexdigest(),
        "text": "x = 1\n",
    }
    assert "hunter2" not in json.dumps(found)
    (tmp_path / "helpers.py").write_text("x = 2\n")
    assert capture(tmp_path / "train.py")["sourceDigest"] != found["sourceDigest"]


def test_a_bare_console_has_no_code_version(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM]
    env = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout) is None


def test_a_module_started_by_name_is_named(repository: Path) -> None:
    (repository / "pkg").mkdir()
    (repository / "pkg" / "__init__.py").write_text("")
    (repository / "pkg" / "train.py").write_text(PROGRAM)
    run_git(repository, "add", ".")
    run_git(repository, "commit", "-qm", "pkg")
    done = subprocess.run(
        [sys.executable, "-m", "pkg.train"], cwd=repository, capture_output=True, text=True, timeout=60
    )
    assert json.loads(done.stdout)["entryPoint"] == "pkg/train.py"


@pytest.mark.parametrize(
    ("remote", "kept"),
    [
        ("https://ana:hunter2@github.com/o/r.git", "https://github.com/o/r"),
        ("https://ghp_0123456789abcdefghij0123@github.com/o/r", "https://github.com/o/r"),
        ("git@github.com:o/r.git", "https://github.com/o/r"),
        ("ssh://git@github.com:22/o/r.git", "https://github.com/o/r"),
        ("ssh://git@git.example.org:7999/o/r.git", "ssh://git.example.org:7999/o/r"),
        ("git://example.org/o/r.git", "https://example.org/o/r"),
        ("https://x-token-auth:ATATT3xFfGF0abc@bitbucket.org/o/r.git", "https://bitbucket.org/o/r"),
        ("/srv/git/r.git", "/srv/git/r"),
        ("../r.git", "../r"),
        ("https://gitlab-ci-token:p@ss/w@rd@gitlab.example.org/o/r.git", "https://gitlab.example.org/o/r"),
    ],
)
def test_remotes_have_one_form_and_no_login(remote: str, kept: str) -> None:
    assert git.address(remote) == kept


def test_the_standard_facet_points_at_the_repository() -> None:
    code = {
        "source": "git",
        "repository": "https://github.com/o/r",
        "commit": COMMIT,
        "branch": "main",
        "entryPoint": "train.py",
    }
    assert code_version.source_code_location(code) == {
        "type": "git", "url": "https://github.com/o/r", "repoUrl": "https://github.com/o/r", "path": "train.py",
        "version": COMMIT, "branch": "main",
    }  # fmt: skip
    assert code_version.source_code_location({"source": "source"}) is None
