"""`lineage demo` is true: its tree is what the pipeline did, and one byte of the source changes it from there on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from fixtures.embedded import Home

Json = dict[str, Any]


def digests(origins: Json) -> dict[str, str]:
    """Digest by dataset name, over the whole ancestry."""
    return {
        node["name"]: node["props"]["value"] for node in origins["nodes"] if node["kind"] == "DatasetVersion"
    }  # fmt: skip


def change_one_byte(source: Path) -> None:
    """One digit of the first measurement of the third tumour, which is in the part the model learns from."""
    content = source.read_bytes()
    assert content.count(b"\n19.69,21.25,") == 1
    source.write_bytes(content.replace(b"\n19.69,21.25,", b"\n19.68,21.25,"))


@pytest.mark.full
def test_the_demo_shows_the_origins_of_a_real_model_and_one_byte_changes_them(home: Home) -> None:
    shown = home.lineage("demo")
    assert shown.code == 0, shown.err
    source = home.path / "demo" / "breast_cancer.csv"
    first = home.lineage("origins", "diagnosis", "--json").json
    runs = {run["job"]["name"]: run for run in first["runs"]}
    steps = ("load", "clean", "split", "train", "evaluate", "register")
    assert runs.keys() == {f"diagnosis.{step}" for step in steps}
    (origin,) = first["sources"]
    assert (origin["name"], origin["value"]) == (str(source), hashlib.sha256(source.read_bytes()).hexdigest())
    model = home.path / "demo" / "diagnosis.joblib"
    assert first["version"]["value"] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert float(runs["diagnosis.evaluate"]["attributes"]["metric.auc"]["text"]) > 0.95
    assert {check["name"] for check in first["checks"]} == {"no missing values", "better than always guessing benign"}
    assert first["completeness"]["unresolved"] == []
    for part in ("diagnosis v1", origin["value"][:12], "run diagnosis.train", "auc 0.99", "code:", "environment:",
                 "checks: 2 passed", "missing:", "next:"):  # fmt: skip
        assert part in shown.out

    change_one_byte(source)
    again = home.lineage("demo")
    assert again.code == 0, again.err
    assert "diagnosis v2" in again.out
    second = home.lineage("origins", "diagnosis", "--json").json
    assert second["sources"][0]["value"] == hashlib.sha256(source.read_bytes()).hexdigest()
    before, after = digests(first), digests(second)
    assert before.keys() == after.keys()
    unchanged = {name for name in before if before[name] == after[name]}
    # What the model was judged on stays the same, and so may its metrics; everything else follows from the byte.
    assert unchanged <= {"diagnosis.split[1]", "diagnosis.evaluate"}
    assert "diagnosis.split[1]" in unchanged
    assert home.lineage("origins", "diagnosis@1", "--json").json["version"]["id"] == first["version"]["id"]
    assert json.loads(home.lineage("runs", "--json").out)["items"][0]["state"] == "COMPLETE"


def test_a_demo_without_its_libraries_says_what_to_install(home: Home, tmp_path: Path) -> None:
    program = tmp_path / "bare.py"
    program.write_text(
        "import sys\n"
        "sys.modules['sklearn'] = sys.modules['fastapi'] = None\n"
        "from lineage.cli.main import main\n"
        "try:\n    main(['demo'])\nexcept SystemExit as end:\n    assert end.code == 2\n"
    )
    ended = home.python(program)
    assert 'pip install "weftline[server]" scikit-learn' in ended.err
    assert not (home.path / "demo").exists()
