"""What every test run has: the report at its end, the fixtures of `fixtures/`, and its environment back as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

pytest_plugins = ["plugins.report", "fixtures.neo4j", "fixtures.stores", "fixtures.asking"]


@pytest.fixture(autouse=True)
def _environment_restored() -> Iterator[None]:
    before = dict(os.environ)
    yield
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)
