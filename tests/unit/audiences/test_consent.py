from datetime import UTC, datetime, timedelta

import pytest

from shared.audiences.model import ALWAYS, Effect, Standing, effect

THEN, NOW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 15, tzinfo=UTC)
BEFORE = THEN - timedelta(days=1)


def standing(*, given: bool = True, at: datetime = THEN, **overrides: object) -> Standing:
    values = {"zone": None, "latest_at": at, "latest_given": given, "before_at": at, "before_given": given}
    return Standing(**values | overrides)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [True, False])
def test_a_new_customers_consent_begins_a_history(*, given: bool) -> None:
    expected = Effect(consent=given, recorded=True, changed_since=None)
    assert effect(None, given=given, at=NOW, dated=False, zone=None) == expected


@pytest.mark.parametrize(
    ("given", "at", "dated", "recorded", "changed_since"),
    [
        (True, NOW, False, False, None),
        (True, THEN, True, False, None),
        (True, NOW, True, True, None),
        (False, NOW, False, True, NOW),
        (False, NOW, True, True, NOW),
        (False, THEN, True, True, THEN),
    ],
)
def test_consent_that_stood_is_added_to_where_something_new_is_said(
    *, given: bool, at: datetime, dated: bool, recorded: bool, changed_since: datetime | None
) -> None:
    expected = Effect(consent=given, recorded=recorded, changed_since=changed_since)
    assert effect(standing(), given=given, at=at, dated=dated, zone=None) == expected


@pytest.mark.parametrize(("given", "changed_since"), [(True, None), (False, BEFORE)])
def test_what_is_told_of_a_time_before_the_history_changes_only_that_time(*, given: bool, changed_since: datetime | None) -> None:
    known = standing(before_at=None, before_given=None)
    expected = Effect(consent=True, recorded=True, changed_since=changed_since)
    assert effect(known, given=given, at=BEFORE, dated=True, zone=None) == expected


def test_another_zone_changes_all_that_was_ever_judged() -> None:
    assert effect(standing(), given=True, at=NOW, dated=False, zone="Asia/Tokyo").changed_since == ALWAYS
