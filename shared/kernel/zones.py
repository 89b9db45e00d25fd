"""Time zones by their IANA names."""

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads a folder: once is enough


def _known(zone: str) -> str:
    if zone not in _zones():
        raise ValueError("must be an IANA time zone, such as America/New_York")
    return zone


Zone = Annotated[str, AfterValidator(_known)]
"""IANA time zone, such as America/New_York."""
