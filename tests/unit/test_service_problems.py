"""A problem document points at a page that explains it."""

from __future__ import annotations

import re
from pathlib import Path

from lineage_api.problem import Kind, Problem

PAGE = Path(__file__).resolve().parents[2] / "docs" / "problems.md"


def test_every_problem_has_a_section_with_its_status() -> None:
    sections = dict(re.findall(r"^## (\S+)\n\n(\d{3})\. ", PAGE.read_text(), re.MULTILINE))
    assert sections == {kind.slug: str(kind.status) for kind in Kind}


def test_the_type_of_a_problem_is_the_address_of_its_section() -> None:
    for kind in Kind:
        address = Problem(kind, "x").document()["type"]
        assert address.endswith(f"/docs/{PAGE.name}#{kind.slug}")
