"""Purchases that name a card: whose it was, and of which account, at the moment of the purchase."""

import json
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any, Final
from uuid import UUID

import pytest
from pydantic import ValidationError

from events.payloads import CardsChanged, ScheduleTicked, Transaction, TransactionsPosted
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Invalid
from shared.kernel.shards import shard_of
from shared.platform.batches import BatchAnswer
from shared.redemptions import attribution, intake, service
from shared.redemptions.eligibility_api import Eligibility, EligibilityAsked, PurchaseAsked
from shared.reports import service as reports
from shared.reports.api import UnknownCardsQuery
from shared.schedule import service as schedule
from tests.conftest import NOW, SHARDS, MakeCall
from tests.integration.redemptions.asking import Asker, asked
from tests.world import World, amounts, purchase

HANDED_OVER: Final = NOW - timedelta(days=2)
BEFORE, AFTER = HANDED_OVER - timedelta(hours=1), HANDED_OVER + timedelta(hours=1)
REPEATS: Final = {"repeat": True}


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


def offered(world: World, *customers: str, **terms: Any) -> UUID:
    offer = world.offer(world.campaign(), **REPEATS | terms)
    world.grant(offer, *customers)
    return offer


def by_card(transaction_id: str, card_token: str = "k1", **overrides: Any) -> Transaction:
    return purchase(transaction_id, None, card_token=card_token, **overrides)


def earned(world: World) -> list[tuple[str, str, int]]:
    return [(row["transaction_id"], row["customer_id"], row["reward_minor"]) for row in world.redemptions()]


def post(world: World, *said: dict[str, Any]) -> BatchAnswer:
    body = json.dumps({"transactions": [{"currency": "USD", "amount": 1500, "merchant_id": "shop-1"} | one for one in said]}, default=str)
    answer = intake.post_transactions(world.call("bank", key=body), body.encode())
    world.deliver()
    return answer


def handed_over(world: World) -> None:
    """A card that passed from one customer to another, in another shard."""
    assert shard_of("ann", SHARDS) != shard_of("bob", SHARDS)
    world.cards({"card_token": "k1", "customer_id": "ann"}, {"card_token": "k1", "customer_id": "bob", "valid_from": HANDED_OVER})


def test_a_purchase_by_card_is_its_holders(world: World) -> None:
    offered(world, "ann")
    world.cards({"card_token": "k1", "customer_id": "ann"})
    post(world, {"transaction_id": "t1", "card_token": "k1", "at": NOW})
    assert earned(world) == [("t1", "ann", 200)]


def test_a_card_handed_over_earns_for_whoever_held_it_at_the_moment_of_the_purchase(world: World) -> None:
    offered(world, "ann", "bob")
    handed_over(world)
    moments = {"late": BEFORE, "border": HANDED_OVER, "after": AFTER}
    post(world, *({"transaction_id": name, "card_token": "k1", "at": at} for name, at in moments.items()))
    assert earned(world) == [("late", "ann", 200), ("border", "bob", 200), ("after", "bob", 200)]
    world.verify()


def test_what_the_purchase_says_of_its_customer_goes_before_the_card(world: World) -> None:
    offered(world, "ann", "bob")
    world.cards({"card_token": "k1", "customer_id": "ann", "account_token": "joint"})
    world.post(purchase("t1", "bob", card_token="k1"))
    assert [(row["customer_id"], row["account_token"]) for row in world.redemptions()] == [("bob", "joint")]


@pytest.mark.parametrize("refund_first", [False, True])
@pytest.mark.parametrize("card", [{"card_token": "k1"}, {}], ids=["with the card", "without a card"])
def test_a_refund_by_card_is_of_the_customer_whom_its_purchase_names(world: World, card: dict[str, Any], *, refund_first: bool) -> None:
    offered(world, "ann", "bob")
    world.cards({"card_token": "k1", "customer_id": "ann"})
    said = [purchase("t1", "bob", **card), by_card("r1", "k1", kind="refund", original_transaction_id="t1")]
    for one in reversed(said) if refund_first else said:
        world.deliver()  # what came before, of the card too, is settled by now
        world.post(one)
    world.deliver()
    assert world.rows("SELECT customer_id FROM transactions WHERE kind = 'refund'") == [{"customer_id": "bob"}]
    assert [reward for _, _, reward in earned(world) if reward] == []
    world.verify()


