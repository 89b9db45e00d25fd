"""Where the period of a purchase begins, on the wall clock of a zone."""

from datetime import UTC, datetime

import pytest

from shared.eligibility.periods import compile_period
from shared.eligibility.terms import PeriodLimit

NEW_YORK = "America/New_York"
HAVANA = "America/Havana"  # sets its clocks back from 1:00 to midnight: the first hour of the day happens twice


def start(per: str, kind: str, at: str, zone: str = NEW_YORK) -> str:
    period = compile_period(PeriodLimit.model_validate_json(f'{{"redemptions": 1, "per": "{per}", "kind": "{kind}"}}'))
    begins = period.start(datetime.fromisoformat(at).astimezone(UTC), zone)
    assert begins.tzinfo is UTC
    return begins.isoformat()


@pytest.mark.parametrize(
    ("per", "at", "begins"),
    [
        ("P1D", "2017-03-15T23:59:59.999999-04:00", "2017-03-15T04:00:00+00:00"),
        ("P1D", "2017-03-15T00:00:00-04:00", "2017-03-15T04:00:00+00:00"),
        ("P1D", "2017-03-12T23:00:00-04:00", "2017-03-12T05:00:00+00:00"),  # began before clocks went forward
        ("P1D", "2017-11-05T23:00:00-05:00", "2017-11-05T04:00:00+00:00"),  # began before clocks went back
        ("P1W", "2017-03-19T12:34:56-04:00", "2017-03-13T04:00:00+00:00"),
        ("P1W", "2017-03-20T00:00:00-04:00", "2017-03-20T04:00:00+00:00"),
        ("P1M", "2017-03-31T23:59:59-04:00", "2017-03-01T05:00:00+00:00"),
        ("P1M", "2017-04-01T00:00:00-04:00", "2017-04-01T04:00:00+00:00"),
    ],
)
def test_calendar_period_begins_with_its_first_local_day(per: str, at: str, begins: str) -> None:
    assert start(per, "calendar", at) == begins


def test_calendar_day_that_has_two_midnights_begins_at_the_first() -> None:
    assert start("P1D", "calendar", "2017-11-05T00:30:00-05:00", HAVANA) == "2017-11-05T04:00:00+00:00"


def test_calendar_month_that_begins_with_two_midnights_begins_at_the_first() -> None:
    assert start("P1M", "calendar", "2026-11-01T00:30:00-05:00", HAVANA) == "2026-11-01T04:00:00+00:00"


def test_calendar_day_is_that_of_the_zone() -> None:
    assert start("P1D", "calendar", "2017-03-15T23:00:00-04:00", "Asia/Tokyo") == "2017-03-15T15:00:00+00:00"


@pytest.mark.parametrize(
    ("per", "at", "begins"),
    [
        ("P1D", "2017-03-15T10:00:00-04:00", "2017-03-14T14:00:00.000001+00:00"),
        ("P2D", "2017-03-13T10:00:00-04:00", "2017-03-11T15:00:00.000001+00:00"),  # 47 hours: clocks went forward
        ("P3W", "2017-03-31T10:00:00-04:00", "2017-03-10T15:00:00.000001+00:00"),
        ("P1M", "2017-03-31T10:00:00-04:00", "2017-02-28T15:00:00.000001+00:00"),
        ("P3M", "2017-02-10T10:00:00-05:00", "2016-11-10T15:00:00.000001+00:00"),
        ("P12M", "2017-01-31T10:00:00-05:00", "2016-01-31T15:00:00.000001+00:00"),
    ],
)
def test_rolling_period_reaches_back_to_just_after_the_same_time_on_the_clock(per: str, at: str, begins: str) -> None:
    assert start(per, "rolling", at) == begins
