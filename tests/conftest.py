"""What every test run has: the report at its end, the fixtures of `fixtures/`, and its environment back as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

pytest_plugins = [
    "plugins.report",
    "fixtures.neo4j",
    "fixtures.stores",
    "fixtures.asking",
    "fixtures.command",
    "fixtures.embedded",
]

_SOAK_SECONDS = 4 * 3600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long counts take long: under LINEAGE_TEST_SCALE=soak every test's time limit is hours, its own one too."""
    if os.environ.get("LINEAGE_TEST_SCALE") == "soak":
        for item in items:
            item.add_marker(pytest.mark.timeout(_SOAK_SECONDS), append=False)


# Speed is shown in benchmarks, never by a test's deadline. The quick counts draw the same examples every time, so that
# a change is judged by itself; the long counts look for new ones.
settings.register_profile("weftline", deadline=None, derandomize=os.environ.get("LINEAGE_TEST_SCALE") != "soak")
settings.load_profile("weftline")


@pytest.fixture(autouse=True)
def _environment_restored() -> Iterator[None]:
    before = dict(os.environ)
    yield
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)
