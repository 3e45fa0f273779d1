"""Structured logs: one JSON object a line on stderr, every character that could act on a terminal escaped.

Owns the configuration of structlog and the routing of the standard library's loggers (uvicorn, SQLAlchemy) into the
same lines. Does not decide what is worth a line.
"""

from __future__ import annotations

import json
import logging
import logging.config
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, FilteringBoundLogger


def _render(value: EventDict, **_: Any) -> str:
    """JSON with everything outside printable ASCII escaped: names in events may carry ESC, CR LF or bidi marks."""
    return json.dumps(value, ensure_ascii=True, default=repr, separators=(",", ":")).replace("\x7f", "\\u007f")


def configure(level: str = "INFO") -> None:
    """Send all logs of this process to stderr as JSON lines; call once at process start."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(serializer=_render),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"
    logging.getLogger("alembic").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def logger(name: str) -> FilteringBoundLogger:
    """A logger whose keyword arguments become members of the line."""
    bound: FilteringBoundLogger = structlog.get_logger(f"lineage.{name}")
    return bound
