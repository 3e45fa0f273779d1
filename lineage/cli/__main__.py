"""`python -m lineage.cli`: the command where its script is not on the path."""

from __future__ import annotations

from lineage.cli.main import main

if __name__ == "__main__":
    main()
