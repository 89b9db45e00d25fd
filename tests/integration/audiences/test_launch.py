from datetime import timedelta

import pytest

from events.payloads import ChannelName, OfferRolledOut, RolloutContent, VariantDrawn
from shared.audiences.model import Grant
from shared.audiences.store import grants_of_offer
from shared.kernel.clock import SimulatedClock
from shared.kernel.ids import derived_id
from tests.conftest import NOW, MakeCall
from tests.integration.audiences.builders import (
    LIVE_AT,
    changed,
    customer,
    drawn,
    emitted,
    holders,
    launched,
    listed,
    put,
    put_all,
    ruled,
    went_live,
)
from tests.world import World, purchase

OFFER, OTHER, CAMPAIGN = derived_id("offer"), derived_id("other"), derived_id("campaign")
WORDS: tuple[tuple[ChannelName, str], ...] = (("sms", "en"), ("web", "en"), ("sms", "fr"))
CUSTOMERS = tuple(f"c{n}" for n in range(5))
MANY = tuple(f"c{n:04}" for n in range(2_000))


def grants(call: MakeCall) -> list[Grant]:
    with call().reading() as tx:
        return grants_of_offer(tx, OFFER, limit=10_000, after=None)


def held_out(call: MakeCall) -> set[str]:
    with call().reading() as tx:
        found = tx.connection.execute("SELECT customer_id FROM holdouts WHERE campaign_id = %s AND held_out", (CAMPAIGN,)).fetchall()
    return {row["customer_id"] for row in found}


def test_gives_the_offer_to_members_with_consent_who_are_in_no_segment_out(call: MakeCall) -> None:
    put(call, *(customer(f"c{n}", consent=n != 1, attributes={"size": n}) for n in range(6)))
    segments_in = [listed(call, "c0", "c1", "c2", "nobody"), ruled(call, {"attribute": "size", "op": "gt", "value": 2})]
    launched(call, went_live(OFFER, CAMPAIGN, segments_in=segments_in, segments_out=[listed(call, "c2")]))
    assert holders(call, OFFER) == ["c0", "c3", "c4", "c5"]
    assert {(grant.campaign_id, grant.granted_at) for grant in grants(call)} == {(CAMPAIGN, LIVE_AT)}


def test_an_offer_without_segments_in_goes_to_nobody(call: MakeCall) -> None:
    put_all(call, "c1")
    launched(call, went_live(OFFER, CAMPAIGN))
    assert holders(call, OFFER) == []


def test_each_gets_one_grant_however_often_it_is_launched(call: MakeCall) -> None:
    put_all(call, "c1", "c2")
    event = went_live(OFFER, CAMPAIGN, segments_in=[listed(call, "c1", "c2"), listed(call, "c2")])
    launched(call, event)
    launched(call, event)
    assert holders(call, OFFER) == ["c1", "c2"]


def test_the_holdout_is_a_random_share_and_gets_nothing(call: MakeCall) -> None:
    put_all(call, *MANY)
    launched(call, went_live(OFFER, CAMPAIGN, segments_in=[listed(call, *MANY)], holdout=1_000))
    out = held_out(call)
    assert 140 <= len(out) <= 260  # 200 expected; six standard deviations are 80
    assert set(holders(call, OFFER)) == set(MANY) - out
    assert any(one in out for one in MANY[:1_000])
    assert any(one in out for one in MANY[1_000:])


def test_the_holdout_of_a_campaign_is_drawn_once(call: MakeCall) -> None:
    put_all(call, *MANY[:200])
    first, everyone = listed(call, *MANY[:100]), listed(call, *MANY[:200])
    launched(call, went_live(OFFER, CAMPAIGN, segments_in=[first], holdout=5_000))
    out = held_out(call)
    launched(call, went_live(OTHER, CAMPAIGN, segments_in=[everyone], holdout=5_000))
    assert held_out(call) & set(MANY[:100]) == out
    assert set(holders(call, OTHER)) == set(MANY[:200]) - held_out(call)


def test_who_was_given_an_offer_of_the_campaign_is_not_held_out_later(call: MakeCall) -> None:
    put_all(call, *MANY[:50])
    everyone = listed(call, *MANY[:50])
    launched(call, went_live(OFFER, CAMPAIGN, segments_in=[everyone]))
    launched(call, went_live(OTHER, CAMPAIGN, segments_in=[everyone], holdout=10_000))
    assert len(holders(call, OTHER)) == 50


def test_another_campaign_draws_for_itself(call: MakeCall) -> None:
    put_all(call, *MANY[:50])
    everyone = listed(call, *MANY[:50])
    launched(call, went_live(OFFER, CAMPAIGN, segments_in=[everyone], holdout=10_000))
    launched(call, went_live(OTHER, derived_id("another"), segments_in=[everyone]))
    assert (holders(call, OFFER), len(holders(call, OTHER))) == ([], 50)


