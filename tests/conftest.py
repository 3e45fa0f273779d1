"""What every test run has: the report at its end. Fixtures stand in `fixtures/`, counts in `scale`."""

from __future__ import annotations

pytest_plugins = ["plugins.report"]