def test_a_purchase_with_neither_customer_nor_card_is_named(world: World) -> None:
    answer = post(world, {"transaction_id": "t1", "at": NOW}, {"transaction_id": "t2", "customer_id": "ann", "at": NOW})
    assert answer.accepted == 1
    [rejected] = answer.rejected
    assert (rejected.id, rejected.problems[0].path, rejected.problems[0].message) == (
        "t1", "/transactions/0", "needs a customer_id or a card_token"
    )  # fmt: skip


class TestAccounts:
    """A limit of the account holds over all customers who share it, and follows the cards."""

    def test_two_customers_who_share_an_account_reach_its_limit_together(self, world: World) -> None:
        offered(world, "ann", "bob", limits={"reward_per_account": 300})
        world.cards(*({"card_token": f"k-{name}", "customer_id": name, "account_token": "joint"} for name in ("ann", "bob")))
        for day, name in enumerate(("ann", "bob"), start=-2):
            world.post(by_card(f"t-{name}", f"k-{name}", at=NOW + timedelta(days=day)))
        assert earned(world) == [("t-ann", "ann", 200), ("t-bob", "bob", 0)]
        assert world.redemptions()[1]["reason"] == "account_limit_reached"
        world.verify()

    def test_accounts_that_are_not_shared_have_limits_of_their_own(self, world: World) -> None:
        offered(world, "ann", "bob", limits={"reward_per_account": 300})
        world.cards(*({"card_token": f"k-{name}", "customer_id": name, "account_token": f"a-{name}"} for name in ("ann", "bob")))
        world.post(by_card("t-ann", "k-ann"), by_card("t-bob", "k-bob"))
        assert amounts(world.redemptions()) == [200, 200]

    def test_a_card_that_moves_to_another_account_takes_from_that_ones_limit_from_then_on(self, world: World) -> None:
        offered(world, "ann", limits={"reward_per_account": 300})
        world.cards(
            {"card_token": "k1", "customer_id": "ann", "account_token": "old"},
            {"card_token": "k1", "customer_id": "ann", "account_token": "new", "valid_from": HANDED_OVER},
        )
        for name, at in {"t1": BEFORE, "t2": AFTER, "t3": BEFORE + timedelta(minutes=1)}.items():
            world.post(by_card(name, at=at))
        found = {row["transaction_id"]: (row["account_token"], row["reward_minor"]) for row in world.redemptions()}
        assert found == {"t1": ("old", 200), "t2": ("new", 200), "t3": ("old", 0)}
        world.verify()

    def test_a_purchase_that_names_its_customer_counts_for_the_cards_account_as_well(self, world: World) -> None:
        offered(world, "ann", limits={"reward_per_account": 300})
        world.cards({"card_token": "k1", "customer_id": "ann", "account_token": "joint"})
        world.post(purchase("t1", "ann", card_token="k1"), purchase("t2", "ann", card_token="k1"))
        assert amounts(world.redemptions()) == [200, 0]


def test_the_card_tells_its_product_where_the_purchase_does_not(world: World) -> None:
    offered(world, "ann", scope={"include": {"card_products": ["gold"]}})
    world.cards({"card_token": "k1", "customer_id": "ann", "card_product": "gold"})
    world.post(by_card("t1"), by_card("t2", card_product="silver"))
    assert earned(world) == [("t1", "ann", 200)]


