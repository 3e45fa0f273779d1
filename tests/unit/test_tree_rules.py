"""The checks of the tree find what they are for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.check_tree import HARD_CAP, check_names, check_text, complaints

MACHINE = re.compile("/checkouts/here/")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("index = 'https://pypi" + ".org/simple'", "registry"),
        ("pip install --index" + "-url X", "registry"),
        ("open('/ro" + "ot/data.csv')", "absolute path"),
        ("open('/home" + "/jo4/data.csv')", "absolute path"),
        ("cd /checkouts/here/weftline", "absolute path"),
    ],
)
def test_addresses_and_paths_of_one_machine_are_found(line: str, said: str) -> None:
    (found,) = check_text(Path("docs/a.md"), f"fine\n{line}\n", MACHINE)
    assert found.startswith("docs/a.md:2: ")
    assert said in found


def test_what_any_machine_has_is_fine() -> None:
    text = "~/.lineage /tmp/x /home/user/data https://openlineage.io /usr/bin/env"
    assert list(check_text(Path("docs/a.md"), text, MACHINE)) == []


@pytest.mark.parametrize("suffix", [".py", ".ts", ".cypher", ".sql"])
def test_long_files_are_found(suffix: str) -> None:
    lines = "x\n" * HARD_CAP
    assert list(check_text(Path(f"a{suffix}"), lines, None)) == []
    assert len(list(check_text(Path(f"a{suffix}"), lines + "x\n", None))) == 1


@pytest.mark.parametrize("name", ["lineage/utils.py", "api/lineage_api/helpers.py", "tests/lineage/test_x.py"])
def test_names_that_invite_everything_or_shadow_a_package_are_found(name: str) -> None:
    assert list(check_names(Path(name)))


def test_this_tree_is_clean() -> None:
    assert complaints() == []
