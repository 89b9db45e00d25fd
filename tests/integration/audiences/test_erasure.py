"""Consent withdrawn and customers erased: targeting stops at once, what was earned before is honoured."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from events.payloads import PayoutsDue
from shared.audiences import customers, erasure, service, wallet
from shared.audiences.api import AudienceAsked
from shared.audiences.wallet_api import Activation, WalletQuery
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Conflict, NotFound
from shared.redemptions import payout
from tests.conftest import NOW, MakeCall
from tests.integration.audiences.builders import (
    LIVE_AT,
    customer,
    emitted,
    holders,
    issue,
    launched,
    listed,
    put,
    put_all,
    ruled,
    went_live,
)
from tests.world import World, purchase

Go = Callable[[], None]
EARLIER, LATER = NOW - timedelta(hours=1), NOW + timedelta(hours=1)


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture(params=["withdrawn", "erased"])
def gone(request: pytest.FixtureRequest, call: MakeCall, world: World) -> Go:
    """Lets a customer withdraw consent, or be erased."""

    def go() -> None:
        if request.param == "withdrawn":
            put_all(call, "c1", consent=False)
        else:
            erasure.erase_customer(call(), "c1")
        world.deliver()

    return go


def offered(call: MakeCall, world: World, **terms: Any) -> UUID:
    """A customer with a grant."""
    put(call, customer("c1", consent_at=(NOW - timedelta(days=30)).isoformat(), attributes={"tier": "gold"}))
    offer = world.offer(world.campaign(), **{"repeat": True} | terms)
    world.grant(offer, "c1")
    return offer


def shown(call: MakeCall, customer_id: str = "c1") -> int:
    return len(wallet.list_customer_offers(call(), customer_id, WalletQuery()).offers)


def stand(world: World) -> list[tuple[str, str, int]]:
    return [(row["transaction_id"], row["state"], row["earned_minor"]) for row in world.redemptions()]


class TestBoth:
    """What a withdrawal of consent and an erasure have in common."""

    def test_nothing_is_shown_any_more(self, call: MakeCall, world: World, gone: Go) -> None:
        offered(call, world)
        assert shown(call) == 1
        gone()
        assert shown(call) == 0

    def test_nothing_is_given_any_more(self, call: MakeCall, world: World, gone: Go) -> None:
        offer = offered(call, world)
        segment = listed(call, "c1", "c2")
        put_all(call, "c2")
        gone()
        assert [item.id for item in issue(call, offer, "c1", "c2").rejected] == ["c1"]
        other = world.offer(world.campaign(name="Other"))
        launched(call, went_live(other, UUID(int=1), segments_in=[segment], live_at=LIVE_AT))
        assert holders(call, other) == ["c2"]

    def test_a_purchase_from_then_on_earns_nothing_and_says_why(
        self, call: MakeCall, world: World, clock: SimulatedClock, gone: Go
    ) -> None:
        offered(call, world)
        gone()
        clock.advance(LATER)
        world.post(purchase("t1", "c1", at=NOW), purchase("t2", "c1", at=LATER))
        assert stand(world) == []
        refused = world.rows("SELECT reason, purchases FROM refusal_counts")
        assert refused in ([{"reason": "consent_withdrawn", "purchases": 2}], [{"reason": "grant_revoked", "purchases": 2}])

    def test_what_was_earned_before_is_paid_when_its_hold_is_over(
        self, call: MakeCall, world: World, clock: SimulatedClock, gone: Go
    ) -> None:
        offered(call, world, hold_days=1)
        world.post(purchase("t1", "c1", at=EARLIER))
        gone()
        assert stand(world) == [("t1", "held", 200)]
        clock.advance(NOW + timedelta(days=2))
        world.tick()
        [due] = emitted(call, PayoutsDue)
        payout.pay_due(call("pay_cashback"), due)
        world.confirm()
        assert stand(world) == [("t1", "paid", 200)]
        assert world.rows("SELECT customer_id, amount_minor FROM statement_credits") == [{"customer_id": "c1", "amount_minor": 200}]
        world.verify()

    def test_what_was_bought_before_counts_however_late_it_is_posted_or_cleared(
        self, call: MakeCall, world: World, clock: SimulatedClock, gone: Go
    ) -> None:
        offered(call, world)
        world.post(purchase("t1", "c1", at=EARLIER, kind="authorization"))
        gone()
        clock.advance(LATER)
        world.post(purchase("t1", "c1", at=EARLIER, kind="clearing"), purchase("t2", "c1", at=EARLIER))
        assert stand(world) == [("t1", "payable", 200), ("t2", "payable", 200)]

    def test_a_refund_takes_back_what_was_earned_before(self, call: MakeCall, world: World, clock: SimulatedClock, gone: Go) -> None:
        offered(call, world)
        world.post(purchase("t1", "c1", at=EARLIER))
        gone()
        clock.advance(LATER)
        world.post(purchase("r1", "c1", at=LATER, kind="refund", original_transaction_id="t1"))
        assert stand(world) == [("t1", "reversed", 0)]
        world.verify()


def test_consent_given_again_lets_the_same_grants_count_from_then_on(call: MakeCall, world: World, clock: SimulatedClock) -> None:
    offered(call, world)
    put_all(call, "c1", consent=False)
    clock.advance(LATER)
    put_all(call, "c1")
    world.post(purchase("t1", "c1", at=NOW), purchase("t2", "c1", at=LATER))
    assert [transaction for transaction, _, _ in stand(world)] == ["t2"]
    assert shown(call) == 1


class TestErased:
    """What an erasure does beyond that."""

    def test_what_told_of_the_person_is_gone_and_what_money_rests_on_is_left(self, call: MakeCall, world: World) -> None:
        offered(call, world)
        segment = listed(call, "c1")
        world.post(purchase("t1", "c1", at=EARLIER))
        assert erasure.erase_customer(call(), "c1").erased_at == NOW
        view = customers.get_customer(call(), "c1")
        assert (view.attributes, view.consent, view.erased_at) == ({}, False, NOW)
        assert world.rows(f"SELECT FROM segment_members WHERE segment_id = '{segment}'") == []
        assert [row["revoked_at"] for row in world.rows("SELECT revoked_at FROM grants")] == [NOW]
        assert [row["customer_id"] for row in world.redemptions()] == ["c1"]
        world.verify()

    def test_once_more_changes_nothing(self, call: MakeCall, world: World, clock: SimulatedClock) -> None:
        offered(call, world)
        first = erasure.erase_customer(call(), "c1")
        clock.advance(LATER)
        assert erasure.erase_customer(call(), "c1") == first
        assert len(customers.get_customer(call(), "c1").consents) == 2

    def test_an_unknown_customer_is_not_found(self, call: MakeCall) -> None:
        with pytest.raises(NotFound):
            erasure.erase_customer(call(), "nobody")

    def test_it_is_for_good_whoever_else_is_sent_with_it(self, call: MakeCall) -> None:
        put_all(call, "c1")
        erasure.erase_customer(call(), "c1")
        answer = put(call, customer("c1", attributes={"tier": "gold"}), customer("c2"))
        assert answer.accepted == 1
        assert [(item.id, item.problems[0].path) for item in answer.rejected] == [("c1", "/customers/0/customer_id")]
        assert customers.get_customer(call(), "c1").attributes == {}

    def test_an_offer_can_not_be_activated_any_more(self, call: MakeCall, world: World) -> None:
        put_all(call, "c1")
        [grant] = world.grant(world.offer(world.campaign(), activation="required"), "c1")
        erasure.erase_customer(call(), "c1")
        with pytest.raises(Conflict):
            wallet.activate_offer(call(), "c1", grant, Activation())

    def test_no_rule_takes_in_who_was_erased(self, call: MakeCall) -> None:
        put_all(call, "c1", "c2", attributes={"tier": "basic"})
        segment = ruled(call, {"not": {"attribute": "tier", "op": "eq", "value": "gold"}})
        erasure.erase_customer(call(), "c1")
        assert service.get_segment(call(), segment).customers == 1
        assert service.estimate_audience(call(), AudienceAsked(segments_in=[segment])).customers == 1

    def test_the_cards_of_who_was_erased_are_known_to_be_theirs(self, call: MakeCall, world: World, clock: SimulatedClock) -> None:
        offered(call, world)
        world.cards({"card_token": "k1", "customer_id": "c1"})
        erasure.erase_customer(call(), "c1")
        clock.advance(LATER)
        world.post(purchase("t1", customer_id=None, card_token="k1", at=LATER))
        assert stand(world) == []
        assert world.rows("SELECT reason FROM refusal_counts") == [{"reason": "grant_revoked"}]
