"""Offers of one stacking group, through the product: one of them pays for a purchase, whatever becomes of it later."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from events.payloads import HistoriesChanged
from shared.kernel.shards import shard_of
from shared.redemptions import service as redemptions
from shared.redemptions.eligibility import check_eligibility
from shared.redemptions.eligibility_api import Eligibility, EligibilityAsked, PurchaseAsked
from tests.conftest import NOW, SHARDS, MakeCall
from tests.world import World, purchase


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


def give(world: World, reward: int, *, budget: int = 100_000, customers: tuple[str, ...] = ("cust-1",), **terms: Any) -> UUID:
    """An offer of the group with a campaign of its own."""
    fixed = {"reward": {"kind": "fixed", "amount": reward}, "stacking": {"group": "shops"}, "repeat": True}
    offer = world.offer(world.campaign(budget=budget), **fixed | terms)
    world.grant(offer, *customers)
    return offer


def settle(world: World) -> int:
    """Fold again whatever the folding itself said had changed; how many pairs that were."""
    said = world.rows("SELECT payload FROM outbox WHERE type = 'clo.histories.changed.v1' ORDER BY seq")
    changed = [HistoriesChanged.model_validate_json(bytes(row["payload"])) for row in said]
    for one in changed:
        redemptions.refold(world.call("redeem_cashback"), one)
    return sum(len(one.pairs) for one in changed)


def stands(world: World, offer: UUID) -> list[tuple[str, str, int]]:
    return [(r["transaction_id"], r["state"], r["reward_minor"]) for r in world.redemptions() if r["offer_id"] == offer]


def ask(world: World, offer_id: UUID | None = None, as_of: datetime | None = None, **about: Any) -> Eligibility:
    said: dict[str, Any] = {"at": NOW, "currency": "USD", "amount": 1500, "merchant_id": "shop-1"}
    body = EligibilityAsked(customer_id="cust-1", offer_id=offer_id, as_of=as_of, purchase=PurchaseAsked(**said | about))
    return asyncio.run(check_eligibility(world.call("support"), body))


def test_one_of_the_group_pays(world: World) -> None:
    less, more = give(world, 200), give(world, 300)
    world.post(purchase("t1"), purchase("t2"))

    assert stands(world, less) == []
    assert stands(world, more) == [("t1", "payable", 300), ("t2", "payable", 300)]
    assert settle(world) == 0
    world.verify()


def test_purchase_refunded_below_the_better_ones_threshold_goes_to_the_other(world: World) -> None:
    less = give(world, 200, qualification={"kind": "single_purchase", "threshold": 500})
    more = give(world, 300)
    world.post(purchase("t1"))
    assert stands(world, less) == []

    world.post(purchase("r1", kind="refund", amount=900, original_transaction_id="t1"))

    assert stands(world, less) == [("t1", "payable", 200)]
    assert stands(world, more) == [("t1", "reversed", 0)]
    world.verify()


def test_late_activation_of_the_better_one_takes_the_purchase_from_the_other(world: World) -> None:
    less, more = give(world, 200), give(world, 300, activation="required")
    world.post(purchase("t1"))
    assert stands(world, less) == [("t1", "payable", 200)]

    with world.call("wallet").transaction() as tx:
        tx.connection.execute("UPDATE grants SET activated_at = %s WHERE offer_id = %s", (NOW - timedelta(days=1), more))
    changed = HistoriesChanged(shard=shard_of("cust-1", SHARDS), pairs=[("cust-1", more)], why="activated")
    redemptions.refold(world.call("redeem_cashback"), changed)

    assert stands(world, less) == [("t1", "reversed", 0)]
    assert stands(world, more) == [("t1", "payable", 300)]
    world.verify()


def test_where_the_better_ones_budget_is_exhausted_the_next_pays(world: World) -> None:
    customers = ("cust-1", "cust-2", "cust-3")
    less, more = give(world, 200, customers=customers), give(world, 300, budget=400, customers=customers)
    for number, customer in enumerate(customers):
        world.post(purchase(f"t{number}", customer))

    assert settle(world) == 2
    assert [state for _, state, _ in stands(world, more)] == ["payable", "rejected", "rejected"]
    assert stands(world, less) == [("t1", "payable", 200), ("t2", "payable", 200)]
    assert settle(world) == 2  # the same events again
    assert len(world.redemptions()) == 5
    world.verify()


def test_offer_of_which_a_pot_refuses_some_keeps_its_turn_and_the_folding_ends(world: World) -> None:
    """Each would pay three times and has money for one: were it to give way, the two would take turns for ever."""
    often: dict[str, Any] = {"qualification": {"kind": "cumulative_spend", "threshold": 500}}
    less, more = give(world, 200, budget=200, **often), give(world, 300, budget=300, **often)
    world.post(purchase("t1"))

    assert [settle(world) for _ in range(3)] == [1, 1, 1]
    assert stands(world, less) == []
    assert stands(world, more) == [("t1", "payable", 300), ("t1", "rejected", 0), ("t1", "rejected", 0)]
    world.verify()


def test_question_names_the_offer_that_would_pay(world: World) -> None:
    less, more = give(world, 200), give(world, 300)

    verdicts = {verdict.offer_id: verdict for verdict in ask(world).verdicts}
    (alone,) = ask(world, less).verdicts

    assert verdicts[more].eligible
    assert not verdicts[less].eligible
    assert [reason.code for reason in verdicts[less].reasons] == ["outdone"]
    assert (alone.eligible, [reason.code for reason in alone.reasons]) == (False, ["outdone"])
    assert {rule.rule: rule.actual for rule in alone.rules}["stacking"] == f"offer {more} pays 3.00 USD"


def test_question_passes_over_an_offer_that_has_no_money_left(world: World) -> None:
    less, more = give(world, 200), give(world, 300, budget=100)

    verdicts = {verdict.offer_id: verdict for verdict in ask(world).verdicts}

    assert (verdicts[less].eligible, verdicts[less].reward_minor) == (True, 200)
    assert [reason.code for reason in verdicts[more].reasons] == ["budget_exhausted"]


def test_question_about_a_purchase_that_was_made_tells_who_paid(world: World) -> None:
    less, more = give(world, 200), give(world, 300)
    world.post(purchase("t1"))

    verdicts = {verdict.offer_id: verdict for verdict in ask(world, transaction_id="t1").verdicts}

    assert (verdicts[more].eligible, verdicts[less].eligible) == (True, False)


def test_question_about_the_past_knows_the_group_of_then(world: World) -> None:
    less, more = give(world, 200), give(world, 300)

    verdicts = {verdict.offer_id: verdict for verdict in ask(world, as_of=NOW).verdicts}
    (alone,) = ask(world, less, as_of=NOW).verdicts

    assert (verdicts[more].eligible, verdicts[less].eligible) == (True, False)
    assert [reason.code for reason in alone.reasons] == ["outdone"]
