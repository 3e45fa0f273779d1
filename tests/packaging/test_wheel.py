"""The distribution as users get it: what is in the wheel, what it asks for, what importing it pulls in."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"lineage", "lineage_prefect", "lineage_airflow", "lineage_graph", "lineage_api"}
SERVER_ONLY = ("fastapi", "starlette", "uvicorn", "neo4j", "sqlalchemy", "alembic", "pyarrow")

# Refuses the service's libraries the way a base install does, then runs what follows.
BASE_INSTALL = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {SERVER_ONLY!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution of this checkout."""
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist", "-d", str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


def test_wheel_holds_exactly_the_five_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        roots = {name.split("/")[0] for name in archive.namelist()}
    assert {root for root in roots if not root.endswith(".dist-info")} == PACKAGES


def test_every_package_is_typed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_wheel_carries_every_file_that_is_read_at_run_time(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    folders = {"lineage": "lineage", "lineage_graph": "graph_schema/lineage_graph", "lineage_api": "api/lineage_api"}
    for package, folder in folders.items():
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".sql", ".cypher", ".json"} and "static" not in path.parts:
                assert f"{package}/{path.relative_to(ROOT / folder).as_posix()}" in shipped


def test_wheel_carries_the_pipeline_of_the_demo(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = archive.read("lineage/cli/demo_pipeline.py")
    assert shipped == (ROOT / "examples/diagnosis/pipeline.py").read_bytes()


def test_a_wheel_built_from_the_source_distribution_is_the_same(built: Path, wheel: Path, tmp_path: Path) -> None:
    (packed,) = built.glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=100)
    (again,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert sorted(one.namelist()) == sorted(other.namelist())


def test_source_distribution_holds_the_sources_and_nothing_private(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"lineage/__init__.py", "graph_schema/lineage_graph/__init__.py", "pyproject.toml", "LICENSE"} <= names
    assert not [name for name in names if name.startswith((".venv", ".git/", ".neo4j", "tests/"))]


def test_base_install_asks_for_nothing_of_the_service(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    requirements = [line for line in metadata.get_all("Requires-Dist") or [] if "extra ==" not in line]
    assert requirements, "the base install has requirements of its own"
    assert not [line for line in requirements if line.lower().startswith(SERVER_ONLY)]
    assert set(metadata.get_all("Provides-Extra") or []) >= {"server"}


# import name: the requirement that brings it, and is about it
BROUGHT_BY = {
    "pydantic": "fastapi",
    "starlette": "fastapi",
    "uvloop": "uvicorn",
    "yaml": "pyyaml",
    "openlineage": "openlineage-python",
}
USERS_OWN = {"pytest"}  # lineage.testing is for those who have it


def _imported(folder: Path) -> set[str]:
    """Roots of everything a package imports, anywhere in its code, that is neither ours nor Python's."""
    roots: set[str] = set()
    for path in folder.rglob("*.py"):
        for statement in ast.walk(ast.parse(path.read_text())):
            if isinstance(statement, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in statement.names}
            elif isinstance(statement, ast.ImportFrom) and statement.module:
                roots.add(statement.module.split(".")[0])
    return roots - PACKAGES - set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    ("folder", "extras"), [("lineage", []), ("graph_schema/lineage_graph", ["server"]), ("api/lineage_api", ["server"])]
)
def test_everything_imported_is_asked_for(folder: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    declared = {re.split(r"[\[<>=!~ ]", line)[0].replace("-", "_") for line in lines}
    needed = {BROUGHT_BY.get(root, root).replace("-", "_") for root in _imported(ROOT / folder) - USERS_OWN}
    assert needed <= declared


def test_import_lineage_loads_nothing_heavy() -> None:
    heavy = (
        *SERVER_ONLY,
        "openlineage.client",
        "pandas",
        "polars",
        "numpy",
        "httpx2",
        "typer",
        "rich",
        "lineage_graph",
    )
    code = f"import sys, lineage; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_sdk_and_command_line_work_from_the_wheel_without_the_service(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = f"""{BASE_INSTALL}
sys.path.insert(0, {str(tmp_path / "site")!r})
import lineage
assert lineage.__file__.startswith({str(tmp_path)!r}), lineage.__file__

@lineage.tracked_task
def double(x):
    return 2 * x

assert double(21) == 42
import lineage.cli.main
lineage.cli.main.main(["--help"])  # ends in SystemExit(0)
"""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LINEAGE_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "runs" in done.stdout
    assert list((tmp_path / "home").rglob("*")), "the task's records are on disk"
