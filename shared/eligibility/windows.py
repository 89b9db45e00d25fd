"""Local time made into moments: windows, the life of a grant, and the zones in which they are read.

Every span is half-open in UTC. Moments have whole microseconds, so an inclusive end is the same as an exclusive one a microsecond later.

Where clocks are set back, a local time happens twice: a start means the first, an end the last. Where they are set forward, a local
time is left out: it is read with the offset from before the change (RFC 5545), which for a day's first moment is the change itself.

Days of the week, times of day and excluded dates ask what the clock showed at the purchase, so a repeated hour counts twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, get_args
from zoneinfo import ZoneInfo

from shared.eligibility.terms import Weekday, Window, ZonePolicy

TICK: Final = timedelta(microseconds=1)
DAY: Final = timedelta(days=1)
DATE_LENGTH: Final = len("2017-04-09")
WEEKDAYS: Final[tuple[str, ...]] = get_args(Weekday)
"""Their names, in the order of `date.weekday`."""
CACHED_ZONES: Final = 1024
CACHED_SPANS: Final = 16_384


class Span(NamedTuple):
    """From `start` up to, not including, `stop`; both in UTC."""

    start: datetime
    stop: datetime


class LocalSpan(NamedTuple):
    """A span as a wall clock shows it, without a zone; whether it stops with a day."""

    start: datetime
    stop: datetime
    whole_days: bool


class TimeOfDay(NamedTuple):
    """From `start` up to, not including, `stop`, in minutes since midnight; past midnight where it stops no later than it starts."""

    start: int
    stop: int

    def days_of(self, local: datetime) -> set[int]:
        """The days of the week (0 is Monday) to which the span belongs that holds a local time: the one it began on; none outside."""
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.start < self.stop:
            return {today} if self.start <= minute < self.stop else set()
        return {today} if minute >= self.start else {(today - 1) % 7} if minute < self.stop else set()


ZoneOf = Callable[[Window, str | None, str | None], str]
ZONE_OF: Final[dict[ZonePolicy, ZoneOf]] = {
    ZonePolicy.FIXED: lambda window, _merchant, _customer: window.zone,
    ZonePolicy.MERCHANT: lambda window, merchant, _customer: _known(merchant) or window.zone,
    ZonePolicy.CUSTOMER: lambda window, _merchant, customer: _known(customer) or window.zone,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CompiledWindow:
    """A window with its span worked out: once for a fixed zone, else once per zone and remembered."""

    window: Window
    local: LocalSpan
    fixed: Span | None
    life_days: int | None
    weekdays: frozenset[int]
    """0 is Monday; all where none are asked."""
    times: tuple[TimeOfDay, ...]
    """None where any time will do."""
    excluded: frozenset[date]
    tail: LocalSpan | None
    """The window and the tail after it, in which its purchases may arrive; None where they may arrive however late."""

    def zone(self, merchant_zone: str | None, customer_zone: str | None) -> str:
        """The zone in which the window is read; a zone that is not given or not known leaves it to the window's own."""
        return ZONE_OF[self.window.zone_policy](self.window, merchant_zone, customer_zone)

    def span(self, merchant_zone: str | None, customer_zone: str | None) -> Span:
        """When purchases count."""
        return self.fixed or _placed(self.local, self.zone(merchant_zone, customer_zone))

    def holds(self, at: datetime, merchant_zone: str | None, customer_zone: str | None) -> bool:
        """Whether a purchase at a moment counts."""
        start, stop = self.span(merchant_zone, customer_zone)
        return start <= at < stop

    def arrival_stop(self, merchant_zone: str | None, customer_zone: str | None) -> datetime | None:
        """When a purchase made in the window arrives too late, read in the same zone; None where it never does."""
        return _placed(self.tail, self.zone(merchant_zone, customer_zone)).stop if self.tail else None

    def grant_stop(self, granted_at: datetime, merchant_zone: str | None, customer_zone: str | None) -> datetime | None:
        """When the grant lives no more, read in the same zone as the window; None where it has no life of its own."""
        if self.life_days is None:
            return None
        return _life_stop(granted_at, self.life_days, self.window.end_inclusive, self.zone(merchant_zone, customer_zone))

    def has_date(self, local: datetime) -> bool:
        """Whether the date of a local time is not excluded."""
        return local.date() not in self.excluded

    def has_day(self, local: datetime) -> bool:
        """Whether the day of a local time is asked: the one on which its time span began, its own where it is in none."""
        return not self.weekdays.isdisjoint(self._days_of(local) or {local.weekday()})

    def has_time(self, local: datetime) -> bool:
        """Whether a local time is in any of the time spans, whatever its day."""
        return not self.times or bool(self._days_of(local))

    def _days_of(self, local: datetime) -> set[int]:
        return {day for time in self.times for day in time.days_of(local)}

    def surely(self) -> Span:
        """A span that the window holds in whichever zone it is read; it stops before it starts where there is none."""
        return self.fixed or Span(self.local.start.replace(tzinfo=UTC) + DAY, self.local.stop.replace(tzinfo=UTC) - DAY)

    def widest(self) -> Span:
        """A span that holds the window in whichever zone it is read."""
        return self.fixed or Span(self.local.start.replace(tzinfo=UTC) - DAY, self.local.stop.replace(tzinfo=UTC) + DAY)


