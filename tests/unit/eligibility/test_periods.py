"""Where the period of a purchase begins, on the wall clock of a zone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.eligibility.periods import CompiledPeriod, compile_period
from shared.eligibility.terms import PeriodLimit

NEW_YORK = "America/New_York"
PERIODS = ("P1D", "P1W", "P1M", "P3D", "P2W", "P3M")
HAVANA = "America/Havana"  # sets its clocks back from 1:00 to midnight: the first hour of the day happens twice


def period_of(per: str, kind: str, redemptions: int = 1) -> CompiledPeriod:
    return compile_period(PeriodLimit.model_validate_json(f'{{"redemptions": {redemptions}, "per": "{per}", "kind": "{kind}"}}'))


def start(per: str, kind: str, at: str, zone: str = NEW_YORK) -> str:
    begins = period_of(per, kind).start(datetime.fromisoformat(at).astimezone(UTC), zone)
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


@pytest.mark.parametrize(
    ("per", "kind", "at", "zone", "free"),
    [
        ("P1D", "calendar", "2017-03-11T15:00:00-05:00", NEW_YORK, "2017-03-12T05:00:00+00:00"),
        ("P1D", "calendar", "2017-03-12T15:00:00-04:00", NEW_YORK, "2017-03-13T04:00:00+00:00"),  # a day of 23 hours
        ("P1D", "calendar", "2017-11-05T00:30:00-04:00", NEW_YORK, "2017-11-06T05:00:00+00:00"),  # one of 25
        ("P1D", "calendar", "2017-11-05T00:30:00-05:00", HAVANA, "2017-11-06T05:00:00+00:00"),
        ("P1W", "calendar", "2017-03-12T15:00:00-04:00", NEW_YORK, "2017-03-13T04:00:00+00:00"),
        ("P1M", "calendar", "2017-12-31T15:00:00-05:00", NEW_YORK, "2018-01-01T05:00:00+00:00"),
        ("P1D", "rolling", "2017-03-14T10:00:00-04:00", NEW_YORK, "2017-03-15T14:00:00+00:00"),
        ("P2D", "rolling", "2017-03-11T10:00:00-05:00", NEW_YORK, "2017-03-13T14:00:00+00:00"),  # 47 hours
        ("P1D", "rolling", "2017-03-11T02:30:00-05:00", NEW_YORK, "2017-03-12T07:00:00+00:00"),  # the clock leaves half past two out
        ("P1D", "rolling", "2017-11-04T01:20:00-04:00", NEW_YORK, "2017-11-05T06:20:00+00:00"),  # the second twenty past one
        ("P1M", "rolling", "2017-01-15T10:00:00-05:00", NEW_YORK, "2017-02-15T15:00:00+00:00"),
        (
            "P1M",
            "rolling",
            "2017-01-31T10:00:00-05:00",
            NEW_YORK,
            "2017-03-01T05:00:00+00:00",
        ),  # February looks back to January
        ("P1M", "rolling", "2017-02-28T10:00:00-05:00", NEW_YORK, "2017-03-31T14:00:00+00:00"),  # as do the last four days of March
        ("P12M", "rolling", "2016-02-29T10:00:00-05:00", NEW_YORK, "2017-03-01T05:00:00+00:00"),
    ],
)
def test_a_redemption_counts_no_more_from_when_no_later_period_reaches_it(per: str, kind: str, at: str, zone: str, free: str) -> None:
    assert period_of(per, kind).left_by(datetime.fromisoformat(at).astimezone(UTC), zone).isoformat() == free


@given(
    of=st.sampled_from([(per, "calendar") for per in PERIODS[:3]] + [(per, "rolling") for per in PERIODS]),
    zone=st.sampled_from([NEW_YORK, HAVANA, "UTC", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu"]),
    at=st.timedeltas(timedelta(), timedelta(days=1460)).map(lambda since: datetime(2016, 1, 1, tzinfo=UTC) + since),
    later=st.timedeltas(timedelta(), timedelta(days=9)),
)  # fmt: skip
def test_what_a_period_leaves_is_what_it_looks_back_to(of: tuple[str, str], zone: str, at: datetime, later: timedelta) -> None:
    """From then on it is not reached again, and just before it was."""
    period = period_of(*of)
    free = period.left_by(at, zone)
    assert period.start(free + later, zone) > at
    assert period.start(free - timedelta(microseconds=1), zone) <= at


def test_of_several_redemptions_the_last_but_so_many_counts() -> None:
    period, noon = period_of("P1D", "rolling", 2), datetime(2017, 3, 15, 12, tzinfo=UTC)
    moments = [noon - timedelta(hours=hours) for hours in (5, 3, 1)]
    assert [period.is_used_up(moments[:count], noon, "UTC") for count in range(4)] == [False, False, True, True]
    assert period.free_from(moments, "UTC") == noon + timedelta(hours=21)
    assert [period.is_used_up(moments, noon + timedelta(hours=21, microseconds=wait), "UTC") for wait in (-1, 0)] == [True, False]
