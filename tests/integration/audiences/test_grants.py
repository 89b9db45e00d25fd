from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from shared.audiences import desk
from shared.audiences.api import GrantsAsked, GrantsQuery, GrantView
from shared.campaigns import service as campaigns
from shared.campaigns.api import CampaignWindow, NewCampaign
from shared.kernel.errors import Conflict, Invalid
from shared.kernel.ids import SEGMENT, derived_id
from shared.offers import service as offers
from shared.platform.call import Replayed
from tests.conftest import NOW, MakeCall
from tests.integration.audiences.builders import changed, customer, drawn, holders, issue, launched, listed, put, put_all, ruled, went_live
from tests.world import WHY, World, purchase

LAST_WEEK = NOW - timedelta(days=7)


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture
def campaign_id(world: World) -> UUID:
    return world.campaign()


@pytest.fixture
def offer_id(world: World, campaign_id: UUID) -> UUID:
    return world.offer(campaign_id)


def found(call: MakeCall, **asked: Any) -> list[GrantView]:
    return desk.list_grants(call(), GrantsQuery(**asked)).grants


def test_gives_an_offer_to_customers_by_name(call: MakeCall, campaign_id: UUID, offer_id: UUID) -> None:
    put_all(call, "c1", "c2")
    made = issue(call, offer_id, "c1", "c2", at=LAST_WEEK)
    assert (made.granted, made.granted_at, made.rejected) == (2, LAST_WEEK, [])
    assert {(grant.customer_id, grant.grant_id) for grant in made.grants} == {
        (g.customer_id, g.grant_id) for g in found(call, offer_id=offer_id)
    }
    [grant] = found(call, customer_id="c1")
    assert (grant.offer_id, grant.campaign_id, grant.granted_at, grant.activated_at) == (offer_id, campaign_id, LAST_WEEK, None)


def test_grants_by_name_and_of_a_segment_are_of_the_variants_in_force(call: MakeCall, world: World, campaign_id: UUID) -> None:
    put(call, customer("c1", attributes={"size": 3}), customer("c2"), customer("c3"))
    named, large = listed(call, "c2"), ruled(call, {"attribute": "size", "op": "gt", "value": 2})
    variants = [{"name": "large", "segments": [SEGMENT.render(large)]}, {"name": "named", "segments": [SEGMENT.render(named)]}]
    offer_id, other_id = (world.offer(campaign_id, variants=variants) for _ in range(2))
    issue(call, offer_id, "c1", "c2", "c3")
    desk.issue_grants(call(), GrantsAsked(offer_id=other_id, segment_id=listed(call, "c1", "c2", "c3")))
    assert drawn(call, offer_id) == drawn(call, other_id) == {"c1": "large", "c2": "named", "c3": None}
    assert [grant.variant for grant in found(call, customer_id="c1")] == ["large"] * 2


def test_each_request_gives_one_more_grant_of_the_same_offer(call: MakeCall, offer_id: UUID) -> None:
    put_all(call, "c1")
    for key in (None, None, "a", "b"):
        issue(call, offer_id, "c1", key=key)
    assert holders(call, offer_id) == ["c1"] * 4


def test_a_request_repeated_with_its_key_gives_nothing_more(call: MakeCall, offer_id: UUID) -> None:
    put_all(call, "c1")
    made = issue(call, offer_id, "c1", key="k")
    with pytest.raises(Replayed) as again:
        issue(call, offer_id, "c1", key="k")
    assert (again.value.status, again.value.answer) == (201, made.model_dump_json())
    assert holders(call, offer_id) == ["c1"]


def test_grants_follow_from_the_key_and_the_customer(call: MakeCall, offer_id: UUID) -> None:
    put_all(call, "c1")
    first = issue(call, offer_id, "c1", key="k")
    with call().transaction() as tx:
        tx.connection.execute("DELETE FROM handled")
    assert issue(call, offer_id, "c1", key="k").grants == first.grants
    assert holders(call, offer_id) == ["c1"]


def test_names_customers_who_get_none_and_gives_to_the_others(call: MakeCall, campaign_id: UUID, offer_id: UUID) -> None:
    put(call, customer("c1"), customer("refuses", consent=False), customer("held"))
    launched(call, went_live(derived_id("other"), campaign_id, segments_in=[listed(call, "held")], holdout=10_000))
    made = issue(call, offer_id, "nobody", "c1", "refuses", "held", "c1")
    assert made.granted == 1
    assert [(item.index, item.id, item.problems[0].path, item.problems[0].message) for item in made.rejected] == [
        (0, "nobody", "/customers/0", "is no known customer"),
        (2, "refuses", "/customers/2", "has not consented to offers"),
        (3, "held", "/customers/3", "belongs to the campaign's hold-out group"),
        (4, "c1", "/customers/4", "is in the list twice; another request gives another grant"),
    ]
    assert holders(call, offer_id) == ["c1"]


