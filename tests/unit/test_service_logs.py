"""Logs are JSON lines that cannot act on a terminal or forge another line."""

from __future__ import annotations

import json
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from lineage_api.logs import _render

HOSTILE = "a\r\nERROR forged\x1b[31m\x07\x9b31m\u202egnp.exe\u2028next\x7f\x00"


@given(st.text())
def test_every_text_is_one_printable_line(text: str) -> None:
    line = _render({"event": text, "name": text})
    assert all(" " <= character <= "~" for character in line)
    assert json.loads(line)["event"] == text


def test_both_loggers_of_a_process_are_escaped() -> None:
    program = (
        "import logging, sys\n"
        "from lineage_api.logs import configure, logger\n"
        "configure()\n"
        "hostile = sys.argv[1].encode().decode('unicode_escape')\n"
        "logger('test').warning('ours', name_of_job=hostile)\n"
        "logging.getLogger('uvicorn.error').warning('theirs %s', hostile)\n"
        "logging.getLogger('lineage_graph').error('graph %s', hostile)\n"
        "try:\n    raise ValueError(hostile)\n"
        "except ValueError as error:\n    logger('test').error('failed', exc_info=error)\n"
    )
    escaped = HOSTILE.encode("unicode_escape").decode()
    done = subprocess.run([sys.executable, "-c", program, escaped], capture_output=True, check=True)
    assert done.stdout == b""
    lines = done.stderr.decode("ascii").splitlines()
    assert len(lines) == 4
    for line in lines:
        assert all(" " <= character <= "~" for character in line)
        assert json.loads(line)["level"] in ("warning", "error")
    assert json.loads(lines[0])["name_of_job"] == HOSTILE
