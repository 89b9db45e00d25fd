"""How an explanation words the values that the rules hold against each other."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from shared.eligibility.model import Interval
from shared.eligibility.terms import PeriodLimit, Window
from shared.eligibility.windows import find_zone
from shared.kernel.money import to_decimal

LISTED: Final = 3
"""So many codes are named; longer lists are counted."""


def money(minor: int | None, currency: str) -> str:
    """An amount with its currency, such as "12.34 USD", or "any amount"."""
    return "any amount" if minor is None else f"{to_decimal(minor, currency)} {currency}"


def moment(at: datetime | None, missing: str = "never") -> str:
    """A moment in RFC 3339, or what its absence means."""
    return missing if at is None else at.isoformat()


def local_moment(at: datetime, zone: str) -> str:
    """A moment on the clock of a zone, with the zone's name."""
    return f"{at.astimezone(find_zone(zone)).isoformat()} in {zone}"


def before(at: datetime | None) -> str:
    """An exclusive bound in time, or none."""
    return "at any time" if at is None else f"before {at.isoformat()}"


def outside(intervals: tuple[Interval, ...]) -> str:
    """The times in which something must not have happened."""
    return "outside " + ", ".join(f"{span.start.isoformat()} until {moment(span.end, 'further notice')}" for span in intervals)


def window(asked: Window, zone: str) -> str:
    """The window as it is written, and the zone in which it is read."""
    return f"{asked.start} to {asked.end} ({'inclusive' if asked.end_inclusive else 'exclusive'}) in {zone}"


def periods(limits: Iterable[PeriodLimit]) -> str:
    """How many redemptions are allowed in which periods."""
    return " and ".join(f"fewer than {limit.redemptions} in {limit.per} ({limit.kind})" for limit in limits)


def codes(known: Collection[str], what: str) -> str:
    """A few codes by name, many by number."""
    return ", ".join(sorted(known)) if len(known) <= LISTED else f"{len(known):,} {what}"


def lists(include: Collection[str] | None, exclude: Collection[str] | None, what: str) -> str:
    """What an include and an exclude list ask for, as they are written."""
    included = "any" if include is None else f"one of {codes(include, what)}"
    return f"{included}, none of {codes(exclude, what)}" if exclude else included
