"""Exports begin by the clock of their zone, once for each moment that is due, and what was missed is made up once."""

from datetime import UTC, datetime
from typing import Any

import pytest

from events.payloads import ScheduleTicked
from shared.exports import due
from shared.exports.partners import NotPartners
from shared.kernel.clock import SimulatedClock
from shared.schedule.service import run_schedule
from tests.integration.exports.office import Office, feed, partner

NIGHTLY = {"cron": "30 3 * * *", "zone": "Europe/Berlin"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def nightly(office: Office) -> Office:
    """An office whose partner is sent purchases at half past three, Berlin time."""
    office.partners(partner(feeds=[feed("transactions", "partner-transactions-csv", schedule=NIGHTLY)]))
    return office


def tick(office: Office, clock: SimulatedClock, text: str) -> list[str]:
    """Let the schedule look at a moment; the names of all exports there are then, each answered."""
    clock.advance(at(text))
    run_schedule(office.call(key=text, consumer="run_schedule"), ScheduleTicked(at=clock.now()))
    office.run()
    for view in office.views():
        if view.state == "written":
            office.answer(view)
    return sorted(view.name for view in office.views())


def names(*days: str) -> list[str]:
    return [f"agg-one/transactions_clo_{day}_0001_delta_r1.csv" for day in days]


def test_an_export_is_planned_once_for_each_moment_that_is_due(nightly: Office, clock: SimulatedClock) -> None:
    assert tick(nightly, clock, "2026-01-20T02:29:59") == names("20260119")  # the last one before it began is made up
    assert tick(nightly, clock, "2026-01-20T02:30:00") == names("20260119", "20260120")
    assert tick(nightly, clock, "2026-01-20T02:30:01") == names("20260119", "20260120")
    assert tick(nightly, clock, "2026-01-23T09:00:00") == names("20260119", "20260120", "20260123")


def test_the_day_of_a_file_is_that_of_its_zone(office: Office, clock: SimulatedClock) -> None:
    midnight = {"cron": "0 0 * * *", "zone": "Pacific/Auckland"}
    office.partners(partner(feeds=[feed("transactions", "partner-transactions-csv", schedule=midnight)]))
    assert tick(office, clock, "2026-01-20T11:00:00") == names("20260121")


def test_when_clocks_go_forward_the_hour_that_is_skipped_is_made_up(office: Office, clock: SimulatedClock) -> None:
    skipped = {"cron": "30 2 * * *", "zone": "Europe/Berlin"}
    office.partners(partner(feeds=[feed("transactions", "partner-transactions-csv", schedule=skipped)]))
    assert tick(office, clock, "2026-03-29T00:59:00") == names("20260328")
    assert tick(office, clock, "2026-03-29T01:01:00") == names("20260328", "20260329")
    assert tick(office, clock, "2026-03-29T22:00:00") == names("20260328", "20260329")


def test_when_clocks_go_back_the_hour_that_comes_twice_counts_once(office: Office, clock: SimulatedClock) -> None:
    twice = {"cron": "30 2 * * *", "zone": "Europe/Berlin"}
    office.partners(partner(feeds=[feed("transactions", "partner-transactions-csv", schedule=twice)]))
    assert tick(office, clock, "2026-10-25T00:29:00") == names("20261024")
    assert tick(office, clock, "2026-10-25T00:31:00") == names("20261024", "20261025")
    assert tick(office, clock, "2026-10-25T01:31:00") == names("20261024", "20261025")
    assert tick(office, clock, "2026-10-26T01:31:00") == names("20261024", "20261025", "20261026")


def test_what_can_not_begin_stays_due_until_the_one_before_it_is_answered(nightly: Office, clock: SimulatedClock) -> None:
    clock.advance(at("2026-01-20T03:00:00"))
    view = nightly.send()
    with nightly.make().transaction() as tx:
        assert due.plan_due(nightly.call(), tx) == 0
    nightly.answer(view)
    with nightly.make().transaction() as tx:
        assert (due.plan_due(nightly.call(), tx), due.plan_due(nightly.call(), tx)) == (1, 0)


def test_a_wrong_file_of_partners_stops_nothing_else_that_is_due(office: Office, clock: SimulatedClock) -> None:
    office.partners({"partner": "agg-one"})
    run_schedule(office.call(), ScheduleTicked(at=clock.now()))
    assert office.views() == []
    with pytest.raises(NotPartners):
        office.ask()


def test_without_partners_nothing_is_due(office: Office, clock: SimulatedClock) -> None:
    call: Any = office.make()
    with call.transaction() as tx:
        assert due.plan_due(call, tx) == 0