def test_gives_an_offer_to_a_segment(call: MakeCall, offer_id: UUID) -> None:
    put(call, customer("c1"), customer("c2"), customer("refuses", consent=False))
    asked = GrantsAsked(offer_id=offer_id, segment_id=listed(call, "c1", "c2", "refuses", "nobody"))
    for _ in range(2):
        made = desk.issue_grants(call(), asked)
        assert (made.granted, made.granted_at, made.grants, made.rejected) == (2, NOW, [], [])
    assert holders(call, offer_id) == ["c1", "c1", "c2", "c2"]


def test_refuses_a_segment_that_does_not_exist(call: MakeCall, offer_id: UUID) -> None:
    with pytest.raises(Invalid) as refused:
        desk.issue_grants(call(), GrantsAsked(offer_id=offer_id, segment_id=derived_id("none")))
    assert [problem.path for problem in refused.value.problems] == ["/segment_id"]


def test_refuses_a_grant_from_the_future(call: MakeCall, offer_id: UUID) -> None:
    with pytest.raises(Invalid) as refused:
        issue(call, offer_id, "c1", at=NOW + timedelta(seconds=1))
    assert [problem.path for problem in refused.value.problems] == ["/granted_at"]


def test_refuses_an_offer_that_was_never_approved(call: MakeCall) -> None:
    with pytest.raises(Invalid) as refused:
        issue(call, derived_id("none"), "c1")
    assert [problem.path for problem in refused.value.problems] == ["/offer_id"]


def test_refuses_an_offer_that_was_withdrawn(call: MakeCall, offer_id: UUID) -> None:
    offers.withdraw_offer(call(), offer_id, WHY)
    with pytest.raises(Conflict):
        issue(call, offer_id, "c1")


def test_refuses_an_offer_of_a_cancelled_campaign(call: MakeCall, campaign_id: UUID, offer_id: UUID) -> None:
    campaigns.cancel_campaign(call(), campaign_id, WHY)
    with pytest.raises(Conflict):
        issue(call, offer_id, "c1")


@pytest.mark.parametrize("to", [{}, {"customers": ["c1"], "segment_id": derived_id("s")}, {"customers": []}])
def test_grants_go_either_to_customers_or_to_a_segment(to: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GrantsAsked(offer_id=derived_id("offer"), **to)


@pytest.mark.parametrize(("granted_after", "again"), [(-1, True), (0, True), (1, False)])
@pytest.mark.parametrize("to_segment", [True, False])
def test_purchases_made_since_the_grant_are_folded_again(
    call: MakeCall, world: World, offer_id: UUID, *, granted_after: int, again: bool, to_segment: bool
) -> None:
    world.grant(offer_id, "c1", at=LAST_WEEK)
    world.post(purchase("t1", "c1", at=LAST_WEEK))
    put_all(call, "c2")
    at = LAST_WEEK + timedelta(microseconds=granted_after)
    if to_segment:
        desk.issue_grants(call(), GrantsAsked(offer_id=offer_id, segment_id=listed(call, "c1", "c2"), granted_at=at))
    else:
        issue(call, offer_id, "c1", "c2", at=at)
    assert changed(call) == ({("c1", offer_id)} if again else set())


def test_lists_grants_page_by_page(call: MakeCall, world: World, campaign_id: UUID, offer_id: UUID) -> None:
    other = world.offer(campaign_id)
    put_all(call, "c1", "c2")
    for offer in (offer_id, offer_id, other):
        issue(call, offer, "c1", "c2")
    everything = found(call, offer_id=offer_id)
    assert len(everything) == 4
    first = found(call, offer_id=offer_id, limit=3)
    assert first + found(call, offer_id=offer_id, limit=3, after=first[-1].grant_id) == everything
    assert {grant.offer_id for grant in found(call, customer_id="c1")} == {offer_id, other}
    of_both = found(call, customer_id="c1", offer_id=offer_id)
    assert [(grant.customer_id, grant.offer_id) for grant in of_both] == [("c1", offer_id)] * 2
    assert found(call, customer_id="c1", offer_id=offer_id, after=of_both[0].grant_id) == of_both[1:]


def test_a_list_of_all_grants_is_not_to_be_had() -> None:
    with pytest.raises(ValidationError):
        GrantsQuery()


def test_refuses_an_offer_of_a_campaign_that_is_not_scheduled(call: MakeCall, world: World) -> None:
    window = CampaignWindow(start="2026-01-01", end="2026-01-31", zone="America/New_York")
    draft = NewCampaign(name="Draft", objective="None yet", portfolio="cards", currency="USD", window=window)
    offer_id = world.offer(campaigns.create_campaign(call("maya"), draft).campaign_id)
    with pytest.raises(Conflict, match="not scheduled"):
        issue(call, offer_id, "c1")
