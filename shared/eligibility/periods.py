"""Periods in which a customer's redemptions are counted, or purchases before a grant are recent, on the wall clock of a zone."""

import calendar
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shared.eligibility.terms import PeriodLimit, Recency
from shared.eligibility.windows import TICK

MONTHS: Final = 12
DAYS: Final = {"D": 1, "W": 7}
SHORTEST_MONTH: Final = 28
QUARTER: Final = timedelta(minutes=15)
CLOCKS_DIFFER: Final = timedelta(hours=3)
MONTHS_DIFFER: Final = timedelta(days=4)
"""More than so much later no look back reaches a moment again that clocks, or months, of different lengths bring back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledPeriod:
    """A limit of a period, and where the period of a purchase begins."""

    limit: PeriodLimit
    start: Callable[[datetime, str], datetime]
    """The first moment (UTC) whose redemptions count for a purchase at a moment, in a zone."""
    left_by: Callable[[datetime, str], datetime]
    """From when on (UTC) a redemption of a moment counts no more, in a zone."""

    def is_used_up(self, moments: Sequence[datetime], at: datetime, zone: str) -> bool:
        """Whether redemptions at these moments, in order, leave none for a purchase at a moment that is not before them."""
        most = self.limit.redemptions
        return len(moments) >= most and moments[-most] >= self.start(at, zone)

    def free_from(self, moments: Sequence[datetime], zone: str) -> datetime:
        """From when on (UTC) redemptions at these moments, in order, leave one more. There are as many as the limit allows, or more."""
        return self.left_by(moments[-self.limit.redemptions], zone)


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
    if limit.kind == "calendar":
        return CompiledPeriod(limit=limit, start=_calendar(unit), left_by=_next_of_calendar(unit))
    return CompiledPeriod(limit=limit, start=_rolling(number, unit), left_by=_rolled_on(number, unit))


def _calendar(unit: str) -> Callable[[datetime, str], datetime]:
    def start(at: datetime, zone: str) -> datetime:
        local = at.astimezone(ZoneInfo(zone))
        back = {"D": 0, "W": local.weekday(), "M": local.day - 1}[unit]
        first = (local - timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        return first.astimezone(UTC)

    return start


def _next_of_calendar(unit: str) -> Callable[[datetime, str], datetime]:
    start = _calendar(unit)

    def left_by(at: datetime, zone: str) -> datetime:
        first = start(at, zone).astimezone(ZoneInfo(zone)).replace(hour=0)  # where the clock leaves midnight out, the day starts at one
        after = _months_after(first, 1) if unit == "M" else first + timedelta(days=DAYS[unit])
        return after.astimezone(UTC)

    return left_by


def _rolling(number: int, unit: str) -> Callable[[datetime, str], datetime]:
    """Just after the same time on the wall clock so long ago: of two redemptions exactly a period apart, the first has left it."""

    def start(at: datetime, zone: str) -> datetime:
        local = at.astimezone(ZoneInfo(zone))
        before = _months_before(local, number) if unit == "M" else local - timedelta(days=number * DAYS[unit])
        return before.astimezone(UTC) + TICK

    return start


def _rolled_on(number: int, unit: str) -> Callable[[datetime, str], datetime]:
    """From when on the look back reaches a redemption no more, and for good.

    Where a clock is put back, or a shorter month goes before a longer one, the look back reaches further again for a while. So this is
    looked for backwards, from a moment after which it never does: within a quarter of an hour (clocks and days change where one begins) the
    look back moves on as time does.
    """
    start = _rolling(number, unit)

    def left_by(at: datetime, zone: str) -> datetime:
        local = at.astimezone(ZoneInfo(zone))
        after = _months_after(local, number) if unit == "M" else local + timedelta(days=number * DAYS[unit])
        end = after.astimezone(UTC) + (MONTHS_DIFFER if unit == "M" and local.day >= SHORTEST_MONTH else CLOCKS_DIFFER)
        end = end.replace(minute=end.minute // 15 * 15, second=0, microsecond=0)
        while start(end - QUARTER, zone) > at:
            end -= QUARTER
        reached = at + TICK - start(end - QUARTER, zone)
        return min(end, end - QUARTER + reached)

    return left_by


def _months_before(local: datetime, months: int) -> datetime:
    """The same day so many months ago, or the last of that month where it has no such day."""
    return _months_after(local, -months)


def _months_after(local: datetime, months: int) -> datetime:
    """The same day so many months later, or the last of that month where it has no such day."""
    year, month = divmod(local.year * MONTHS + local.month - 1 + months, MONTHS)
    last = calendar.monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, last))