def test_a_card_that_passed_on_while_its_purchase_was_on_its_way_sends_it_after(world: World) -> None:
    offered(world, "ann", "bob")
    world.cards({"card_token": "k1", "customer_id": "ann"})
    on_its_way = TransactionsPosted(shard=shard_of("ann", SHARDS), transactions=[by_card("t1", at=AFTER), by_card("t2", at=BEFORE)])
    handed_over(world)
    service.redeem(world.call("redeem_cashback"), on_its_way)
    assert earned(world) == [("t2", "ann", 200)]
    world.deliver()
    assert earned(world) == [("t2", "ann", 200), ("t1", "bob", 200)]


def test_purchases_that_another_system_sent_to_a_wrong_shard_go_to_their_own(world: World) -> None:
    offered(world, "ann", "bob")
    wrong = next(shard for shard in range(SHARDS) if shard not in {shard_of("ann", SHARDS), shard_of("bob", SHARDS)})
    service.redeem(
        world.call("redeem_cashback"), TransactionsPosted(shard=wrong, transactions=[purchase("t1", "ann"), purchase("t2", "bob")])
    )
    assert earned(world) == []
    world.deliver()
    assert sorted(earned(world)) == [("t1", "ann", 200), ("t2", "bob", 200)]


def test_what_was_said_again_after_the_card_passed_on_is_a_repeat(world: World) -> None:
    offered(world, "ann", "bob")
    world.cards({"card_token": "k1", "customer_id": "ann"})
    world.post(by_card("t1", at=BEFORE))
    handed_over(world)
    world.post(by_card("t1", at=BEFORE))
    assert earned(world) == [("t1", "ann", 200)]
    assert world.rows("SELECT FROM set_aside") == []


def test_a_repeat_that_comes_to_the_next_holder_touches_nothing_of_the_last_ones(world: World) -> None:
    world.cards({"card_token": "k1", "customer_id": "ann"})
    offered(world, "ann", "bob")
    said = [by_card("t1", at=AFTER, kind=kind) for kind in ("authorization", "clearing")]
    world.post(*said)
    world.deliver()
    approved_since = offered(world, "ann", "bob")
    handed_over(world)
    world.post(*said)
    assert [row["customer_id"] for row in world.redemptions() if row["offer_id"] == approved_since] == []
    world.deliver()
    assert {(row["customer_id"], row["offer_id"]) for row in world.redemptions() if row["reward_minor"]} >= {("bob", approved_since)}
    world.verify()


def test_an_authorisation_by_card_that_expires_gives_back_what_it_held(world: World) -> None:
    offered(world, "ann")
    world.cards({"card_token": "k1", "customer_id": "ann"})
    world.post(by_card("t1", kind="authorization", expires_at=NOW))
    assert amounts(world.redemptions()) == [200]
    assert world.tick() == 1
    assert [(row["state"], row["reason"]) for row in world.redemptions()] == [("reversed", "authorization_expired")]
    world.verify()


@pytest.mark.parametrize("order", list(permutations(("authorization", "clearing", "its time is over"))))
def test_an_authorisation_that_was_cleared_to_another_customer_expires(world: World, order: tuple[str, ...]) -> None:
    """Whichever is told first: what was cleared is another customer's purchase, so nothing clears this one any more."""
    offered(world, "ann", "bob")
    world.cards({"card_token": "k1", "customer_id": "bob"})
    said = {
        "authorization": purchase("t1", "ann", kind="authorization", expires_at=NOW),
        "clearing": by_card("t1", kind="clearing"),
    }
    for one in order:
        if one in said:
            world.post(said[one])
        else:
            world.tick()
    world.tick()
    assert {(row["customer_id"], row["earned_minor"], row["reason"]) for row in world.redemptions()} - {("bob", 200, None)} in (
        {("ann", 0, "authorization_expired")},
        set(),
    )
    assert [row["customer_id"] for row in world.redemptions() if row["reward_minor"]] == ["bob"]
    world.verify()


