"""Refunds that name no purchase and could be matched with none: listed, matched by hand, closed, and let go when they waited too long."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import InsufficientPrivilege

from events.payloads import Transaction
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Conflict, Invalid, NotFound
from shared.redemptions import unmatched
from shared.redemptions.unmatched import REFUNDS_WAIT
from shared.redemptions.unmatched_api import CloseAsked, MatchAsked, RefundView, UnmatchedQuery
from tests.conftest import NOW, MakeCall
from tests.world import World, purchase

YESTERDAY, HOUR, DAY = NOW - timedelta(days=1), timedelta(hours=1), timedelta(days=1)
WHY = "The receipt says so."


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture(autouse=True)
def offer(world: World) -> UUID:
    """Ten per cent of every purchase of ten dollars or more at shop-1, again and again."""
    reward = {"kind": "percent", "basis_points": 1_000}
    offer = world.offer(world.campaign(), reward=reward, repeat=True, scope={"include": {"merchants": ["shop-1"]}})
    world.grant(offer, "cust-1", "cust-2")
    return offer


def refund(name: str = "r1", amount: int = 2_000, customer: str = "cust-1", *, of: str | None = None, **more: Any) -> Transaction:
    """A refund at a merchant where nothing was bought, so that it finds no purchase by itself."""
    values: dict[str, Any] = {"merchant_id": "elsewhere", "at": NOW, "original_transaction_id": of} | more
    return purchase(name, customer, kind="refund", amount=amount, **values)


def listed(world: World, **query: Any) -> list[str]:
    return [found.transaction_id for found in unmatched.list_unmatched(world.call("sue"), UnmatchedQuery(**query)).refunds]


def match(world: World, name: str = "r1", to: str = "t1") -> RefundView:
    return unmatched.match_refund(world.call("sue"), name, MatchAsked(purchase_id=to, reason=WHY))


def rewards(world: World) -> dict[str, int]:
    return {row["transaction_id"]: row["reward_minor"] for row in world.redemptions()}


def test_those_that_wait_are_listed_by_reason_and_age_in_pages(world: World, clock: SimulatedClock) -> None:
    world.post(purchase("t1", amount=2_000, at=YESTERDAY), refund("r3"), refund("r1", merchant_id="shop-1", amount=2_001))
    clock.advance(NOW + 2 * DAY)
    world.post(refund("r2"), refund("named", of="not-known"))
    assert listed(world) == ["r1", "r2", "r3"]
    assert listed(world, reason="refund_above_purchase") == ["r1"]
    assert listed(world, reason="no_purchase_to_refund") == ["r2", "r3"]
    assert listed(world, older_than_days=2) == ["r1", "r3"]
    first = unmatched.list_unmatched(world.call("sue"), UnmatchedQuery(limit=2))
    assert ([found.transaction_id for found in first.refunds], first.next) == (["r1", "r2"], "r2")
    assert listed(world, after=first.next, limit=2) == ["r3"]
    totals = unmatched.count_unmatched(world.call("sue")).waiting
    assert [(t.reason, t.refunds, t.amount_minor, t.oldest_at) for t in totals] == [
        ("no_purchase_to_refund", 2, 4_000, NOW),
        ("refund_above_purchase", 1, 2_001, NOW),
    ]


def test_matched_by_hand_it_takes_back_what_its_purchase_earned_and_tells_who_and_why(world: World) -> None:
    world.post(purchase("t1", amount=5_000, at=YESTERDAY), refund())
    view = match(world)
    assert rewards(world) == {"t1": 300}
    assert (view.purchase_id, view.unmatched, listed(world)) == ("t1", None, [])
    assert [(d.decision, d.purchase_id, d.reason, d.decided_by, d.decided_at) for d in view.decisions] == [("match", "t1", WHY, "sue", NOW)]
    world.verify()


def test_the_same_refund_said_again_changes_nothing_of_the_match(world: World) -> None:
    world.post(purchase("t1", amount=5_000, at=YESTERDAY), refund())
    match(world)
    world.post(refund(), purchase("t2", amount=2_000, merchant_id="elsewhere", at=YESTERDAY), purchase("t3", at=YESTERDAY))
    assert rewards(world) == {"t1": 300, "t3": 150}
    world.verify()


def test_what_it_takes_is_not_left_for_refunds_that_found_the_purchase_by_themselves(world: World) -> None:
    world.post(purchase("t1", amount=2_000, at=YESTERDAY), purchase("t2", amount=3_000, at=YESTERDAY - HOUR))
    world.post(refund("found", merchant_id="shop-1"), refund())
    assert rewards(world) == {"t1": 0, "t2": 300}
    match(world)
    matched = {row["transaction_id"]: row["purchase_id"] for row in world.rows("SELECT * FROM transactions WHERE kind = 'refund'")}
    assert (matched, rewards(world)) == ({"found": "t2", "r1": "t1"}, {"t1": 0, "t2": 100})
    world.verify()


def test_it_is_matched_with_purchases_of_its_own_customer_and_currency_only(world: World) -> None:
    world.post(purchase("t1", "cust-2", at=YESTERDAY), purchase("t2", currency="EUR", at=YESTERDAY), refund())
    for name in ("t1", "t2", "t3"):
        with pytest.raises(Invalid) as refused:
            match(world, to=name)
        assert [problem.path for problem in refused.value.problems] == ["/purchase_id"]
    assert listed(world) == ["r1"]


def test_what_is_matched_already_or_not_known_is_refused(world: World) -> None:
    world.post(purchase("t1", amount=2_000, at=YESTERDAY), refund("named", of="t1"), refund())
    match(world)
    for name in ("r1", "named"):
        with pytest.raises(Conflict):
            match(world, name)
        with pytest.raises(Conflict):
            unmatched.close_refund(world.call("sue"), name, CloseAsked(reason=WHY))
    with pytest.raises(NotFound):
        match(world, "t1")


def test_closed_as_not_ours_it_waits_no_more_and_finds_no_purchase_by_itself(world: World) -> None:
    world.post(refund(merchant_id="shop-1"))
    view = unmatched.close_refund(world.call("sue"), "r1", CloseAsked(reason="Paid with another bank's card."))
    assert (view.unmatched, view.purchase_id) == ("refund_not_ours", None)
    assert [(d.decision, d.reason, d.decided_by) for d in view.decisions] == [("close", "Paid with another bank's card.", "sue")]
    world.post(purchase("t1", amount=2_000, at=YESTERDAY))
    assert (rewards(world), listed(world), listed(world, reason="refund_not_ours")) == ({"t1": 200}, [], ["r1"])


def test_what_found_its_purchase_by_itself_may_be_said_to_be_for_another_or_not_ours(world: World) -> None:
    world.post(purchase("t1", amount=2_000, at=YESTERDAY), purchase("t2", amount=3_000, at=YESTERDAY - HOUR))
    world.post(refund("a", merchant_id="shop-1"))
    assert rewards(world) == {"t1": 0, "t2": 300}
    match(world, "a", "t2")
    assert rewards(world) == {"t1": 200, "t2": 100}
    world.post(refund("b", merchant_id="shop-1"))
    assert rewards(world) == {"t1": 0, "t2": 100}
    unmatched.close_refund(world.call("sue"), "b", CloseAsked(reason=WHY))
    assert rewards(world) == {"t1": 200, "t2": 100}
    world.verify()


def test_closed_by_mistake_it_can_still_be_matched(world: World) -> None:
    world.post(purchase("t1", amount=5_000, at=YESTERDAY), refund())
    unmatched.close_refund(world.call("sue"), "r1", CloseAsked(reason=WHY))
    assert [decision.decision for decision in match(world).decisions] == ["close", "match"]
    assert rewards(world) == {"t1": 300}


def test_those_that_waited_too_long_are_let_go_and_counted(world: World, clock: SimulatedClock) -> None:
    world.post(purchase("t1", amount=5_000, at=YESTERDAY), refund("kept", 1_000, of="t1"), refund("r1"), refund("r2", of="passed-by"))
    world.post(refund("decided"))
    unmatched.close_refund(world.call("sue"), "decided", CloseAsked(reason=WHY))
    clock.advance(NOW + timedelta(seconds=1))
    world.post(refund("young"), refund("r1", amount=1))
    clock.advance(NOW + REFUNDS_WAIT)
    world.tick()
    names = {row["transaction_id"] for row in world.rows("SELECT transaction_id FROM transactions WHERE kind = 'refund'")}
    assert names == {"kept", "decided", "young"}
    gone = unmatched.count_unmatched(world.call("sue")).let_go
    assert [(one.reason, one.currency, one.refunds, one.amount_minor) for one in gone] == [("no_purchase_to_refund", "USD", 2, 4_000)]
    clock.advance(NOW + REFUNDS_WAIT + DAY)
    world.tick()
    assert [total.refunds for total in unmatched.count_unmatched(world.call("sue")).let_go] == [3]
    assert rewards(world) == {"t1": 400}


@pytest.mark.usefixtures("offer")
def test_what_is_under_an_offer_can_not_be_let_go(world: World) -> None:
    world.post(purchase("t1", amount=5_000, at=YESTERDAY), refund("kept", 1_000, of="t1"))
    for name in ("t1", "kept"):
        with world.call("anybody").transaction() as tx, pytest.raises(InsufficientPrivilege), tx.connection.transaction():
            tx.connection.execute("DELETE FROM transactions WHERE transaction_id = %s", (name,))
