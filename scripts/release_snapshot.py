"""Records OpenAPI and facet schemas as the last release's, for the comparison in `tests/migration/test_api_compat.py`.

Run by `make release-snapshot`, once per release and never to make a failing comparison pass: a break needs a new API
version or a new major version of the facet.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.generate_docs import openapi

ROOT = Path(__file__).resolve().parent.parent
RELEASED_OPENAPI = ROOT / "docs/openapi-released.json"
RELEASED_FACETS = ROOT / "docs/facets-released.json"


def facets() -> dict[str, Any]:
    """Facet schemas by version and file name, for example `1-0-0/MetricsRunFacet.json`."""
    folder = ROOT / "lineage/schemas/facets"
    return {
        path.relative_to(folder).as_posix(): json.loads(path.read_text()) for path in sorted(folder.rglob("*.json"))
    }


def main() -> None:
    """Write both files."""
    for path, content in ((RELEASED_OPENAPI, openapi()), (RELEASED_FACETS, facets())):
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