class TestCorrections:
    """What becomes known of a card later moves the purchases that were made with it: it is only more history."""

    def test_a_purchase_with_an_unknown_card_waits_and_earns_once_the_card_is_known(self, world: World) -> None:
        offered(world, "ann")
        world.post(by_card("t1"))
        assert world.redemptions() == []
        assert world.rows("SELECT transaction_id, customer_id FROM transactions") == [{"transaction_id": "t1", "customer_id": None}]
        world.cards({"card_token": "k1", "customer_id": "ann", "account_token": "joint"})
        world.deliver()
        assert [(row["customer_id"], row["account_token"], row["reward_minor"]) for row in world.redemptions()] == [("ann", "joint", 200)]
        world.verify()

    def test_cards_that_purchases_wait_for_are_listed(self, world: World) -> None:
        offered(world, "ann")
        world.post(by_card("t1", at=BEFORE), by_card("t2", at=AFTER), by_card("t3", "k2"), purchase("t4", "ann", card_token="k3"))
        first, second = (reports.list_unknown_cards(world.call("bank"), UnknownCardsQuery(limit=1, after=after)) for after in (None, "k1"))
        assert [(card.card_token, card.transactions, card.first_at, card.last_at) for card in first.cards] == [("k1", 2, BEFORE, AFTER)]
        assert (first.next, [card.card_token for card in second.cards], second.next) == ("k1", ["k2"], None)
        world.cards({"card_token": "k1", "customer_id": "ann"})
        world.deliver()
        left = reports.list_unknown_cards(world.call("bank"), UnknownCardsQuery())
        assert [(card.card_token, card.reason) for card in left.cards] == [("k2", "card_unknown")]

    def test_a_hand_over_that_is_told_late_moves_the_purchases_after_it(self, world: World) -> None:
        offered(world, "ann", "bob")
        world.cards({"card_token": "k1", "customer_id": "ann"})
        world.post(by_card("t1", at=BEFORE), by_card("t2", at=AFTER))
        handed_over(world)
        world.deliver()
        assert sorted(earned(world)) == [("t1", "ann", 200), ("t2", "ann", 0), ("t2", "bob", 200)]
        world.verify()

    def test_a_card_that_moves_nothing_lets_no_shard_be_held(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        offered(world, "ann", "bob")
        world.cards({"card_token": "k1", "customer_id": "ann"})
        world.post(by_card("t1", at=BEFORE))
        world.deliver()
        monkeypatch.setattr(attribution, "lock_shards", lambda *_: pytest.fail("shards are held"))
        handed_over(world)
        world.deliver()
        assert earned(world) == [("t1", "ann", 200)]

    def test_a_purchase_that_named_its_customer_stays_but_counts_for_the_cards_account(self, world: World) -> None:
        offered(world, "ann", "bob")
        world.post(purchase("t1", "ann", card_token="k1"))
        world.cards({"card_token": "k1", "customer_id": "bob", "account_token": "joint"})
        world.deliver()
        assert [(row["customer_id"], row["account_token"]) for row in world.redemptions()] == [("ann", "joint")]

    def test_a_card_that_was_another_accounts_gives_back_to_the_old_and_takes_from_the_new(self, world: World) -> None:
        offered(world, "ann", "bob", limits={"reward_per_account": 200})
        world.cards(*({"card_token": f"k-{name}", "customer_id": name, "account_token": "joint"} for name in ("ann", "bob")))
        world.post(by_card("t-ann", "k-ann", at=BEFORE))
        world.cards({"card_token": "k-ann", "customer_id": "ann", "account_token": "own"})
        world.deliver()
        world.post(by_card("t-bob", "k-bob"))
        assert earned(world) == [("t-ann", "ann", 200), ("t-bob", "bob", 200)]
        world.verify()

    def test_an_unknown_purchase_falls_into_scope_by_the_product_that_the_card_tells(self, world: World) -> None:
        offered(world, "ann", scope={"include": {"card_products": ["gold"]}})
        world.post(by_card("t1"))
        world.cards({"card_token": "k1", "customer_id": "ann", "card_product": "gold"})
        world.deliver()
        assert earned(world) == [("t1", "ann", 200)]

    def test_the_product_that_the_card_tells_is_the_one_of_the_moment_however_late_it_is_told(self, world: World) -> None:
        offered(world, "ann", scope={"include": {"card_products": ["gold"]}})
        world.cards({"card_token": "k1", "customer_id": "ann", "card_product": "gold"})
        world.post(by_card("t1", at=BEFORE), by_card("t2", at=AFTER), by_card("t3", at=AFTER, card_product="gold"))
        assert earned(world) == [("t1", "ann", 200), ("t2", "ann", 200), ("t3", "ann", 200)]
        world.cards({"card_token": "k1", "customer_id": "ann", "card_product": "blue", "valid_from": HANDED_OVER})
        world.deliver()
        assert sorted(earned(world)) == [("t1", "ann", 200), ("t2", "ann", 0), ("t3", "ann", 200)]  # the last one said so itself
        world.verify()

    def test_a_card_that_was_nobodys_after_all_earns_nothing(self, world: World) -> None:
        offered(world, "ann")
        world.cards({"card_token": "k1", "customer_id": "ann"})
        world.post(by_card("t1", at=AFTER))
        world.cards({"card_token": "k1", "customer_id": "ann", "valid_to": HANDED_OVER})
        world.deliver()
        assert earned(world) == [("t1", "ann", 0)]
        world.verify()

    def test_parts_of_a_purchase_that_came_before_and_after_the_card_was_known_are_one_purchase(self, world: World) -> None:
        offered(world, "ann")
        world.post(by_card("t1", kind="authorization"))
        world.cards({"card_token": "k1", "customer_id": "ann"})
        world.post(by_card("t1", kind="clearing", amount=1200))
        world.deliver()
        assert [(row["customer_id"], row["earned_minor"]) for row in world.redemptions()] == [("ann", 200)]


class TestRefunds:
    """A refund by card is for a purchase with that card, whoever holds the card by then."""

    def refund(self, **overrides: Any) -> Transaction:
        said: dict[str, Any] = {"kind": "refund", "at": AFTER}
        return by_card("r1", **said | overrides)

    @pytest.mark.parametrize("of", [None, "t1"])
    @pytest.mark.parametrize("refund_first", [False, True])
    def test_after_the_card_changed_hands_it_is_for_the_purchase_before(self, world: World, of: str | None, *, refund_first: bool) -> None:
        offered(world, "ann", "bob")
        handed_over(world)
        said = [by_card("t1", at=BEFORE), self.refund(original_transaction_id=of)]
        for one in reversed(said) if refund_first else said:
            world.post(one)
            world.deliver()
        assert [(row["customer_id"], row["state"], row["reason"]) for row in world.redemptions()] in (
            [("ann", "reversed", "refunded")], []
        )  # fmt: skip
        found = world.rows("SELECT customer_id, purchase_id, unmatched FROM transactions WHERE kind = 'refund'")
        assert found == [{"customer_id": "ann", "purchase_id": "t1", "unmatched": None}]
        world.verify()

    @pytest.mark.parametrize("told_late", [False, True])
    def test_it_is_for_no_purchase_where_the_card_was_nobodys(self, world: World, *, told_late: bool) -> None:
        offered(world, "ann")
        world.cards({"card_token": "k1", "customer_id": "ann"} | ({} if told_late else {"valid_to": HANDED_OVER}))
        world.post(by_card("t1", at=AFTER), self.refund(at=NOW))
        world.deliver()
        if told_late:
            world.cards({"card_token": "k1", "customer_id": "ann", "valid_to": HANDED_OVER})
            world.deliver()
        found = world.rows("SELECT customer_id, purchase_id, unmatched, offers FROM transactions WHERE kind = 'refund'")
        assert found == [{"customer_id": None, "purchase_id": None, "unmatched": "no_purchase_to_refund", "offers": []}]

    def test_of_both_holders_purchases_it_is_for_the_one_of_exactly_its_amount(self, world: World) -> None:
        offered(world, "ann", "bob")
        handed_over(world)
        world.post(by_card("t1", at=BEFORE, amount=1500), by_card("t2", at=AFTER, amount=9000))
        world.post(self.refund(at=NOW, amount=1500))
        world.deliver()
        assert earned(world) == [("t1", "ann", 0), ("t2", "bob", 200)]

    def test_it_passes_on_when_a_purchase_that_it_fits_better_comes_late(self, world: World) -> None:
        offered(world, "ann", "bob")
        handed_over(world)
        world.post(by_card("t1", at=BEFORE, amount=9000))
        world.post(self.refund(at=NOW, amount=1500))
        world.deliver()
        world.post(by_card("t2", at=AFTER, amount=1500))
        world.deliver()
        assert earned(world) == [("t1", "ann", 200), ("t2", "bob", 0)]
        world.verify()

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    @pytest.mark.parametrize(("card", "whose"), [("k1", "ann"), ("k2", "bob"), ("k3", "ann")])
    def test_of_a_purchase_that_is_with_two_customers_it_is_the_holders_or_that_of_the_clearing(
        self, world: World, order: tuple[int, ...], card: str, whose: str
    ) -> None:
        """Whatever comes first: the clearing names ann, the authorisation is bob's by his card."""
        offered(world, "ann", "bob", "eve")
        world.cards(*({"card_token": token, "customer_id": name} for token, name in (("k1", "ann"), ("k2", "bob"), ("k3", "eve"))))
        said = [
            by_card("t1", "k2", at=BEFORE, kind="authorization"),
            purchase("t1", "ann", at=BEFORE, kind="clearing"),
            by_card("r1", card, at=AFTER, kind="refund", original_transaction_id="t1"),
        ]
        for index in order:
            world.post(said[index])
            world.deliver()
        assert world.rows("SELECT customer_id FROM transactions WHERE kind = 'refund'") == [{"customer_id": whose}]
        assert dict.fromkeys([row["customer_id"] for row in world.redemptions() if row["reward_minor"]]).keys() == {"ann", "bob"} - {whose}
        world.verify()

    def test_a_refund_to_a_card_whose_time_is_over_is_its_last_holders(self, world: World) -> None:
        offered(world, "ann")
        world.cards({"card_token": "k1", "customer_id": "ann", "valid_to": HANDED_OVER})
        world.post(by_card("t1", at=BEFORE))
        world.post(self.refund())
        world.deliver()
        assert earned(world) == [("t1", "ann", 0)]

    def test_cards_that_nothing_is_in_doubt_of_are_not_looked_at_again(self, world: World) -> None:
        offered(world, "ann")
        world.cards({"card_token": "k1", "customer_id": "ann"})
        world.deliver()
        world.post(by_card("t1", at=BEFORE))
        world.post(self.refund())
        assert world.rows("SELECT count(*) AS told FROM outbox WHERE type = 'clo.cards.changed.v1'") == [{"told": 1}]
        assert earned(world) == [("t1", "ann", 0)]


class TestQuestions:
    """A question about a purchase with a card is about whoever held it at the moment of the purchase."""

    def verdict(self, asker: Asker, **overrides: Any) -> Eligibility:
        said: dict[str, Any] = {"at": NOW, "currency": "USD", "amount": 1500, "merchant_id": "shop-1", "card_token": "k1"}
        about = {name: overrides.pop(name) for name in ("customer_id", "as_of") if name in overrides}
        return asker.one(EligibilityAsked(**about, purchase=PurchaseAsked(**said | overrides)))

    def test_it_is_about_the_holder_of_the_moment(self, world: World, asker: Asker) -> None:
        offered(world, "ann", "bob")
        handed_over(world)
        told = [self.verdict(asker, at=at) for at in (BEFORE, AFTER)]
        assert [(answer.customer_id, answer.eligible) for answer in told] == [("ann", True), ("bob", True)]

    def test_the_customer_that_is_named_goes_before_the_card(self, world: World, asker: Asker) -> None:
        offered(world, "bob")
        world.cards({"card_token": "k1", "customer_id": "ann"})
        assert self.verdict(asker, customer_id="bob").eligible

    def test_the_card_tells_its_product(self, world: World, asker: Asker) -> None:
        offered(world, "ann", scope={"include": {"card_products": ["gold"]}})
        world.cards({"card_token": "k1", "customer_id": "ann", "card_product": "gold"})
        assert self.verdict(asker).eligible

    @pytest.mark.parametrize("as_of", [None, NOW])
    def test_a_card_that_is_nobodys_is_named(self, world: World, asker: Asker, as_of: datetime | None) -> None:
        world.cards({"card_token": "k1", "customer_id": "ann", "valid_to": HANDED_OVER})
        with pytest.raises(Invalid) as refused:
            self.verdict(asker, as_of=as_of)
        assert [problem.path for problem in refused.value.problems] == ["/purchase/card_token"]

    def test_a_nobodys_card_does_not_spoil_the_questions_that_are_answered_with_it(self, world: World, asker: Asker) -> None:
        offered(world, "ann")
        nobodys = EligibilityAsked(purchase=PurchaseAsked(at=NOW, currency="USD", amount=1500, merchant_id="shop-1", card_token="k1"))
        answers = asker.together(nobodys, asked("ann"), nobodys)
        assert [isinstance(answer, Eligibility) and answer.eligible for answer in answers] == [False, True, False]

    def test_a_question_about_nobody_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="needs a customer_id or a card_token"):
            EligibilityAsked(purchase=PurchaseAsked(at=NOW, currency="USD", amount=1500, merchant_id="shop-1"))

    def test_as_of_before_the_hand_over_was_told_it_is_about_who_was_known_then(
        self, world: World, asker: Asker, clock: SimulatedClock
    ) -> None:
        offered(world, "ann", "bob", repeat=False)
        world.cards({"card_token": "k1", "customer_id": "ann"})
        world.post(by_card("t1", at=AFTER))
        clock.advance(NOW + timedelta(hours=1))
        handed_over(world)
        world.deliver()
        later = [self.verdict(asker, at=NOW, as_of=as_of) for as_of in (NOW, NOW + timedelta(hours=1))]
        assert [answer.customer_id for answer in later] == ["ann", "bob"]
        completions = [
            self.verdict(asker, customer_id=name, at=NOW, as_of=as_of).verdicts[0].before.completions
            for name in ("ann", "bob")
            for as_of in (NOW, NOW + timedelta(hours=1))
        ]
        assert completions == [1, 0, 0, 1]


