"""Checks of the source tree that no linter makes: file sizes, junk drawers, addresses and paths of one machine.

Owns the rules and their allow-lists, each entry with its reason. Looks only at files git tracks or would track.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HARD_CAP = 450
CAPPED = {".py", ".pyi", ".ts", ".tsx", ".cypher", ".sql"}

# path: why it is allowed to be longer than the cap
LONG_FILES: dict[str, str] = {}

JUNK_DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc"}
PACKAGES = {"lineage", "lineage_graph", "lineage_api", "lineage_prefect", "lineage_airflow"}

# Written in halves, so that this file does not find itself.
_REGISTRIES = (
    ("pypi", "org"), ("pythonhosted", "org"), ("registry.npmjs", "org"), ("registry.yarnpkg", "com"),
    ("repo1.maven", "org"), ("repo.maven.apache", "org"), ("proxy.golang", "org"), ("crates", "io"),
    ("deb.debian", "org"),
)  # fmt: skip
REGISTRY = re.compile("|".join(re.escape(".".join(parts)) for parts in _REGISTRIES) + r"|--(?:extra-)?index-url")
HOME = re.compile(r"(?<![\w.])/(?:root|home/(?!user\b|app\b|ana\b)\w+|Users/(?!you\b)\w+)/")


def tracked() -> list[Path]:
    """Paths, relative to the root, of every file in the index or waiting to be added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [path for name in sorted(set(names)) if (ROOT / (path := Path(name))).is_file()]


def machine_path() -> re.Pattern[str] | None:
    """A pattern for the folder this checkout lies in, unless that is a place any machine has."""
    parent = ROOT.parent
    if parent in {Path("/"), Path("/tmp"), Path("/opt"), Path("/srv"), Path("/home"), Path("/var"), Path("/app")}:
        return None
    return re.compile(rf"(?<![\w.]){re.escape(str(parent))}/")


def check_names(path: Path) -> Iterator[str]:
    """Complaints about where a file is put or how it is called."""
    if path.stem in JUNK_DRAWERS and path.suffix in CAPPED:
        yield f"{path}: name it after what it holds; `{path.stem}` invites everything"
    if path.parts[0] == "tests" and PACKAGES & set(path.parts[1:-1]):
        yield f"{path}: a test folder named after a package shadows that package"


def check_text(path: Path, text: str, machine: re.Pattern[str] | None) -> Iterator[str]:
    """Complaints about a file's content, each with its line."""
    lines = text.splitlines()
    if path.suffix in CAPPED and len(lines) > HARD_CAP and str(path) not in LONG_FILES:
        yield f"{path}: {len(lines)} lines, cap {HARD_CAP}; split it along a concept, or give a reason in LONG_FILES"
    for number, line in enumerate(lines, 1):
        if REGISTRY.search(line):
            yield f"{path}:{number}: a registry's address; each machine uses its own index"
        if HOME.search(line) or (machine and machine.search(line)):
            yield f"{path}:{number}: an absolute path of one machine"


def complaints() -> list[str]:
    """Everything wrong with the tree, in the order of the files."""
    machine = machine_path()
    found: list[str] = []
    files = tracked()
    for path in files:
        found.extend(check_names(path))
        content = (ROOT / path).read_bytes()
        if b"\0" not in content[:8000]:
            found.extend(check_text(path, content.decode("utf-8", "replace"), machine))
    found.extend(f"LONG_FILES names {name}, which is not there" for name in LONG_FILES if Path(name) not in files)
    return found


def main() -> int:
    """Print every complaint; 1 if there is one."""
    found = complaints()
    print("\n".join(found) or f"tree: {len(tracked())} files, nothing to complain about")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
