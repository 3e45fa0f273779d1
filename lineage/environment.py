"""What the code runs in: Python, packages, lock file, platform, accelerators, container image.

Owns the body of `weftline_environment` and its digest, which leaves host and user out so that two machines set up
alike agree. Environment variables are read for named hints only and never kept as such. Called once per process, off
the hot path (`process`).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
from typing import Any

from lineage import diagnostics, first_party, git, installed
from lineage.redact import redact_text

LOCK_FILES = (
    "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pixi.lock", "conda-lock.yml", "conda-lock.yaml",
    "pylock.toml", "requirements.lock", "requirements.txt", "environment.yml", "environment.yaml",
)  # fmt: skip
# Variables by which images and platforms name the image that runs.
IMAGE_VARIABLES = (
    "LINEAGE_IMAGE", "CONTAINER_IMAGE", "IMAGE_DIGEST", "IMAGE_NAME", "DOCKER_IMAGE",
    "AIRFLOW__KUBERNETES__WORKER_CONTAINER_REPOSITORY",
    "PREFECT__FLOW_RUN_IMAGE", "JUPYTER_IMAGE_SPEC", "JUPYTER_IMAGE",
    "K_REVISION", "SM_IMAGE_URI",
)  # fmt: skip
_SMI_SECONDS = 5.0
_LOCK_LIMIT = 64 << 20


def capture() -> dict[str, Any] | None:
    """The body of `weftline_environment`. Takes some tens of milliseconds, with a GPU up to seconds."""
    content: dict[str, Any] = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": _platform(),
        "packages": installed.packages(),
    }
    lock = _lock_file()
    if lock is not None:
        content["lockFile"], content["lockDigest"] = lock
    for key, value in (("accelerators", accelerators()), ("image", image())):
        if value:
            content[key] = value
    return {"digest": digest(content), **content}


def digest(content: dict[str, Any]) -> str:
    """SHA-256 of an environment's content."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def accelerators() -> list[str]:
    """Names of GPUs and their driver, from `nvidia-smi` if it is installed, else from the kernel's list."""
    if shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
        try:
            done = subprocess.run(
                query, capture_output=True, timeout=_SMI_SECONDS, check=False, stdin=subprocess.DEVNULL
            )
            if done.returncode == 0:
                return [line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
        except (OSError, subprocess.TimeoutExpired) as error:
            diagnostics.debug(f"nvidia-smi: {error}")
    found = []
    folder = "/proc/driver/nvidia/gpus"
    try:
        for gpu in sorted(os.listdir(folder)):
            with open(os.path.join(folder, gpu, "information"), encoding="utf-8", errors="replace") as file:
                found += [line.partition(":")[2].strip() for line in file if line.startswith("Model:")]
    except OSError:
        pass
    return found


def image() -> str | None:
    """The container image, where a variable names it."""
    for name in IMAGE_VARIABLES:
        value = os.environ.get(name, "").strip()
        if value:
            return redact_text(value)
    return None


def _platform() -> str:
    libc = "-".join(part for part in platform.libc_ver() if part)
    return "-".join(part for part in (platform.system(), platform.machine(), libc) if part)


def _lock_file() -> tuple[str, str] | None:
    """Name and digest of the lock file nearest to the entry point, at most up to its repository's top."""
    _, entry = first_party.entry_point()
    try:
        here = os.getcwd()
    except OSError:
        here = None
    starts = [os.path.dirname(entry)] if entry is not None and first_party.is_first_party(entry) else []
    for start in [*starts, *([here] if here else [])]:
        top = git.find(start)
        folder = start
        while True:
            for name in LOCK_FILES:
                found = _digest(os.path.join(folder, name))
                if found is not None:
                    return name, found
            if folder == top or top is None or os.path.dirname(folder) == folder:
                break
            folder = os.path.dirname(folder)
    return None


def _digest(path: str) -> str | None:
    try:
        if os.path.isfile(path) and os.path.getsize(path) <= _LOCK_LIMIT:
            with open(path, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        pass
    return None
