"""What a window must be to hold some time that can be reckoned."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Final

from shared.eligibility.terms import Terms, Window, ZonePolicy
from shared.eligibility.validation_rule import Minors, ValidationRule
from shared.eligibility.windows import DAY, TICK, WEEKDAYS, compile_window, find_zone, life_days, local_span, time_of_day
from shared.kernel.errors import Problem

YEARS: Final = range(1970, 2200)
"""Years in which a window may lie: far from the ends of the calendar, where zones can't be reckoned."""

MENDED_BY: Final = {
    "excluded_dates": "leave at least one date",
    "days_of_week": "name a day that is in the window",
    "times_of_day": "name a time that is in the window",
}
"""How to mend each of the lists that can leave no time in a window."""


def _zone_unknown(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    if find_zone(terms.window.zone) is None:
        message = f"{terms.window.zone!r} is no IANA time zone: give one such as America/New_York."
        yield Problem(path="/window/zone", message=message)


def _far_away(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    for name, text in (("start", terms.window.start), ("end", terms.window.end)):
        if not reckonable(text):
            yield Problem(
                path=f"/window/{name}", message=f"Is too far away to be reckoned with: give a year from {YEARS.start} to {YEARS.stop - 1}."
            )


def _window_empty(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    length = _length(terms)
    if length is not None and length <= TICK:
        yield Problem(path="/window/end", message="The window holds no time: give an end after its start.")


def _life_beyond_window(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    length, days = _length(terms), life_days(terms.window)
    if length is not None and days and days * DAY > length > TICK:
        yield Problem(path="/window/life_after_grant", message="Is longer than the window: shorten it, or leave it out.")


def _span_empty(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    for place, text in enumerate(terms.window.times_of_day or ()):
        if len(set(time_of_day(text))) == 1:
            message = "Holds no time, for it ends where it begins: give another end, or 00:00-24:00 for the whole day."
            yield Problem(path=f"/window/times_of_day/{place}", message=message)


def _nothing_left(terms: Terms, _minors: Minors) -> Iterator[Problem]:
    """Told at what must be loosened: at one of the lists where that is enough, else at each of them."""
    window, length = terms.window, _length(terms)
    given = [name for name in MENDED_BY if getattr(window, name)]
    if length is None or length <= TICK or not given or any(_span_empty(terms, _minors)) or _has_time(window):
        return
    enough = [name for name in given if _has_time(window.model_copy(update={name: None}))]
    for name in enough[:1] or given:
        yield Problem(path=f"/window/{name}", message=f"Leaves no time in the window: {MENDED_BY[name]}, or leave it out.")


def _has_time(window: Window) -> bool:
    """Whether some time of the window is on a day asked, at a time asked, on a date that is not excluded.

    The search ends at the first that is found: at most a week for each excluded date, and one more.
    """
    compiled = compile_window(window.model_copy(update={"zone_policy": ZonePolicy.MERCHANT}))  # needs no zone that is known
    start, stop = compiled.local.start, compiled.local.stop
    midnight = datetime.combine(start.date(), time.min)
    edges = {timedelta(), start - midnight, *(timedelta(minutes=minute) % DAY for span in compiled.times for minute in span)}
    first_week = [(midnight + day * DAY, edge) for day in range(len(WEEKDAYS)) for edge in edges]
    opens = {(day.weekday(), edge) for day, edge in first_week if compiled.has_day(day + edge) and compiled.has_time(day + edge)}
    while midnight < stop:
        mine = [midnight + edge for weekday, edge in opens if weekday == midnight.weekday()]
        if compiled.has_date(midnight) and any(start <= at < stop for at in mine):
            return True
        midnight += DAY
    return False


def reckonable(local_time: str) -> bool:
    """Whether a local date or time lies in the years that can be reckoned with."""
    return datetime.fromisoformat(local_time).year in YEARS


def _length(terms: Terms) -> timedelta | None:
    """How long the window is on a wall clock; None where that can't be reckoned."""
    if not (reckonable(terms.window.start) and reckonable(terms.window.end)):
        return None
    local = local_span(terms.window)
    return local.stop - local.start


RULES: Final = (
    ValidationRule("zone_unknown", "The window's zone is one of the IANA time zone database.", _zone_unknown),
    ValidationRule("far_away", "The window lies in the years from 1970 to 2199.", _far_away),
    ValidationRule("window_empty", "The window ends after its start.", _window_empty),
    ValidationRule("span_empty", "A span of times of day does not end where it begins.", _span_empty),
    ValidationRule("nothing_left", "Days of the week, times of day and excluded dates leave some time in the window.", _nothing_left),
    ValidationRule("life_beyond_window", "The life of a grant is not longer than the window.", _life_beyond_window),
)
