"""What a window must be to hold some time that can be reckoned."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from shared.eligibility.terms import Terms
from shared.eligibility.validation_rule import Minors, ValidationRule
from shared.eligibility.windows import DAY, TICK, find_zone, life_days, local_span
from shared.kernel.errors import Problem

YEARS: Final = range(1970, 2200)
"""Years in which a window may lie: far from the ends of the calendar, where zones can't be reckoned."""


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
    ValidationRule("life_beyond_window", "The life of a grant is not longer than the window.", _life_beyond_window),
)
