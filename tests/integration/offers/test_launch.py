from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from events.payloads import CampaignWentLive, OfferApproved, OfferWentLive
from shared.campaigns import service as campaigns
from shared.kernel.clock import SimulatedClock
from shared.offers import launch, service
from shared.platform.call import Replayed
from shared.platform.database import Database
from tests.conftest import MakeCall
from tests.integration.offers.builders import LATER, WHY, approved, campaign, draft, revise_and_approve, start

CONTENT = [{"channel": "email", "language": "en", "title": "Fruit", "text": "5 dollars back"}]
CAMPAIGN_START = datetime(2026, 1, 1, 5, tzinfo=UTC)
LATER_START = datetime(2026, 1, 20, 5, tzinfo=UTC)


def launched(database: Database) -> list[OfferWentLive]:
    """What has gone out, in order."""
    with database.connection() as connection:
        found = connection.execute("SELECT payload, key FROM outbox WHERE type = 'clo.offer.went_live.v1' ORDER BY seq").fetchall()
    events = [OfferWentLive.model_validate_json(row["payload"]) for row in found]
    assert [row["key"] for row in found] == [event.campaign_id.hex for event in events]
    return events


def went_live(call: MakeCall, campaign_id: UUID, **delivery: Any) -> None:
    launch.launch_campaign(call("launch_offer", **delivery), CampaignWentLive(campaign_id=campaign_id, live_at=CAMPAIGN_START))


def tick(call: MakeCall) -> int:
    with call().transaction() as tx:
        return launch.launch_due(tx)


def test_offers_go_live_with_their_campaign(call: MakeCall, database: Database) -> None:
    campaign_id = campaign(call)
    offer_ids = {approved(call, campaign_id, content=CONTENT, audience={"holdout": 500}) for _ in range(3)}
    draft(call, campaign_id)
    service.withdraw_offer(call(), approved(call, campaign_id), WHY)
    went_live(call, campaign_id)
    assert launched(database) == []
    start(call, campaign_id)
    went_live(call, campaign_id)
    events = launched(database)
    assert {event.offer_id for event in events} == offer_ids
    assert all((e.version, e.live_at, e.holdout) == (1, CAMPAIGN_START, 500) for e in events)
    assert [(c.channel, c.text) for c in events[0].content] == [("email", "5 dollars back")]
    view = service.get_offer(call(), events[0].offer_id)
    assert (view.state, view.live_at) == ("live", CAMPAIGN_START)
    last = service.offer_history(call(), events[0].offer_id).history[-1]
    assert (last.action, last.from_state, last.to_state, last.by) == ("launch", "approved", "live", "launch_offer")


def test_repeated_events_launch_once(call: MakeCall, database: Database) -> None:
    campaign_id = start(call, campaign(call))
    offer_id = approved(call, campaign_id)
    event = OfferApproved(offer_id=offer_id, campaign_id=campaign_id, version=1)
    launch.launch_approved(call("launch_offer", key="e1"), event)
    with pytest.raises(Replayed):
        launch.launch_approved(call("launch_offer", key="e1"), event)
    launch.launch_approved(call("launch_offer", key="e2"), event)
    went_live(call, campaign_id, key="e3")
    assert tick(call) == 0
    assert [e.offer_id for e in launched(database)] == [offer_id]


def test_an_offer_approved_in_a_live_campaign_says_so_and_goes_live(call: MakeCall, database: Database) -> None:
    campaign_id = start(call, campaign(call))
    offer_id = approved(call, campaign_id)
    with database.connection() as connection:
        row = connection.execute("SELECT payload FROM outbox WHERE type = 'clo.offer.approved.v1'").fetchone()
    assert row
    launch.launch_approved(call("launch_offer"), OfferApproved.model_validate_json(row["payload"]))
    assert service.get_offer(call(), offer_id).state == "live"


def test_an_offer_whose_window_opens_later_waits_for_it(call: MakeCall, clock: SimulatedClock, database: Database) -> None:
    campaign_id = start(call, campaign(call))
    offer_id = approved(call, campaign_id, window=LATER)
    went_live(call, campaign_id)
    assert tick(call) == 0
    clock.advance(datetime(2026, 1, 21, tzinfo=UTC))
    assert (tick(call), tick(call)) == (1, 0)
    assert [(e.offer_id, e.live_at) for e in launched(database)] == [(offer_id, LATER_START)]


def test_nothing_goes_live_while_the_campaign_is_paused(call: MakeCall) -> None:
    campaign_id = start(call, campaign(call))
    campaigns.pause_campaign(call(), campaign_id, WHY)
    approved(call, campaign_id)
    assert tick(call) == 0
    campaigns.resume_campaign(call(), campaign_id, WHY)
    assert tick(call) == 1


def test_a_later_version_of_a_live_offer_is_not_launched_again(call: MakeCall, database: Database) -> None:
    campaign_id = start(call, campaign(call))
    offer_id = approved(call, campaign_id)
    went_live(call, campaign_id)
    revise_and_approve(call, offer_id)
    launch.launch_approved(call("launch_offer"), OfferApproved(offer_id=offer_id, campaign_id=campaign_id, version=2))
    assert [e.version for e in launched(database)] == [1]
    view = service.get_offer(call(), offer_id)
    assert (view.state, view.version_in_force) == ("live", 2)


def test_the_number_of_statements_does_not_grow_with_the_offers(call: MakeCall, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = start(call, campaign(call))
    counts = []
    for offers in (1, 6):
        for _ in range(offers):
            approved(call, campaign_id)
        statements: list[object] = []
        with call().transaction() as tx:
            execute = tx.connection.execute
            monkeypatch.setattr(tx.connection, "execute", lambda *a, e=execute, s=statements, **k: (s.append(a), e(*a, **k))[1])
            assert launch.launch_due(tx) == offers
            monkeypatch.undo()
        counts.append(len(statements))
    assert counts == [2, 2]
