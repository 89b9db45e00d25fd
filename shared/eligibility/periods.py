"""Periods in which a customer's redemptions are counted, or purchases before a grant are recent, on the wall clock of a zone."""

import calendar
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shared.eligibility.terms import PeriodLimit, Recency
from shared.eligibility.windows import TICK

MONTHS: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledPeriod:
    """A limit of a period, and where the period of a purchase begins."""

    limit: PeriodLimit
    start: Callable[[datetime, str], datetime]
    """The first moment (UTC) whose redemptions count for a purchase at a moment, in a zone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledRecency:
    """For which customers an offer is, and which purchases are recent."""

    lapsed: bool
    ago: Callable[[datetime], datetime]
    """The moment (UTC) after which a purchase is recent to a grant of a moment."""


def compile_recency(recency: Recency, zone: str) -> CompiledRecency:
    """Make the look back from the grant ready."""
    start = _rolling(int(recency.within[1:-1]), recency.within[-1])
    return CompiledRecency(lapsed=recency.customers == "lapsed", ago=lambda granted_at: start(granted_at, zone) - TICK)


def compile_period(limit: PeriodLimit) -> CompiledPeriod:
    """Make the look back ready."""
    number, unit = int(limit.per[1:-1]), limit.per[-1]
    start = _calendar(unit) if limit.kind == "calendar" else _rolling(number, unit)
    return CompiledPeriod(limit=limit, start=start)


def _calendar(unit: str) -> Callable[[datetime, str], datetime]:
    def start(at: datetime, zone: str) -> datetime:
        local = at.astimezone(ZoneInfo(zone))
        back = {"D": 0, "W": local.weekday(), "M": local.day - 1}[unit]
        first = (local - timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        return first.astimezone(UTC)

    return start


def _rolling(number: int, unit: str) -> Callable[[datetime, str], datetime]:
    """Just after the same time on the wall clock so long ago: of two redemptions exactly a period apart, the first has left it."""

    def start(at: datetime, zone: str) -> datetime:
        local = at.astimezone(ZoneInfo(zone))
        before = _months_before(local, number) if unit == "M" else local - timedelta(days=number * {"D": 1, "W": 7}[unit])
        return before.astimezone(UTC) + TICK

    return start


def _months_before(local: datetime, months: int) -> datetime:
    """The same day so many months ago, or the last of that month where it has no such day."""
    year, month = divmod(local.year * MONTHS + local.month - 1 - months, MONTHS)
    last = calendar.monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, last))
