"""What is shown beside a running Airflow, in its environment: ids, import cost, and the provider not being there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from on_airflow.standalone import BIN, ROOT, environment_made

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]

_IDS = """
import json
from datetime import datetime, timezone
from airflow.providers.openlineage import conf
from airflow.providers.openlineage.utils.utils import build_dag_run_ol_run_id, build_task_instance_ol_run_id
from lineage_airflow import naming
moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
space = naming.namespace()
theirs = [conf.namespace(), build_dag_run_ol_run_id("d", moment, 2)]
theirs += [build_task_instance_ol_run_id("d", "g.t", 3, moment, index) for index in (-1, 0, 7)]
ours = [space, naming.dag_run_id(space, "d", moment, 2)]
ours += [naming.task_run_id(space, "d", "g.t", moment, 3, index) for index in (-1, 0, 7)]
print(json.dumps([theirs, ours]))
"""

_ABSENT = """
import json
from importlib.util import find_spec
from airflow.plugins_manager import _get_plugins
names = [plugin.name for plugin in _get_plugins()[0]]
from lineage_airflow import lifecycle, provider
print(json.dumps([find_spec("airflow.providers.openlineage") is None, names, provider.at_work()]))
"""

_CONNECTION = """
import json
from airflow.providers_manager import ProvidersManager
hook = ProvidersManager().hooks["lineage"]
print(json.dumps([hook.package_name, hook.connection_id_attribute_name, hook.hook_class_name, hook.hook_name]))
"""

_COST = """
import json, sys, time
import airflow.plugins_manager
import airflow.listeners
before = set(sys.modules)
started = time.perf_counter()
import lineage_airflow.plugin
took = time.perf_counter() - started
print(json.dumps([took, sorted(name for name in set(sys.modules) - before if not name.startswith("lineage_airflow"))]))
"""


_PARSED = """
import json
from airflow.dag_processing.dagbag import DagBag
found = DagBag("documented.py")
dag = next(iter(found.dags.values()))
print(json.dumps([[dag.dag_id, sorted(dag.task_ids)], found.import_errors]))
"""


def _python(script: str, folder: Path, *options: str, path: str = "") -> list[Any]:
    environment_made()
    environment = {"AIRFLOW_HOME": str(folder), "AIRFLOW__OPENLINEAGE__NAMESPACE": "ml", "PATH": "/usr/bin:/bin"}
    environment["PYTHONPATH"] = path
    command = [str(BIN / "python"), *options, "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    assert ended.returncode == 0, ended.stderr
    found: list[Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def _without_provider(folder: Path) -> Path:
    """The environment's packages but the provider's, as links."""
    packages = next((BIN.parent / "lib").glob("python*/site-packages"))
    for level in (Path("."), Path("airflow"), Path("airflow/providers")):
        (folder / level).mkdir(parents=True)
        for entry in (packages / level).iterdir():
            ours = level / entry.name in (
                Path("airflow"),
                Path("airflow/providers"),
                Path("airflow/providers/openlineage"),
            )
            if not ours and not entry.name.startswith("apache_airflow_providers_openlineage"):
                (folder / level / entry.name).symlink_to(entry)
    return folder


def test_ids_are_those_of_the_provider(tmp_path: Path) -> None:
    theirs, ours = _python(_IDS, tmp_path)
    assert theirs == ours


def test_where_the_provider_is_not_installed_our_listener_tells(tmp_path: Path) -> None:
    packages = _without_provider(tmp_path / "packages")
    path = f"{packages}:{ROOT}:{ROOT / 'operators'}"
    absent, plugins, at_work = _python(_ABSENT, tmp_path, "-S", path=path)
    assert absent
    assert "weftline" in plugins
    assert not at_work


def test_airflow_knows_the_connection_type(tmp_path: Path) -> None:
    hook = "lineage_airflow.hooks.LineageHook"
    assert _python(_CONNECTION, tmp_path) == ["weftline", "lineage_conn_id", hook, "Lineage (weftline)"]


def test_the_plugin_costs_the_scheduler_next_to_nothing(tmp_path: Path) -> None:
    took, imported = _python(_COST, tmp_path)
    print(f"import of the plugin: {took * 1000:.1f} ms")
    assert imported == []
    assert took < 0.05


def test_the_documented_dag_is_one(tmp_path: Path) -> None:
    code = re.findall(r"^```py\n(.*?)^```$", (ROOT / "docs" / "airflow.md").read_text(), re.DOTALL | re.MULTILINE)
    assert len(code) == 1
    (tmp_path / "documented.py").write_text(code[0])
    assert _python(_PARSED, tmp_path) == [["churn", ["prepare", "train"]], {}]
