"""Errors as answers: one table from the error vocabulary to HTTP statuses, one shape (problem+json, RFC 9457)."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

from shared.kernel import errors as e
from shared.kernel.cards import masked

STATUS: Final[Mapping[type[e.CloError], int]] = {
    e.Malformed: 400,
    e.TooLarge: 413,
    e.UnsupportedMedia: 415,
    e.Invalid: 422,
    e.Unauthenticated: 401,
    e.Forbidden: 403,
    e.NotFound: 404,
    e.MethodNotAllowed: 405,
    e.Refused: 409,
    e.Busy: 503,
    e.Broken: 500,
}
"""What HTTP callers are told. The most particular class that is listed decides."""

EVENT_STATUS: Final[Mapping[type[e.CloError], int]] = {
    e.Malformed: 400,
    e.UnsupportedMedia: 415,
    e.Invalid: 422,
    e.KeyReused: 422,
    e.Refused: 204,
    e.Busy: 503,
    e.Broken: 500,
}
"""What deliverers of events are told: 400, 415 and 422 go to the dead letters at once, a business no is done, the rest is tried again.

An id that was used for something else before is no business no: what the second event says would be lost.
"""


def status_of(error: e.CloError, table: Mapping[type[e.CloError], int] = STATUS) -> int:
    """The status that the table gives for an error."""
    return next(table[kind] for kind in type(error).__mro__ if kind in table)


def problem_body(error: e.CloError, *, trace: str) -> bytes:
    """The problem+json body of an error: what, why, every problem with its place, and the trace to ask about."""
    body: dict[str, object] = {
        **(error.facts if isinstance(error, e.Refused) else {}),
        "type": f"urn:clo:problem:{error.code}",
        "title": (type(error).__doc__ or "").partition("\n")[0],
        "status": status_of(error),
        "detail": str(error),
        "trace": trace,
    }
    if isinstance(error, e.Invalid):
        body["problems"] = [asdict(problem) for problem in error.problems]
    return json.dumps(masked(body), default=str).encode()
