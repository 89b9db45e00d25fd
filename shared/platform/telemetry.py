"""Structured logs with trace ids; nothing personal and no card number in them."""

import logging
import os
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from shared.kernel.cards import mask

TRACEPARENT: Final = re.compile(r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


def set_up_logging(level: str) -> None:
    """Log JSON lines to standard error, from the level upwards."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _mask_card_numbers,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def trace_of(header: str | None) -> str:
    """The caller's W3C traceparent if it is well formed, else a new one."""
    if header and TRACEPARENT.fullmatch(header):
        return header
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


def _mask_card_numbers(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: mask(value) if isinstance(value, str) else value for key, value in entry.items()}
