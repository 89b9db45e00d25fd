"""Would this purchase earn, and why: answered one by one and many together, as the database stands."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.campaigns import service as campaigns
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import NotFound
from shared.kernel.ids import SEGMENT
from shared.merchants import service as merchants
from shared.redemptions.eligibility_api import Eligibility, PurchaseAsked, VerdictView
from tests.conftest import NOW, MakeCall
from tests.integration.redemptions.asking import Asker, asked
from tests.world import WHY, World, purchase

NOBODY = UUID(int=7)


def codes(verdict: VerdictView) -> list[str]:
    return [reason.code for reason in verdict.reasons]


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


def test_granted_customer_would_earn_and_every_rule_says_why(world: World, asker: Asker) -> None:
    offer_id = world.offer(world.campaign())
    (grant_id,) = world.grant(offer_id, "cust-1")
    answer = asker.one(asked(offer_id=offer_id))
    (verdict,) = answer.verdicts
    assert (answer.eligible, verdict.eligible, verdict.grant_id, verdict.version) == (True, True, grant_id, 1)
    assert (verdict.reward_minor, verdict.currency, codes(verdict)) == (200, "USD", [])
    assert all(rule.passed and rule.expected and rule.actual for rule in verdict.rules)
    assert verdict.rules[-1].rule == "budget"


def test_a_grant_of_a_variant_is_judged_by_its_terms_and_says_so(world: World, asker: Asker) -> None:
    gold = {"name": "gold", "segments": [SEGMENT.render(world.segment("cust-1"))], "reward": {"kind": "fixed", "amount": 900}}
    offer_id = world.offer(world.campaign(), variants=[gold])
    world.grant(offer_id, "cust-1", variant="gold")
    world.grant(offer_id, "cust-2", variant="gone")
    assert [(v.variant, v.reward_minor) for v in (asker.verdict(), asker.verdict("cust-2"))] == [("gold", 900), (None, 200)]


def test_nothing_is_written(world: World, asker: Asker) -> None:
    offer_id = world.offer(world.campaign())
    world.grant(offer_id, "cust-1")
    assert asker.verdict(offer_id=offer_id) == asker.verdict(offer_id=offer_id)
    assert world.redemptions() == world.rows("SELECT * FROM transactions") == []


def test_history_counts_and_a_purchase_made_takes_its_own_place(world: World, asker: Asker) -> None:
    offer_id = world.offer(world.campaign())
    world.grant(offer_id, "cust-1")
    world.post(purchase("t1"))
    after = asker.verdict(offer_id=offer_id, at=NOW + timedelta(hours=1))
    assert codes(after) == ["already_completed"]
    assert (after.before.completions, after.before.rewarded_minor, after.budget_left_minor) == (1, 200, 100_000 - 200)
    made = asker.verdict(offer_id=offer_id, transaction_id="t1")
    assert (made.eligible, "budget" in {rule.rule for rule in made.rules}) == (True, False)


def test_without_a_named_offer_all_in_whose_scope_it_falls_are_judged(world: World, asker: Asker) -> None:
    campaign_id = world.campaign()
    here = world.offer(campaign_id, scope={"include": {"merchants": ["shop-1"]}})
    anywhere = world.offer(campaign_id)
    world.offer(campaign_id, scope={"include": {"merchants": ["shop-2"]}})
    world.grant(here, "cust-1")
    answer = asker.one(asked())
    assert answer.eligible
    assert {verdict.offer_id: codes(verdict) for verdict in answer.verdicts} == {here: [], anywhere: ["not_targeted"]}


def test_budget_that_is_too_small_is_a_reason(world: World, asker: Asker) -> None:
    offer_id = world.offer(world.campaign(budget=199))
    world.grant(offer_id, "cust-1")
    verdict = asker.verdict(offer_id=offer_id)
    assert (verdict.eligible, verdict.reward_minor, codes(verdict)) == (False, 0, ["budget_exhausted"])


def test_what_a_pot_refused_stays_refused(world: World, asker: Asker) -> None:
    offer_id = world.offer(world.campaign(budget=199))
    world.grant(offer_id, "cust-1")
    world.post(purchase("t1"))
    assert codes(asker.verdict(offer_id=offer_id, transaction_id="t1")) == ["budget_exhausted"]


def test_consent_and_its_withdrawal_are_told_apart_by_their_moments(world: World, asker: Asker) -> None:
    offer_id = world.offer(world.campaign())
    world.grant(offer_id, "cust-1")
    with world.call().transaction() as tx:
        statement = "INSERT INTO consents (customer_id, at, given, recorded_at) VALUES ('cust-1', %s, %s, %s)"
        tx.connection.execute(statement, (NOW - timedelta(days=1), False, NOW))
        tx.connection.execute(statement, (NOW + timedelta(days=1), True, NOW))
    assert codes(asker.verdict(offer_id=offer_id)) == ["consent_withdrawn"]
    assert asker.verdict(offer_id=offer_id, at=NOW + timedelta(days=1)).eligible


def test_held_out_customer_is_told_so(world: World, asker: Asker) -> None:
    campaign_id = world.campaign()
    offer_id = world.offer(campaign_id)
    with world.call().transaction() as tx:
        tx.connection.execute("INSERT INTO holdouts VALUES (%s, 'cust-1', true, %s)", (campaign_id, NOW))
    assert codes(asker.verdict(offer_id=offer_id)) == ["held_out", "not_targeted"]


def test_category_and_zone_come_from_the_location(world: World, asker: Asker) -> None:
    shop = {"merchant_id": "shop-1", "name": "Shop", "mcc": "5411", "locations": [{"location_id": "l1", "zone": "Asia/Tokyo"}]}
    assert merchants.put_merchants(world.call(), json.dumps({"merchants": [shop]}).encode()).accepted == 1
    window = {"start": "2026-01-05", "end": "2026-01-15", "zone": "UTC", "zone_policy": "merchant"}
    offer_id = world.offer(world.campaign(), scope={"include": {"mccs": ["5411"]}}, window=window)
    world.grant(offer_id, "cust-1")
    assert asker.verdict(offer_id=offer_id, location_id="l1").eligible
    late = asker.verdict(offer_id=offer_id, location_id="l1", at=NOW + timedelta(hours=3))  # midnight in Tokyo
    assert codes(late) == ["outside_window"]


def test_brand_comes_from_the_merchant_and_the_rest_from_the_question(world: World, asker: Asker) -> None:
    shop = {"merchant_id": "shop-1", "name": "Shop", "brand": "Corner", "mcc": "5411"}
    merchants.put_merchants(world.call(), json.dumps({"merchants": [shop]}).encode())
    lists = {"network_merchant_ids": ["n1"], "channels": ["app"], "countries": ["US"], "regions": ["NY"], "card_products": ["gold"]}
    offer_id = world.offer(world.campaign(), scope={"include": lists | {"brands": ["Corner"]}})
    world.grant(offer_id, "cust-1")
    said: dict[str, Any] = {"network_merchant_id": "n1", "channel": "app", "country": "US", "region": "NY", "card_product": "gold"}
    assert asker.verdict(offer_id=offer_id, **said).eligible
    assert [verdict.eligible for verdict in asker.one(asked(**said)).verdicts] == [True]
    assert codes(asker.verdict(offer_id=offer_id, **said | {"merchant_id": "shop-2"})) == ["brand_not_in_scope"]
    assert codes(asker.verdict(offer_id=offer_id, **said | {"channel": "online", "region": None})) == [
        "channel_not_in_scope",
        "region_not_in_scope",
    ]


def test_arrival_is_now_for_a_purchase_not_made_and_as_recorded_for_one_made(world: World, asker: Asker, clock: SimulatedClock) -> None:
    window = {"start": "2026-01-01", "end": "2026-01-31", "zone": "America/New_York", "tail": "P10D"}
    offer_id = world.offer(world.campaign(), window=window, repeat=True)
    world.grant(offer_id, "cust-1")
    world.post(purchase("t1"))
    assert asker.verdict(offer_id=offer_id).eligible
    clock.advance(NOW + timedelta(days=40))
    assert codes(asker.verdict(offer_id=offer_id)) == ["late_posting"]
    assert asker.verdict(offer_id=offer_id, transaction_id="t1").eligible


def test_change_made_since_the_last_question_is_seen_by_the_next(world: World, asker: Asker) -> None:
    campaign_id = world.campaign()
    offer_id = world.offer(campaign_id)
    world.grant(offer_id, "cust-1")
    assert asker.verdict(offer_id=offer_id).eligible
    campaigns.cancel_campaign(world.call("maya"), campaign_id, WHY)
    assert codes(asker.verdict(offer_id=offer_id)) == ["cancelled"]


@pytest.mark.parametrize("field", ["amount", "tip", "tax", "cash_back"])
def test_amount_with_more_decimals_than_its_currency_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="more than 2 decimals"):
        PurchaseAsked.model_validate({"at": NOW, "currency": "USD", "amount": 1500, "merchant_id": "shop-1", field: "1.005"})


def test_unknown_offer_is_not_found(asker: Asker) -> None:
    with pytest.raises(NotFound):
        asker.one(asked(offer_id=NOBODY))


def test_answers_to_many_are_those_to_each_in_order(world: World, asker: Asker) -> None:
    campaign_id = world.campaign()
    first, second = world.offer(campaign_id), world.offer(campaign_id, reward={"kind": "fixed", "amount": 300})
    world.grant(first, "cust-1", "cust-2")
    world.grant(second, "cust-2")
    world.post(purchase("t1", "cust-1"))
    questions = [
        asked("cust-1", first, at=NOW + timedelta(hours=1)),
        asked("cust-9", merchant_id="elsewhere"),
        asked("cust-2", second),
        asked("cust-1", NOBODY),
        asked("cust-2"),
        asked("cust-1", first, transaction_id="t1"),
    ]
    answers = asker.together(*questions)
    assert [isinstance(answer, NotFound) for answer in answers] == [False, False, False, True, False, False]
    for question, answer in zip(questions, answers, strict=True):
        if isinstance(answer, Eligibility):
            assert answer == asker.one(question)