def compile_window(window: Window) -> CompiledWindow:
    """Work out once what can be known without a purchase."""
    local = local_span(window)
    fixed = _placed(local, window.zone) if window.zone_policy is ZonePolicy.FIXED else None
    return CompiledWindow(
        window=window,
        local=local,
        fixed=fixed,
        life_days=life_days(window),
        weekdays=frozenset(map(WEEKDAYS.index, window.days_of_week or WEEKDAYS)),
        times=tuple(map(time_of_day, window.times_of_day or ())),
        excluded=frozenset(map(date.fromisoformat, window.excluded_dates or ())),
        tail=local._replace(stop=local.stop + _days(window.tail) * DAY) if window.tail else None,
    )


def local_span(window: Window) -> LocalSpan:
    """The window on a wall clock: a date as inclusive end stops where the next day begins."""
    end, whole_days = datetime.fromisoformat(window.end), len(window.end) == DATE_LENGTH
    beyond = (DAY if whole_days else TICK) if window.end_inclusive else timedelta()
    return LocalSpan(datetime.fromisoformat(window.start), end + beyond, whole_days)


def life_days(window: Window) -> int | None:
    """Whole days of a grant's own life: 10 for "P10D"."""
    return _days(window.life_after_grant) if window.life_after_grant else None


def _days(duration: str) -> int:
    return int(duration[1:-1])


def time_of_day(text: str) -> TimeOfDay:
    """The minutes of a span such as "22:00-02:00"."""
    start, stop = (int(at[:2]) * 60 + int(at[3:]) for at in text.split("-"))
    return TimeOfDay(start, stop)


@lru_cache(maxsize=CACHED_ZONES)
def find_zone(name: str) -> ZoneInfo | None:
    """The IANA zone of that name, None where there is no such zone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def _known(zone: str | None) -> str | None:
    return zone if zone and find_zone(zone) else None


@lru_cache(maxsize=CACHED_SPANS)
def _placed(local: LocalSpan, zone: str) -> Span:
    stop = _first(local.stop, zone) if local.whole_days else _last(local.stop, zone)
    return Span(_first(local.start, zone), stop)


@lru_cache(maxsize=CACHED_SPANS)
def _life_stop(granted_at: datetime, days: int, end_inclusive: bool, zone: str) -> datetime:  # noqa: FBT001  (a cache key)
    local = granted_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) + timedelta(days=days)
    return _last(local, zone) + (TICK if end_inclusive else timedelta())


def _first(local: datetime, zone: str) -> datetime:
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def _last(local: datetime, zone: str) -> datetime:
    return max(_first(local, zone), local.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC))
