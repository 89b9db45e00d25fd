"""Structured logs with trace ids; nothing personal and no card number in them."""

import logging
import os
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from shared.kernel.cards import masked

QUOTED: Final = re.compile(r"(DETAIL:|CONTEXT:|input_value=).*")
TRACEPARENT: Final = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


def set_up_logging(level: str) -> None:
    """Log JSON lines to standard error, from the level upwards."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _hide,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # as it is then, not as it was at start
        cache_logger_on_first_use=False,
    )


def trace_of(header: str | None) -> str:
    """The caller's W3C traceparent if it is well formed, else a new one."""
    if header and TRACEPARENT.fullmatch(header):
        return header
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


def _hide(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask card numbers at any depth; of exceptions leave out the values that databases and validators quote."""
    if isinstance(entry.get("exception"), str):
        entry["exception"] = QUOTED.sub(r"\1[hidden]", entry["exception"])
    return {key: masked(value) for key, value in entry.items()}
