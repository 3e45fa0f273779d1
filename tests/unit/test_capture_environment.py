"""What the code ran in: the same on machines set up alike, and different when a package is."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from lineage import environment

PROGRAM = "import json\nfrom lineage import environment\nprint(json.dumps(environment.capture()))\n"


def capture(folder: Path, **more: str) -> dict[str, Any]:
    (folder / "train.py").write_text(PROGRAM)
    env = {"PATH": os.environ["PATH"], **more}
    done = subprocess.run([sys.executable, "train.py"], cwd=folder, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_python_platform_and_packages_are_told(tmp_path: Path) -> None:
    found = capture(tmp_path)
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["implementation"] == "CPython"
    assert found["packages"]["numpy"] == metadata.version("numpy")
    assert found["packages"]["scikit-learn"] == metadata.version("scikit-learn")
    assert list(found["packages"]) == sorted(found["packages"])
    assert len(found["digest"]) == 64


def test_the_digest_leaves_host_user_and_variables_out(tmp_path: Path) -> None:
    first = capture(tmp_path, HOSTNAME="one", USER="ana", SECRET="x")
    second = capture(tmp_path, HOSTNAME="two", USER="ben", HOME="/elsewhere")
    assert first == second
    text = json.dumps(first)
    assert os.uname().nodename not in text or len(os.uname().nodename) < 4
    assert first["digest"] == environment.digest({k: v for k, v in first.items() if k != "digest"})


def test_another_package_is_another_digest() -> None:
    content = {"python": "3.11", "packages": {"numpy": "2.0"}}
    assert environment.digest(content) == environment.digest({"packages": {"numpy": "2.0"}, "python": "3.11"})
    assert environment.digest(content) != environment.digest({"python": "3.11", "packages": {"numpy": "2.1"}})


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock", "requirements.txt", "Pipfile.lock", "conda-lock.yml"])
def test_the_lock_file_beside_the_entry_point_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("locked\n")
    found = capture(tmp_path)
    assert (found["lockFile"], found["lockDigest"]) == (name, hashlib.sha256(b"locked\n").hexdigest())


def test_the_nearest_lock_file_up_to_the_repository_counts(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("outside\n")
    top = tmp_path / "repo"
    inner = top / "jobs" / "daily"
    inner.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(top)], check=True, capture_output=True)
    assert "lockFile" not in capture(inner)
    (top / "poetry.lock").write_text("top\n")
    assert capture(inner)["lockFile"] == "poetry.lock"
    (inner / "requirements.txt").write_text("near\n")
    assert capture(inner)["lockFile"] == "requirements.txt"


def test_accelerators_are_what_nvidia_smi_says_and_a_failing_one_says_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    tool = folder / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA A100, 40960 MiB, 550.1'\necho 'NVIDIA A100, 40960 MiB, 550.1'\n")
    tool.chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    assert capture(tmp_path, PATH=path)["accelerators"] == ["NVIDIA A100, 40960 MiB, 550.1"] * 2
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert "accelerators" not in capture(tmp_path, PATH=path)


def test_the_image_is_what_the_platform_names(tmp_path: Path) -> None:
    assert (
        capture(tmp_path, JUPYTER_IMAGE="registry.example.org/lab@sha256:abc")["image"]
        == "registry.example.org/lab@sha256:abc"
    )
    assert capture(tmp_path, CONTAINER_IMAGE="https://u:hunter2@registry.example.org/x")["image"].count("hunter2") == 0


def test_a_broken_distribution_does_not_cost_the_others(tmp_path: Path) -> None:
    broken = tmp_path / "lib" / "broken-1.0.dist-info"
    broken.mkdir(parents=True)
    (broken / "METADATA").write_bytes(b"\xff\xfe not metadata")
    (tmp_path / "lib" / "nameless-2.0.dist-info").mkdir()
    found = capture(tmp_path, PYTHONPATH=str(tmp_path / "lib"))
    assert found["packages"]["numpy"]
