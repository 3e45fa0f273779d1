"""The public surface: small, sorted, lazy, and not hidden by a module of the same name."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import FunctionType

import pytest

import lineage
from lineage import record
from lineage.recording import Recording

PACKAGE = Path(lineage.__file__).parent
PROMISED = {
    "tracked_task", "tracked_flow", "run", "Dataset", "Model", "log_param", "log_metric", "log_metrics", "log_input",
    "log_output", "log_file", "log_check", "log_deployment", "log_predictions", "tag", "register_model", "query",
    "origins", "impact", "why", "autocapture", "current_run",
}  # fmt: skip


def test_everything_promised_is_there_and_all_is_sorted() -> None:
    assert set(lineage.__all__) >= PROMISED
    assert list(lineage.__all__) == sorted(lineage.__all__)
    for name in lineage.__all__:
        assert getattr(lineage, name) is not None
    assert set(lineage.__all__) <= set(dir(lineage))


def test_a_name_that_is_not_there_says_so() -> None:
    with pytest.raises(AttributeError, match="'lineage' has no attribute 'trackd_task'"):
        lineage.trackd_task  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_the_version_is_the_distributions() -> None:
    assert lineage.__version__ == version("weftline")


def test_no_module_hides_a_public_name() -> None:
    modules = {path.stem for path in PACKAGE.iterdir()}
    assert modules & set(lineage.__all__) == set()


def test_every_public_function_is_documented_with_types() -> None:
    for name in lineage.__all__:
        value = getattr(lineage, name)
        assert inspect.getdoc(value), name
        if isinstance(value, FunctionType):
            assert "return" in value.__annotations__, name


def test_functions_and_methods_of_one_name_take_the_same_arguments() -> None:
    for name in (name for name in lineage.__all__ if hasattr(Recording, name)):
        function = inspect.signature(getattr(record, name))
        method = inspect.signature(getattr(Recording, name))
        assert list(function.parameters.values()) == list(method.parameters.values())[1:], name


def modules_after(statement: str) -> set[str]:
    show = "print(json.dumps(sorted(set(sys.modules) - before)))"
    script = f"import sys, json; before = set(sys.modules); {statement}; {show}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


def test_importing_loads_next_to_nothing() -> None:
    ours = {name for name in modules_after("import lineage") if name.startswith("lineage")}
    assert ours == {"lineage"}


@pytest.mark.parametrize(
    "statement", ["from lineage import tracked_task", "from lineage import register_model, Dataset"]
)
def test_tracking_loads_nothing_heavy(statement: str) -> None:
    loaded = {name.partition(".")[0] for name in modules_after(statement)}
    heavy = {"openlineage", "httpx2", "typer", "rich", "pandas", "numpy", "pyarrow", "polars", "attr", "asyncio", "ssl"}
    assert loaded & heavy == set()


def test_nothing_of_the_service_is_imported() -> None:
    banned = {
        "lineage_graph",
        "lineage_api",
        "lineage_prefect",
        "lineage_airflow",
        "fastapi",
        "neo4j",
        "sqlalchemy",
        "pyarrow",
    }
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert {name.partition(".")[0] for name in names} & banned == set(), path