def test_an_expiry_that_was_on_its_way_when_the_card_passed_on_follows_the_authorisation(world: World) -> None:
    offered(world, "ann", "bob")
    world.cards({"card_token": "k1", "customer_id": "ann"})
    world.post(by_card("t1", kind="authorization", at=AFTER, expires_at=NOW))
    world.deliver()
    schedule.run_schedule(world.call("run_schedule"), ScheduleTicked(at=NOW))
    handed_over(world)
    service.attribute(world.call("redeem_cashback"), CardsChanged(card_tokens=["k1"]))
    world.deliver()
    stand = [(row["customer_id"], row["state"]) for row in world.redemptions()]
    assert ("bob", "held") not in stand
    assert {state for _, state in stand} == {"reversed"}
    world.verify()


def test_more_cards_in_a_batch_take_no_more_statements(world: World, statements: list[str]) -> None:
    offered(world, "ann")
    world.cards(*({"card_token": f"k{n}", "customer_id": "ann", "account_token": f"a{n}"} for n in range(50)))
    world.post(by_card("first"))
    spent = []
    for turn, many in enumerate((2, 50)):
        before = len(statements)
        world.post(*(by_card(f"t{turn}-{n}", f"k{n}") for n in range(many)))
        spent.append(len(statements) - before)
    assert spent[0] == spent[1]
