"""What the card system tells of statement credits: paid, failed, returned; repeated, out of order, contradicting itself."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from events.payloads import HistoriesChanged, PayoutsDue
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Conflict
from shared.kernel.ids import CREDIT, derived_id
from shared.kernel.shards import shard_of
from shared.ledger import service as ledger
from shared.redemptions import payout, payout_results
from shared.redemptions import service as redeeming
from shared.redemptions.results_api import RetryAsked, WaitsQuery
from tests.conftest import NOW, SHARDS, MakeCall
from tests.integration.audiences.builders import emitted
from tests.world import World, purchase

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


def given(world: World, *customers: str, **terms: Any) -> UUID:
    """Customers who bought something and are owed two dollars."""
    campaign = world.campaign()
    world.grant(world.offer(campaign, repeat=True, **terms), *customers)
    world.post(*(purchase(f"t-{who}", who, at=NOW - 2 * DAY) for who in customers))
    return campaign


def pay(world: World) -> None:
    """All that is owed is instructed."""
    for row in world.redemptions():
        due = PayoutsDue(shard=shard_of(row["customer_id"], SHARDS), redemption_ids=[row["redemption_id"]])
        payout.pay_due(world.call("pay_cashback"), due)


def stands(world: World) -> list[tuple[str, int, int]]:
    """State, paid and on its way, of each redemption."""
    return [(row["state"], row["paid_minor"], row["instructed_minor"]) for row in world.redemptions()]


def money(world: World, campaign: UUID) -> tuple[int, int, int]:
    """What is payable, on its way, and paid."""
    with world.call().reading() as tx:
        pot = ledger.pots(tx, [campaign])[campaign]
    return pot.payable_minor, pot.instructed_minor, pot.paid_minor


def waits(world: World) -> list[tuple[str, int, Any]]:
    return [(wait.code, wait.failures, wait.due_at) for wait in payout_results.list_waiting_payouts(world.call(), WaitsQuery()).waits]


def test_credit_is_on_its_way_until_it_is_confirmed(world: World) -> None:
    campaign = given(world, "c1")
    pay(world)
    assert (stands(world), money(world, campaign)) == ([("payable", 200, 200)], (0, 200, 0))
    world.verify()
    assert world.told(*world.credits()).accepted == 1
    assert (stands(world), money(world, campaign)) == ([("paid", 200, 0)], (0, 0, 200))
    world.verify()


def test_what_is_told_again_changes_nothing(world: World) -> None:
    campaign = given(world, "c1")
    pay(world)
    for _ in range(3):
        assert world.told(*world.credits()).accepted == 1
    assert (stands(world), money(world, campaign)) == ([("paid", 200, 0)], (0, 0, 200))
    assert len(world.rows("SELECT * FROM credit_results")) == 1
    world.verify()


def test_failed_credit_is_owed_again_and_tried_again_after_a_pause_under_another_id(world: World, clock: SimulatedClock) -> None:
    campaign = given(world, "c1")
    pay(world)
    world.told(*world.credits(), result="failed", code="technical")
    assert (stands(world), money(world, campaign), waits(world)) == ([("payable", 0, 0)], (200, 0, 0), [("technical", 1, NOW + DAY)])
    pay(world)
    assert len(world.credits()) == 1
    clock.advance(NOW + DAY)
    world.tick()
    for due in emitted(world.call, PayoutsDue):
        payout.pay_due(world.call("pay_cashback"), due)
    first, second = world.credits()
    assert first["credit_id"] != second["credit_id"]
    assert (stands(world), waits(world)) == ([("payable", 200, 200)], [])
    world.told(second)
    assert (stands(world), money(world, campaign)) == ([("paid", 200, 0)], (0, 0, 200))
    world.verify()


def test_each_failure_makes_the_pause_longer_and_the_last_leaves_it_to_a_person(world: World, clock: SimulatedClock) -> None:
    given(world, "c1")
    for turn, days in enumerate((1, 3, 7, None), start=1):
        pay(world)
        world.told(world.credits()[-1], result="failed", code="technical", at=NOW)
        now = clock.now()
        assert waits(world) == [("technical", turn, now + timedelta(days=days) if days else None)]
        clock.advance(now + timedelta(days=days or 30))
        world.tick()
    assert len(waits(world)) == 1
    world.verify()


def test_closed_account_waits_for_a_person(world: World) -> None:
    given(world, "c1")
    pay(world)
    world.told(*world.credits(), result="failed", code="account_closed")
    assert waits(world) == [("account_closed", 1, None)]
    [redemption] = world.redemptions()
    payout_results.retry_payout(world.call("fay"), redemption["redemption_id"], RetryAsked(reason="A new account."))
    for due in emitted(world.call, PayoutsDue):
        payout.pay_due(world.call("pay_cashback"), due)
    assert (stands(world), len(world.credits())) == ([("payable", 200, 200)], 2)
    assert [row["decided_by"] for row in world.rows("SELECT * FROM payout_retries")] == ["fay"]
    with pytest.raises(Conflict):
        payout_results.retry_payout(world.call("fay"), redemption["redemption_id"], RetryAsked(reason="Again."))


def test_what_is_owed_no_more_is_not_listed_as_waiting(world: World) -> None:
    given(world, "c1")
    pay(world)
    world.told(*world.credits(), result="failed", code="account_closed")
    world.post(purchase("r1", "c1", kind="refund", original_transaction_id="t-c1", at=NOW - DAY))
    assert (stands(world), waits(world)) == ([("reversed", 0, 0)], [])
    world.verify()


def test_payment_that_comes_back_is_owed_again(world: World) -> None:
    campaign = given(world, "c1", "c2")
    pay(world)
    world.confirm()
    world.told(world.credits()[0], result="returned", code="account_blocked", at=NOW)
    assert money(world, campaign) == (200, 0, 200)
    assert sorted(stands(world)) == [("paid", 200, 0), ("payable", 0, 0)]
    world.verify()


RESULTS: list[dict[str, Any]] = [
    {"at": NOW - 3 * HOUR, "result": "failed", "code": "technical"},
    {"at": NOW - 2 * HOUR, "result": "paid"},
    {"at": NOW - HOUR, "result": "returned", "code": "account_blocked"},
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("last", [2, 3])
def test_results_end_the_same_in_whatever_order_they_come(world: World, order: tuple[int, ...], last: int) -> None:
    campaign = given(world, "c1")
    pay(world)
    for number in order:
        if number < last:
            assert world.told(*world.credits(), **RESULTS[number]).rejected == []
            world.verify()
    expected = [([("paid", 200, 0)], (0, 0, 200)), ([("payable", 0, 0)], (200, 0, 0))][last - 2]
    assert (stands(world), money(world, campaign)) == expected
    assert len(waits(world)) == last - 2


def test_credit_that_failed_and_was_instructed_anew_can_not_be_paid_after_all(world: World) -> None:
    campaign = given(world, "c1")
    pay(world)
    [first] = world.credits()
    world.told(first, result="failed", code="account_closed", at=NOW - HOUR)
    [redemption] = world.redemptions()
    payout_results.retry_payout(world.call("fay"), redemption["redemption_id"], RetryAsked(reason="A new account."))
    pay(world)
    [rejected] = world.told(first, at=NOW).rejected
    assert (rejected.id, rejected.problems[0].path) == (CREDIT.render(first["credit_id"]), "/results/0/result")
    assert (stands(world), money(world, campaign)) == ([("payable", 200, 200)], (0, 200, 0))
    world.verify()


def test_results_that_do_not_fit_are_named_and_the_others_taken(world: World) -> None:
    given(world, "c1", "c2")
    pay(world)
    first, second = world.credits()
    unknown = first | {"credit_id": derived_id("none")}
    assert [item.problems[0].message for item in world.told(unknown, first).rejected] == ["is no known statement credit"]
    assert [item.problems[0].path for item in world.told(second, amount=100).rejected] == ["/results/0/amount"]
    assert [item.problems[0].path for item in world.told(second, amount="2.00", currency="EUR").rejected] == ["/results/0/currency"]
    assert [item.problems[0].path for item in world.told(second, at=NOW + HOUR).rejected] == ["/results/0/at"]
    assert [item.problems[0].path for item in world.told(second, result="failed").rejected] == ["/results/0"]
    assert sorted(stands(world)) == [("paid", 200, 0), ("payable", 200, 200)]
    world.verify()


def test_refund_before_the_credit_fails_leaves_nothing_owed(world: World) -> None:
    campaign = given(world, "c1")
    pay(world)
    world.post(purchase("r1", "c1", kind="refund", original_transaction_id="t-c1", at=NOW - DAY))
    assert stands(world) == [("reversed", 200, 200)]
    world.verify()
    world.told(*world.credits(), result="failed", code="technical")
    assert (stands(world), money(world, campaign), waits(world)) == ([("reversed", 0, 0)], (0, 0, 0), [])
    world.verify()


def test_what_is_on_its_way_is_not_set_against_what_is_owed_before_it_is_confirmed(world: World) -> None:
    campaign = given(world, "c1")
    pay(world)
    world.post(purchase("r1", "c1", kind="refund", original_transaction_id="t-c1", at=NOW - DAY), purchase("t2", "c1"))
    pay(world)
    assert (stands(world), money(world, campaign)) == ([("reversed", 200, 200), ("payable", 200, 200)], (-200, 400, 0))
    world.verify()
    world.confirm()
    world.post(purchase("t3", "c1"))
    pay(world)
    assert [row["state"] for row in world.redemptions()] == ["reversed", "paid", "paid"]
    assert money(world, campaign) == (0, 0, 400)
    world.verify()


def test_what_was_written_off_and_never_arrived_is_given_back(world: World) -> None:
    campaign = given(world, "c1", clawback={"negative_balance": "write_off"})
    pay(world)
    world.post(purchase("r1", "c1", kind="refund", original_transaction_id="t-c1", at=NOW - DAY))
    left = world.available(campaign)
    world.told(*world.credits(), result="failed", code="technical")
    for changed in emitted(world.call, HistoriesChanged)[-1:]:
        redeeming.refold(world.call("redeem_cashback"), changed)
    assert world.available(campaign) == left + 200
    assert (stands(world), money(world, campaign)) == ([("reversed", 0, 0)], (0, 0, 0))
    world.verify()