def test_rolls_out_to_three_channels_where_the_offer_has_no_words(call: MakeCall) -> None:
    put_all(call, "c1", "c2")
    launched(call, went_live(OFFER, CAMPAIGN, segments_in=[listed(call, "c1", "c2")]))
    assert [(event.channel, event.grants, event.content) for event in emitted(call, OfferRolledOut)] == [
        ("email", 2, []),
        ("social", 2, []),
        ("in_app", 2, []),
    ]


def test_rolls_out_to_each_channel_that_the_offer_has_words_for(call: MakeCall) -> None:
    words = [RolloutContent(channel=channel, language=language, title="Fruit", text="Ten off.") for channel, language in WORDS]
    launched(call, went_live(OFFER, CAMPAIGN, content=words))
    assert [(event.channel, event.content) for event in emitted(call, OfferRolledOut)] == [
        ("sms", [words[0], words[2]]),
        ("web", [words[1]]),
    ]


def test_a_grant_is_of_the_first_variant_that_has_a_segment_of_its_customer(call: MakeCall) -> None:
    put(call, *(customer(f"c{n}", attributes={"size": n}) for n in range(5)))
    large, first, everyone = ruled(call, {"attribute": "size", "op": "gt", "value": 2}), listed(call, "c1", "c4"), listed(call, *CUSTOMERS)
    variants = [VariantDrawn(name="large", segments=[large]), VariantDrawn(name="first", segments=[first, listed(call, "c0", "nobody")])]
    launched(call, went_live(OFFER, CAMPAIGN, segments_in=[everyone], variants=variants))
    assert drawn(call, OFFER) == {"c0": "first", "c1": "first", "c2": None, "c3": "large", "c4": "large"}
    launched(call, went_live(OTHER, CAMPAIGN, segments_in=[everyone], variants=variants[::-1]))
    assert drawn(call, OTHER) == {"c0": "first", "c1": "first", "c2": None, "c3": "large", "c4": "first"}


def test_a_variant_stays_when_its_customer_leaves_the_segment(call: MakeCall) -> None:
    put(call, customer("c0", attributes={"size": 3}))
    large = ruled(call, {"attribute": "size", "op": "gt", "value": 2})
    event = went_live(OFFER, CAMPAIGN, segments_in=[listed(call, "c0")], variants=[VariantDrawn(name="large", segments=[large])])
    launched(call, event)
    put(call, customer("c0", attributes={"size": 1}))
    launched(call, event)
    assert drawn(call, OFFER) == {"c0": "large"}


def test_words_of_a_variant_are_rolled_out_beside_the_others(call: MakeCall) -> None:
    words = [RolloutContent(channel="sms", language="en", title="Fruit", text="Ten off.", variant=variant) for variant in (None, "gold")]
    launched(call, went_live(OFFER, CAMPAIGN, content=words))
    assert [(event.channel, event.content) for event in emitted(call, OfferRolledOut)] == [("sms", words)]


@pytest.mark.parametrize(("days_after", "again"), [(1, True), (0, True), (-1, False)])
def test_purchases_since_the_launch_are_folded_again(call: MakeCall, *, days_after: int, again: bool) -> None:
    world = World(call)
    campaign_id = world.campaign()
    offer_id = world.offer(campaign_id)
    put_all(call, "c1", "c2", "c3")
    world.post(purchase("t1", "c1", at=LIVE_AT + timedelta(days=days_after)), purchase("t2", "c2", at=LIVE_AT, amount=1))
    launched(call, went_live(offer_id, campaign_id, segments_in=[listed(call, "c1", "c3")]))
    assert changed(call) == ({("c1", offer_id)} if again else set())


def test_purchases_that_the_offer_is_not_about_are_not_folded_again(call: MakeCall) -> None:
    world = World(call)
    campaign_id = world.campaign()
    world.offer(campaign_id)
    elsewhere = world.offer(campaign_id, scope={"include": {"merchants": ["another"]}})
    put_all(call, "c1")
    world.post(purchase("t1", "c1"))
    launched(call, went_live(elsewhere, campaign_id, segments_in=[listed(call, "c1")]))
    assert changed(call) == set()


def test_a_launch_takes_as_many_statements_for_many_as_for_few(call: MakeCall, statements: list[str], clock: SimulatedClock) -> None:
    put_all(call, *MANY)
    few, many = listed(call, *MANY[:2]), listed(call, *MANY)
    assert clock.now() == NOW
    counts = []
    for offer_id, segment_id in ((OFFER, few), (OTHER, many)):
        before = len(statements)
        launched(call, went_live(offer_id, CAMPAIGN, segments_in=[segment_id], holdout=500))
        counts.append(len(statements) - before)
    assert counts[0] == counts[1]
