"""The error tree of the SDK and the command line.

Nothing here ever leaves a tracked function: inside a user's task the SDK swallows and tells (`lineage.diagnostics`).
These are for calls whose purpose is an answer: queries, the command line, the spool's own tools.

LineageError
├── UsageError           the call cannot mean anything; the message says what would
│   └── NamelessModel    a model's name is empty or no text; also a ValueError
├── ServiceUnavailable   no service answers, or none is configured
├── ServiceRefused       the service answered with a problem
└── SpoolFormatError     a file in the spool this version cannot read
    ├── SpoolIncomplete  its writer ended before the header was whole; nothing is in it
    └── SpoolTooNew      written by a newer version; upgrade this one
"""

from __future__ import annotations

from typing import Any


class LineageError(Exception):
    """Base of everything this package raises on purpose."""


class UsageError(LineageError):
    """The arguments cannot mean anything; the message names the argument and what belongs there."""


class NamelessModel(UsageError, ValueError):
    """A model's name is empty or no text; the message says what it was."""


class ServiceUnavailable(LineageError):
    """No service answers; the message names the address and the next thing to try."""


class ServiceRefused(LineageError):
    """The service answered with a problem (RFC 9457).

    Args:
        status: HTTP status.
        problem: the decoded problem document, or `{}` when the body was not one.
    """

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        title = problem.get("title") or f"HTTP {status}"
        detail = problem.get("detail")
        super().__init__(f"{title}: {detail}" if detail else str(title))
        self.status = status
        self.problem = problem


class SpoolFormatError(LineageError):
    """A file in the spool is damaged at its header or was written by a newer version; the message names it."""


class SpoolTooNew(SpoolFormatError):
    """A segment written by a newer version of weftline: left alone; upgrade to deliver it."""


class SpoolIncomplete(SpoolFormatError):
    """A segment whose header is not whole: its writer is at it this moment, or ended there with nothing stored."""
