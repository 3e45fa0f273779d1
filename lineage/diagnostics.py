"""What the SDK says on stderr: warnings once each, reasons when asked for. Never raises, never floods, never stdout.

It does not decide what is worth saying; callers do. It is not `logging`: a user's logging set-up may ship records to a
service, block, or raise, and none of that may happen to a task because of us.
"""

from __future__ import annotations

import os
import sys
import time

PREFIX = "lineage:"
_LINES_PER_MINUTE = 30
_seen: set[str] = set()
_window = [0.0, 0]


def warn_once(code: str, text: str) -> None:
    """Say `text` once per process for each `code`."""
    if code in _seen:
        return
    _seen.add(code)
    say(text)


def forget() -> None:
    """Begin anew, as a test does: what was said once may be said again."""
    _seen.clear()
    _window[:] = [0.0, 0]


def debug(text: str) -> None:
    """Say `text` when `LINEAGE_DEBUG` is set."""
    if os.environ.get("LINEAGE_DEBUG", "").strip().lower() in ("1", "true", "yes", "on"):
        _write(f"{PREFIX} {text}")


def say(text: str) -> None:
    """Write one line to stderr, at most thirty a minute."""
    tell(f"{PREFIX} {text}")


def tell(text: str) -> None:
    """The same without our prefix: for the closing line of a run, which says itself whose it is."""
    now = time.monotonic()
    if now - _window[0] >= 60:
        _window[:] = [now, 0]
    _window[1] += 1
    if _window[1] <= _LINES_PER_MINUTE:
        _write(text)


def _write(text: str) -> None:
    line = f"{_printable(text)}\n"
    try:
        stream = sys.stderr
        if stream is not None:
            stream.write(line)
            stream.flush()
    except Exception:  # a closed, replaced or re-entered stderr is not the task's problem
        return


def _printable(text: str) -> str:
    """Names come from users' data: no control character may reach the terminal, no lone surrogate the codec."""
    if text.isprintable() and text.isascii():
        return text
    cleaned = "".join(c if c.isprintable() else " " if c in "\r\n\t" else "\ufffd" for c in text)
    return cleaned.encode("utf-8", "replace").decode("utf-8")
