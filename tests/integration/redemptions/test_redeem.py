"""Purchases become cashback: on real PostgreSQL, through the use cases."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
import pytest

from events.payloads import PayoutsDue
from shared.kernel.clock import SimulatedClock
from shared.kernel.ids import SEGMENT
from shared.kernel.shards import shard_of
from shared.merchants import service as merchants
from shared.redemptions import payout
from tests.conftest import NOW, SHARDS, MakeCall
from tests.integration.redemptions.asking import Asker
from tests.world import World, amounts, basket, purchase


@pytest.fixture
def world(call: MakeCall) -> World:
    """A small world."""
    return World(call)


def test_a_qualifying_purchase_earns_and_is_posted(world: World) -> None:
    campaign = world.campaign(budget=10_000)
    world.grant(world.offer(campaign), "cust-1")
    world.post(purchase("t1"))
    (redemption,) = world.redemptions()
    assert (redemption["reward_minor"], redemption["state"], redemption["transaction_id"]) == (200, "payable", "t1")
    assert world.available(campaign) == 9_800
    world.verify()


def test_a_grant_earns_by_the_terms_of_its_variant(world: World) -> None:
    gold = {
        "name": "gold",
        "segments": [SEGMENT.render(world.segment("cust-1"))],
        "reward": {"kind": "fixed", "amount": 900},
        "threshold": 500,
    }
    offer_id = world.offer(world.campaign(), variants=[gold])
    world.grant(offer_id, "cust-1", variant="gold")
    world.grant(offer_id, "cust-2", variant="gone")
    world.grant(offer_id, "cust-3")
    world.post(*(purchase(f"t{n}", f"cust-{n}", amount=999) for n in (1, 2, 3)))
    world.post(*(purchase(f"u{n}", f"cust-{n}", amount=1000) for n in (2, 3)))
    earned = [(r["customer_id"], r["reward_minor"], r["transaction_id"]) for r in world.redemptions()]
    assert earned == [("cust-1", 900, "t1"), ("cust-2", 200, "u2"), ("cust-3", 200, "u3")]
    world.verify()


def test_a_purchase_before_the_grant_that_comes_late_takes_back_what_a_new_customer_earned(world: World) -> None:
    campaign = world.campaign(budget=10_000)
    offer_id = world.offer(campaign, recency={"customers": "new", "within": "P30D"})
    world.grant(offer_id, "cust-1", "cust-2", at=NOW - timedelta(days=2))
    before = NOW - timedelta(days=20)
    world.post(purchase("t1"), purchase("t2", "cust-2"))
    assert amounts(world.redemptions()) == [200, 200]
    world.post(purchase("t0", at=before, amount=1), purchase("u0", "cust-2", at=NOW - timedelta(days=2), amount=1))
    assert [(r["customer_id"], r["state"], r["reward_minor"]) for r in world.redemptions()] == [
        ("cust-1", "reversed", 0),
        ("cust-2", "payable", 200),
    ]
    world.post(purchase("r0", kind="refund", at=NOW, amount=1, original_transaction_id="t0"))
    assert world.available(campaign) == 9_800
    world.verify()


def test_purchases_before_the_approval_count_for_recency_once_they_are_sent_again(world: World, asker: Asker) -> None:
    before = purchase("t0", at=NOW - timedelta(days=60), merchant_id="shop-1")
    world.post(before)
    offer_id = world.offer(world.campaign(), recency={"customers": "new", "within": "P90D"})
    world.grant(offer_id, "cust-1")
    assert asker.verdict(offer_id=offer_id).eligible
    world.post(before)
    verdict = asker.verdict(offer_id=offer_id)
    assert [reason.code for reason in verdict.reasons] == ["not_new"]
    rule = next(rule for rule in verdict.rules if rule.rule == "new customer")
    assert (rule.expected, rule.actual) == (
        "nothing bought after 2025-10-07T11:00:00+00:00 and before the grant",
        "bought last 2025-11-16T12:00:00+00:00",
    )


def test_a_repeated_event_and_a_repeated_purchase_earn_once(world: World) -> None:
    campaign = world.campaign()
    world.grant(world.offer(campaign, repeat=True), "cust-1")
    world.post(purchase("t1"))
    world.post(purchase("t1"))
    world.post(purchase("t1"), purchase("t1"), purchase("t2"))
    assert amounts(world.redemptions()) == [200, 200]
    world.verify()


def test_the_same_id_with_other_content_is_set_aside_and_pays_nothing(world: World) -> None:
    world.grant(world.offer(world.campaign(), repeat=True), "cust-1")
    world.post(purchase("t1"))
    world.post(purchase("t1", amount=9_000))
    assert len(world.redemptions()) == 1
    assert [row["reason"] for row in world.rows("SELECT reason FROM set_aside")] == ["transaction_id_reused"]


def test_the_same_other_content_twice_in_a_batch_is_set_aside_once(world: World) -> None:
    world.grant(world.offer(world.campaign(), repeat=True), "cust-1")
    world.post(purchase("t1"), purchase("t1", amount=9_000), purchase("t1", amount=9_000))
    assert len(world.redemptions()) == 1
    assert [row["reason"] for row in world.rows("SELECT reason FROM set_aside")] == ["transaction_id_reused"]


def test_decimal_and_minor_units_are_the_same_purchase(world: World) -> None:
    world.grant(world.offer(world.campaign(), repeat=True), "cust-1")
    world.post(purchase("t1", amount=1500))
    world.post(purchase("t1", amount="15.00"))  # type: ignore[arg-type]
    assert len(world.redemptions()) == 1
    assert world.rows("SELECT * FROM set_aside") == []


def test_exhaustion_admits_a_prefix_and_refuses_the_rest_with_the_reason(world: World) -> None:
    campaign = world.campaign(budget=500)
    world.grant(world.offer(campaign), "a", "b", "c", "d")
    world.post(*(purchase(f"t{i}", customer, at=NOW + timedelta(seconds=i)) for i, customer in enumerate("abcd")))
    found = sorted((row["customer_id"], row["state"], row["reason"], row["reward_minor"]) for row in world.redemptions())
    assert sum(row[3] for row in found) == 400
    assert [row[1:3] for row in found].count(("rejected", "budget_exhausted")) == 2
    assert world.available(campaign) == 100
    world.verify()


def test_a_late_purchase_ends_in_the_same_state_as_an_ordered_one(world: World) -> None:
    offer = world.offer(
        world.campaign(), qualification={"kind": "cumulative_spend", "threshold": 3000}, reward={"kind": "percent", "basis_points": 1000}
    )
    world.grant(offer, "late", "ordered")
    early, middle, last = (NOW + timedelta(hours=h) for h in (0, 1, 2))
    world.post(purchase("o1", "ordered", at=early, amount=1000))
    world.post(purchase("o2", "ordered", at=middle, amount=2500))
    world.post(purchase("o3", "ordered", at=last, amount=9000))
    world.post(purchase("l3", "late", at=last, amount=9000))
    assert amounts(row for row in world.redemptions() if row["customer_id"] == "late") == [900]
    world.post(purchase("l2", "late", at=middle, amount=2500))
    world.post(purchase("l1", "late", at=early, amount=1000))
    assert {row["customer_id"]: (row["reward_minor"], row["earned_at"]) for row in world.redemptions()} == {
        "late": (350, middle),
        "ordered": (350, middle),
    }
    world.verify()


def test_a_purchase_that_came_before_the_offer_was_approved_earns_when_it_is_sent_again(world: World) -> None:
    campaign = world.campaign()
    world.grant(world.offer(campaign), "cust-1")
    bought = (purchase("t1"), purchase("t2", at=NOW + timedelta(hours=1)))
    world.post(*bought)
    late = world.offer(campaign, reward={"kind": "fixed", "amount": 300})
    world.grant(late, "cust-1")
    world.post(*bought, bought[0], purchase("t3", at=NOW + timedelta(hours=2)))
    world.post(*bought)
    earned = [(row["offer_id"] == late, row["transaction_id"], row["reward_minor"]) for row in world.redemptions()]
    assert sorted(earned) == [(False, "t1", 200), (True, "t1", 300)]
    filed = world.rows("SELECT transaction_id, cardinality(offers) AS offers FROM transactions ORDER BY transaction_id")
    assert filed == [{"transaction_id": transaction_id, "offers": 2} for transaction_id in ("t1", "t2", "t3")]
    counts = world.rows("SELECT offer_id, reason, purchases FROM refusal_counts")
    assert sorted((row["offer_id"] == late, row["reason"], row["purchases"]) for row in counts) == [
        (False, "already_completed", 2), (True, "already_completed", 2),
    ]  # fmt: skip
    world.verify()


@pytest.mark.parametrize("known", [True, False], ids=["merchant known", "merchant unknown"])
def test_a_purchase_sent_again_counts_as_it_came_first_where_its_merchant_was_known(world: World, *, known: bool) -> None:
    campaign = world.campaign()
    world.offer(campaign)
    shop: dict[str, Any] = {"merchant_id": "shop-1", "name": "Shop", "mcc": "5411"}
    if known:
        merchants.put_merchants(world.call(), json.dumps({"merchants": [shop]}).encode())
    world.post(purchase("t1", location_id="l1"))
    shop["locations"] = [{"location_id": "l1", "zone": "UTC"}]
    merchants.put_merchants(world.call(), json.dumps({"merchants": [shop]}).encode())
    world.grant(world.offer(campaign, scope={"include": {"mccs": ["5411"]}}, repeat=True), "cust-1")
    world.post(purchase("t1", location_id="l1"))
    first = [] if known else ["t1"]
    assert [row["transaction_id"] for row in world.redemptions()] == first
    world.post(purchase("t2", location_id="l1", at=NOW + timedelta(hours=1)))
    assert [row["transaction_id"] for row in world.redemptions()] == [*first, "t2"]


SAID: Final[dict[str, Any]] = {"network_merchant_id": "n1", "channel": "app", "country": "US", "region": "NY", "card_product": "gold"}


@pytest.mark.parametrize("place", [{}, {"location_id": "l1"}])
def test_a_purchase_earns_by_all_that_it_says_and_its_merchant_tells(world: World, place: dict[str, Any]) -> None:
    shop = {"merchant_id": "shop-1", "name": "Shop", "brand": "Corner", "mcc": "5411", "locations": [{"location_id": "l1"}]}
    merchants.put_merchants(world.call(), json.dumps({"merchants": [shop]}).encode())
    lists = {"brands": ["Corner"], "network_merchant_ids": ["n1"], "channels": ["app"], "countries": ["US"], "regions": ["NY"]}
    asked = lists | {"mccs": ["5411-5499"], "card_products": ["gold"]}
    world.grant(world.offer(world.campaign(), scope={"include": asked}, repeat=True), "cust-1")
    bought = SAID | {"mcc": "5450"} | place
    world.post(purchase("t1", **bought), *(purchase(f"without-{said}", **bought | {said: None}) for said in SAID))
    world.post(purchase("t2", **bought), purchase("t3", **bought | {"channel": "online"}))
    assert [row["transaction_id"] for row in world.redemptions()] == ["t1", "t2"]
    (stored,) = world.rows(f"SELECT brand, {', '.join(SAID)} FROM transactions WHERE transaction_id = 't1'")
    assert stored == SAID | {"brand": "Corner"}
    world.verify()


def test_country_and_region_come_from_the_location_where_the_purchase_does_not_say(world: World) -> None:
    there = {"location_id": "l1", "country": "CA", "region": "ON"}
    shop = {"merchant_id": "shop-1", "name": "Shop", "mcc": "5411", "locations": [there]}
    merchants.put_merchants(world.call(), json.dumps({"merchants": [shop]}).encode())
    scope = {"include": {"countries": ["CA"], "regions": ["ON"]}}
    world.grant(world.offer(world.campaign(), scope=scope, repeat=True), "cust-1")
    world.post(purchase("t1", location_id="l1"), purchase("t2", location_id="l1", country="US"), purchase("t3"))
    assert [row["transaction_id"] for row in world.redemptions()] == ["t1"]


NAMED: Final[dict[str, Any]] = {"network": "visa", "descriptor": "SQ *BLUE CUP", "city": "Seattle"}


@pytest.mark.parametrize("said", [*SAID, *NAMED, "merchant_id"])
def test_an_id_that_comes_again_with_another_fact_is_set_aside(world: World, said: str) -> None:
    world.grant(world.offer(world.campaign(), repeat=True), "cust-1")
    world.post(purchase("t1", **SAID | NAMED))
    world.post(purchase("t1", **SAID | NAMED), purchase("t1", **SAID | NAMED | {said: None}))
    assert [row["reason"] for row in world.rows("SELECT reason FROM set_aside")] == ["transaction_id_reused"]


def test_a_purchase_that_arrives_after_the_tail_earns_nothing_and_one_in_it_earns(world: World, clock: SimulatedClock) -> None:
    window = {"start": "2026-01-01", "end": "2026-01-31", "zone": "America/New_York", "tail": "P10D"}
    world.grant(world.offer(world.campaign(), window=window, repeat=True), "cust-1")
    end_of_tail = datetime(2026, 2, 11, 5, tzinfo=UTC)
    clock.advance(end_of_tail - timedelta(microseconds=1))
    world.post(purchase("t1"))
    clock.advance(end_of_tail)
    world.post(purchase("t2", at=NOW - timedelta(days=1)))
    world.post(purchase("t1"), purchase("t2", at=NOW - timedelta(days=1)), purchase("t3"))
    assert [row["transaction_id"] for row in world.redemptions()] == ["t1"]
    assert world.rows("SELECT reason, purchases FROM refusal_counts") == [{"reason": "late_posting", "purchases": 2}]
    world.verify()


def test_several_grants_of_one_offer_complete_by_one_purchase(world: World) -> None:
    offer = world.offer(world.campaign())
    world.grant(offer, "cust-1", turn=1)
    world.grant(offer, "cust-1", turn=2, at=NOW - timedelta(days=5))
    world.post(purchase("t1"))
    assert amounts(world.redemptions()) == [200, 200]


def test_a_limit_in_total_refuses_with_its_own_reason(world: World) -> None:
    campaign = world.campaign()
    world.grant(world.offer(campaign, limits={"redemptions_total": 2}), "a", "b", "c")
    for number, customer in enumerate("abc"):
        world.post(purchase(f"t{number}", customer))
    assert [(row["reward_minor"], row["reason"]) for row in world.redemptions()].count((0, "offer_limit_reached")) == 1
    assert world.available(campaign) == 100_000 - 400
    world.verify()


def test_visits_and_limits_of_a_period_are_counted_over_batches(world: World) -> None:
    offer = world.offer(
        world.campaign(),
        reward={"kind": "tiers", "on": "whole", "tiers": [{"reached": 0, "basis_points": 500}, {"reached": 4000, "amount": 400}]},
        qualification={"kind": "visits", "visits": 2, "maximum": 3000},
        limits={"per_period": [{"redemptions": 1, "per": "P1D", "kind": "calendar"}]},
        repeat=True,
    )
    world.grant(offer, "cust-1")
    bought = [(1500, 0), (3001, 1), (1500, 2), (2000, 3), (2000, 4), (100, 24)]
    for number, (amount, hour) in reversed(list(enumerate(bought))):
        world.post(purchase(f"t{number}", at=NOW + timedelta(hours=hour), amount=amount))
    earned = [(row["transaction_id"], row["reward_minor"]) for row in world.redemptions() if row["reward_minor"]]
    assert earned == [("t2", 150), ("t5", 400)]
    assert {row["reason"] for row in world.rows("SELECT reason FROM refusal_counts")} >= {"amount_above_maximum"}
    world.verify()


def test_tip_tax_and_cash_back_are_kept_and_taken_off_a_subtotal(world: World) -> None:
    offer = world.offer(
        world.campaign(),
        reward={"kind": "percent", "basis_points": 1000},
        qualification={"kind": "cumulative_spend", "threshold": 2000, "base": "subtotal"},
    )
    world.grant(offer, "cust-1")
    world.post(purchase("t1", amount=1500, tip="1.00", tax=200, cash_back="2.00"))
    world.post(purchase("t2", amount=1000, at=NOW + timedelta(hours=1)))
    assert amounts(world.redemptions()) == [200]
    world.post(purchase("t1", amount=1500, tip=100, tax=200, cash_back=200))
    world.post(purchase("t1", amount=1500, tip=101, tax=200, cash_back=200))
    assert world.rows("SELECT transaction_id FROM set_aside") == [{"transaction_id": "t1"}]
    assert amounts(world.redemptions()) == [200]


def test_only_products_in_scope_count(world: World) -> None:
    offer = world.offer(
        world.campaign(),
        scope={"include": {"products": ["milk", "bread"]}, "exclude": {"products": ["bread"]}},
        reward={"kind": "percent", "basis_points": 500},
    )
    world.grant(offer, "cust-1")
    world.post(purchase("t1", amount=5000, items=basket(("milk", 2000), ("bread", 1000), ("beer", 2000))))
    assert amounts(world.redemptions()) == [100]


def test_purchases_out_of_every_scope_are_not_stored(world: World) -> None:
    world.grant(world.offer(world.campaign(), scope={"include": {"merchants": ["shop-2"]}}), "cust-1")
    world.post(purchase("t1"))
    assert world.rows("SELECT * FROM transactions") == []


def test_why_a_purchase_earned_nothing_is_counted(world: World) -> None:
    world.grant(world.offer(world.campaign()), "cust-1")
    world.post(purchase("t1", amount=999))
    world.post(purchase("t2"))
    world.post(purchase("t3", at=NOW + timedelta(hours=1)))
    counts = {row["reason"]: row["purchases"] for row in world.rows("SELECT * FROM refusal_counts")}
    assert counts == {"amount_below_threshold": 1, "already_completed": 1}


def test_a_held_reward_is_paid_once_when_its_hold_is_over(world: World, clock: SimulatedClock, call: MakeCall) -> None:
    world.grant(world.offer(world.campaign(), hold_days=3), "cust-1")
    world.post(purchase("t1"))
    (redemption,) = world.redemptions()
    assert (redemption["state"], redemption["payable_at"]) == ("held", NOW + timedelta(days=3))
    clock.advance(NOW + timedelta(days=3))
    with call("schedule").transaction() as tx:
        assert payout.emit_due(tx, SHARDS) == 1
    due = PayoutsDue(shard=0, redemption_ids=[redemption["redemption_id"]])
    payout.pay_due(call("pay_cashback", key="e1"), due)
    payout.pay_due(call("pay_cashback", key="e2"), due)
    assert world.redemptions("state, paid_minor") == [{"state": "payable", "paid_minor": 200}]
    assert world.rows("SELECT amount_minor FROM statement_credits") == [{"amount_minor": 200}]
    world.verify()


def test_a_reward_that_shrinks_after_it_was_paid_leaves_the_books_right(world: World, call: MakeCall) -> None:
    campaign = world.campaign()
    world.grant(world.offer(campaign, reward={"kind": "percent", "basis_points": 1000}), "cust-1")
    world.post(purchase("t2", at=NOW, amount=5000))
    (redemption,) = world.redemptions()
    payout.pay_due(call("pay_cashback", key="e1"), PayoutsDue(shard=0, redemption_ids=[redemption["redemption_id"]]))
    world.post(purchase("t1", at=NOW - timedelta(hours=1), amount=2000))
    assert world.redemptions("transaction_id, state, reward_minor, paid_minor") == [
        {"transaction_id": "t1", "state": "payable", "reward_minor": 200, "paid_minor": 0},
        {"transaction_id": "t2", "state": "reversed", "reward_minor": 0, "paid_minor": 500},
    ]
    assert world.available(campaign) == 100_000 - 200
    world.verify()


def test_the_number_of_statements_does_not_grow_with_the_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    offer = world.offer(world.campaign(budget=1_000_000), limits={"redemptions_total": 1000})
    customers = [name for name in (f"c{number}" for number in range(400)) if shard_of(name, SHARDS) == 0]
    world.grant(offer, *customers)
    counted: Counter[str] = Counter()
    for method in ("execute", "copy"):
        monkeypatch.setattr(psycopg.Cursor, method, _counting(getattr(psycopg.Cursor, method), counted))
    counts = []
    for first, last in ((0, 1), (1, 2), (2, 90)):
        counted.clear()
        world.post(*(purchase(f"t{customer}", customer) for customer in customers[first:last]))
        counts.append(counted.total())
    assert counts[1] == counts[2] <= 24
    assert len(amounts(world.redemptions())) == 90
    world.grant(world.offer(world.campaign(budget=1_000_000), limits={"redemptions_total": 1000}), *customers)
    for first, last in ((0, 1), (1, 2), (2, 90)):
        counted.clear()
        world.post(*(purchase(f"t{customer}", customer) for customer in customers[first:last]))
        counts.append(counted.total())
    assert counts[4] == counts[5] <= 24
    assert len(amounts(world.redemptions())) == 180


def _counting(method: Callable[..., Any], counted: Counter[str]) -> Callable[..., Any]:
    def counting(*arguments: Any, **values: Any) -> object:
        counted[method.__name__] += 1
        return method(*arguments, **values)

    return counting
