"""Docs say what the code does: generated parts are current, commands exist, code blocks run, links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lineage_api.problem import Kind
from scripts.generate_docs import PARTS, SECTION, command_tree, openapi, pages, rendered

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*pages(), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def blocks(page: str, *languages: str) -> list[str]:
    return [code for language, code in BLOCK.findall((ROOT / page).read_text()) if language in languages]


def prompts() -> list[tuple[str, str]]:
    found = []
    for page in NAMES:
        for code in blocks(page, "console"):
            found += [(page, line[2:]) for line in code.splitlines() if line.startswith("$ ")]
    return found


@pytest.mark.parametrize("page", [name for name in NAMES if SECTION.search((ROOT / name).read_text())])
def test_generated_parts_are_current(page: str) -> None:
    text = (ROOT / page).read_text()
    assert rendered(text) == text, "run `make docs`"


def test_every_generated_part_stands_somewhere() -> None:
    used = {match[1] for page in PAGES for match in SECTION.findall(page.read_text())}
    assert used == set(PARTS)


def test_every_setting_command_route_and_facet_is_documented() -> None:
    everything = "\n".join(page.read_text() for page in PAGES)
    for path, _ in command_tree():
        assert path in everything
    for path, methods in openapi()["paths"].items():
        assert all(f"`{method.upper()} {path}`" in everything for method in methods), path
    for schema in (ROOT / "lineage/schemas/facets").rglob("*.json"):
        assert all(f"`{facet}`" in everything for facet in json.loads(schema.read_text())["properties"]), schema.name
    read = re.compile(r"""environ(?:\.get\(|\[)\s*["'](LINEAGE_\w+)""")
    for folder in ("lineage", "graph_schema", "api/lineage_api", "operators"):
        for source in (ROOT / folder).rglob("*.py"):
            for name in read.findall(source.read_text()):
                assert name in everything, f"{name}, read in {source.relative_to(ROOT)}"


def test_every_problem_has_the_section_its_type_points_at() -> None:
    sections = set(re.findall(r"^## (\S+)$", (ROOT / "docs/problems.md").read_text(), re.MULTILINE))
    assert sections == {kind.slug for kind in Kind}


def test_commands_in_the_docs_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = [path for path, _ in command_tree()]
    assert prompts(), "the docs show commands"
    for page, line in prompts():
        words = line.split()
        if words[0] == "make":
            assert words[1] in targets, f"{page}: {line}"
        if words[0] == "lineage":
            assert any(f"{line} ".startswith(f"{path} ") for path in known), f"{page}: {line}"


def test_commands_in_running_text_exist() -> None:
    known = [path for path, _ in command_tree()]
    groups = {path.rsplit(" ", 1)[0] for path in known}
    for page in NAMES:
        for said in re.findall(r"`(lineage [a-z][^`]*)`", (ROOT / page).read_text()):
            assert said in groups or any(f"{said} ".startswith(f"{path} ") for path in known), f"{page}: {said}"


@pytest.mark.parametrize("page", NAMES)
def test_links_lead_somewhere(page: str) -> None:
    for target, _ in LINK.findall((ROOT / page).read_text()):
        if not target.startswith(("http://", "https://")):
            assert ((ROOT / page).parent / target).exists(), target


@pytest.mark.parametrize("page", NAMES)
def test_data_blocks_parse(page: str) -> None:
    for code in blocks(page, "json"):
        json.loads(code)


@pytest.mark.parametrize("page", [name for name in NAMES if blocks(name, "python")])
def test_python_blocks_run(page: str, tmp_path: Path) -> None:
    (tmp_path / "block.py").write_text("\n\n".join(blocks(page, "python")))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LINEAGE_")},
        "LINEAGE_HOME": str(tmp_path / "home"),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "block.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "tracked:" in done.stderr, "a root run ends with its summary line"
