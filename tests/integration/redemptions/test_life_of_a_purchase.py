"""From the authorisation to the payment and back: money follows what the bank says of a purchase, each case worked out by hand."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from events.payloads import PayoutsDue, Transaction
from shared.kernel.shards import shard_of
from shared.ledger import service as ledger
from shared.redemptions import payout
from tests.conftest import NOW, SHARDS, MakeCall
from tests.world import World, basket, purchase

TEN_PERCENT = {"reward": {"kind": "percent", "basis_points": 1_000}}
YESTERDAY, HOUR, DAY = NOW - timedelta(days=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture
def offer(world: World) -> UUID:
    """Ten per cent of every purchase of ten dollars or more, again and again, out of 100 dollars, granted to cust-1."""
    return give(world)


def give(world: World, *customers: str, budget: int = 10_000, **terms: Any) -> UUID:
    offer = world.offer(world.campaign(budget=budget), **TEN_PERCENT | {"repeat": True} | terms)
    world.grant(offer, *customers or ("cust-1",))
    return offer


def auth(amount: int, name: str = "t1", **more: Any) -> Transaction:
    return purchase(name, kind="authorization", amount=amount, at=YESTERDAY, **more)


def clearing(amount: int, name: str = "t1", **more: Any) -> Transaction:
    return purchase(name, kind="clearing", amount=amount, at=YESTERDAY, **more)


def refund(amount: int, name: str = "r1", of: str | None = "t1", **more: Any) -> Transaction:
    return purchase(name, kind="refund", amount=amount, **{"at": NOW, "original_transaction_id": of} | more)


def stands(world: World) -> list[tuple[str, int, int, int]]:
    """State, what is promised, what of it is earned and what was paid, of all redemptions in order of earning."""
    return [(r["state"], r["reward_minor"], r["earned_minor"], r["paid_minor"]) for r in world.redemptions()]


def pots(world: World) -> tuple[int, int, int, int]:
    """Available, reserved, payable and paid, of all campaigns together."""
    campaigns = {row["campaign_id"] for row in world.rows("SELECT campaign_id FROM campaigns")}
    with world.call("test").reading() as tx:
        found = ledger.pots(tx, campaigns).values()
    sums = [(pot.available_minor, pot.reserved_minor, pot.payable_minor, pot.paid_minor) for pot in found]
    available, reserved, payable, paid = map(sum, zip(*sums, strict=True))
    return available, reserved, payable, paid


def pay(world: World, key: str = "pay") -> None:
    """Pay all that is owed."""
    by_shard: dict[int, list[UUID]] = {}
    for row in world.redemptions():
        by_shard.setdefault(shard_of(row["customer_id"], SHARDS), []).append(row["redemption_id"])
    for shard, ids in by_shard.items():
        payout.pay_due(
            world.call("pay_cashback", key=f"{key}-{shard}", consumer="pay_cashback"), PayoutsDue(shard=shard, redemption_ids=ids)
        )
    world.confirm()


def credited(world: World) -> list[int]:
    return [row["amount_minor"] for row in world.rows("SELECT amount_minor FROM statement_credits ORDER BY instructed_at, amount_minor")]


@pytest.mark.usefixtures("offer")
class TestAuthorised:
    def test_an_authorisation_reserves_and_promises(self, world: World) -> None:
        world.post(auth(2_000))
        assert stands(world) == [("pending", 200, 0, 0)]
        assert pots(world) == (9_800, 200, 0, 0)
        pay(world)
        assert credited(world) == []
        world.verify()

    def test_the_clearing_earns_what_was_promised(self, world: World) -> None:
        world.post(auth(2_000))
        world.post(clearing(2_000))
        assert stands(world) == [("payable", 200, 200, 0)]
        assert pots(world) == (9_800, 0, 200, 0)
        pay(world)
        assert (credited(world), stands(world)) == ([200], [("paid", 200, 200, 200)])
        world.verify()

    @pytest.mark.parametrize(("cleared", "reward"), [(2_400, 240), (1_500, 150), (900, 0)])
    def test_the_amount_that_cleared_decides(self, world: World, cleared: int, reward: int) -> None:
        world.post(auth(2_000))
        world.post(clearing(cleared))
        assert [(r[1], r[2]) for r in stands(world)] == [(reward, reward)]
        assert pots(world) == (10_000 - reward, 0, reward, 0)
        world.verify()

    def test_parts_earn_as_they_clear_and_never_twice(self, world: World) -> None:
        world.post(auth(3_000))
        world.post(clearing(1_000, sequence=2, sequence_count=3))
        assert stands(world) == [("payable", 300, 100, 0)]
        assert pots(world) == (9_700, 200, 100, 0)
        pay(world, "first")
        assert stands(world) == [("pending", 300, 100, 100)]
        world.post(clearing(1_000, sequence=1, sequence_count=3), clearing(1_000, sequence=2, sequence_count=3))
        assert stands(world) == [("payable", 300, 200, 100)]
        world.post(clearing(1_000, sequence=3, sequence_count=3))
        pay(world, "last")
        assert (stands(world), credited(world)) == ([("paid", 300, 300, 300)], [100, 200])
        world.verify()

    def test_a_part_below_the_threshold_earns_nothing_until_the_sum_reaches_it(self, world: World) -> None:
        world.post(auth(1_500), clearing(700, sequence=1, sequence_count=2))
        assert stands(world) == [("pending", 150, 0, 0)]
        world.post(clearing(800, sequence=2, sequence_count=2))
        assert stands(world) == [("payable", 150, 150, 0)]

    def test_what_never_clears_expires_and_gives_everything_back(self, world: World) -> None:
        world.post(auth(2_000, expires_at=NOW - HOUR), auth(3_000, "t2", expires_at=NOW + HOUR))
        assert world.tick() == 1
        assert stands(world) == [("reversed", 0, 0, 0), ("pending", 300, 0, 0)]
        assert [r["reason"] for r in world.redemptions()] == ["authorization_expired", None]
        assert world.rows("SELECT amount_minor FROM postings WHERE step = 'expire'") == [{"amount_minor": 200}]
        assert pots(world) == (9_700, 300, 0, 0)
        world.verify()

    def test_what_expired_and_clears_after_all_is_earned(self, world: World) -> None:
        world.post(auth(2_000, expires_at=NOW - HOUR))
        assert world.tick() == 1
        world.post(clearing(2_000))
        assert stands(world) == [("payable", 200, 200, 0)]
        world.verify()

    def test_what_expires_together_is_told_in_events_that_fit_into_a_record(self, world: World) -> None:
        world.post(*(auth(2_000, f"t{number}", expires_at=NOW - HOUR) for number in range(2_000)))
        assert world.tick() == 2_000
        told = world.rows("SELECT length(payload) AS bytes FROM outbox WHERE type = 'clo.transactions.posted.v1'")
        assert len(told) > 1
        assert max(row["bytes"] for row in told) < 900_000

    def test_what_cleared_in_time_does_not_expire(self, world: World) -> None:
        world.post(auth(2_000, expires_at=NOW - HOUR), clearing(2_000))
        assert world.tick() == 0
        assert world.rows("SELECT kind FROM transactions WHERE kind = 'expiry'") == []
        assert world.rows("SELECT expires_at FROM transactions WHERE expires_at IS NOT NULL") == []

    @pytest.mark.parametrize("kind", ["decline", "reversal"])
    def test_a_decline_or_reversal_voids_the_promise_and_says_why(self, world: World, kind: str) -> None:
        world.post(auth(2_000))
        world.post(purchase("t1", kind=kind, amount=2_000, at=YESTERDAY))
        assert stands(world) == [("reversed", 0, 0, 0)]
        assert [r["reason"] for r in world.redemptions()] == ["declined" if kind == "decline" else "reversed"]
        assert pots(world) == (10_000, 0, 0, 0)
        world.verify()


@pytest.mark.usefixtures("offer")
class TestRefunded:
    def test_a_partial_refund_takes_the_difference_back(self, world: World) -> None:
        world.post(purchase("t1", amount=5_000, at=YESTERDAY))
        world.post(refund(2_000))
        assert stands(world) == [("payable", 300, 300, 0)]
        assert pots(world) == (9_700, 0, 300, 0)
        world.verify()

    def test_a_partial_refund_below_the_threshold_takes_all_of_it(self, world: World) -> None:
        world.post(purchase("t1", amount=1_500, at=YESTERDAY), refund(600))
        assert stands(world) == []
        world.post(purchase("t2", amount=1_500, at=YESTERDAY))
        world.post(refund(600, "r2", "t2"))
        assert all(r[1] == 0 for r in stands(world))
        assert world.redemptions()[-1]["reason"] == "amount_below_threshold"
        assert pots(world) == (10_000, 0, 0, 0)

    def test_several_refunds_add_up(self, world: World) -> None:
        world.post(purchase("t1", amount=5_000, at=YESTERDAY))
        for number in range(3):
            world.post(refund(1_000, f"r{number}"))
        assert stands(world) == [("payable", 200, 200, 0)]
        world.post(refund(2_000, "r9"))
        assert (stands(world), world.redemptions()[0]["reason"]) == ([("reversed", 0, 0, 0)], "refunded")
        world.verify()

    def test_a_refund_that_comes_before_its_purchase_counts_when_it_comes(self, world: World) -> None:
        world.post(refund(2_000))
        assert stands(world) == []
        world.post(purchase("t1", amount=5_000, at=YESTERDAY))
        assert stands(world) == [("payable", 300, 300, 0)]

    def test_after_the_payment_the_balance_is_negative_and_the_next_cashback_makes_it_good(self, world: World) -> None:
        world.post(purchase("t1", amount=5_000, at=YESTERDAY))
        pay(world, "first")
        world.post(refund(5_000))
        assert stands(world) == [("reversed", 0, 0, 500)]
        assert pots(world) == (10_000, 0, -500, 500)
        world.post(purchase("t2", amount=3_000, at=YESTERDAY + HOUR))
        pay(world, "second")
        assert (credited(world), stands(world)) == ([500], [("reversed", 0, 0, 200), ("paid", 300, 300, 300)])
        assert pots(world) == (9_700, 0, -200, 500)
        world.post(purchase("t3", amount=4_000, at=YESTERDAY + 2 * HOUR))
        pay(world, "third")
        assert credited(world) == [200, 500]
        assert stands(world) == [("reversed", 0, 0, 0), ("paid", 300, 300, 300), ("paid", 400, 400, 400)]
        assert pots(world) == (9_300, 0, 0, 700)
        world.verify()

    def test_a_debt_of_one_campaign_is_made_good_by_the_cashback_of_another(self, world: World) -> None:
        for merchant in ("here", "there"):
            give(world, "cust-9", scope={"include": {"merchants": [merchant]}})
        world.post(purchase("t7", "cust-9", amount=5_000, merchant_id="here", at=YESTERDAY))
        pay(world, "first")
        world.post(refund(5_000, "r7", "t7", customer_id="cust-9"))
        world.post(purchase("t8", "cust-9", amount=9_000, merchant_id="there", at=YESTERDAY + HOUR))
        pay(world, "second")
        assert (credited(world), stands(world)) == ([400, 500], [("reversed", 0, 0, 0), ("paid", 900, 900, 900)])
        assert pots(world) == (30_000 - 900, 0, 0, 900)
        world.verify()

    def test_a_refund_of_an_item_takes_off_that_item(self, world: World) -> None:
        give(world, "cust-9", scope={"include": {"products": ["shoes"]}})
        lines = basket(("shoes", 4_000), ("socks", 1_000))
        world.post(purchase("t7", "cust-9", amount=5_000, items=lines, at=YESTERDAY))
        world.post(refund(1_000, "r7", "t7", customer_id="cust-9", items=basket(("socks", 1_000))))
        assert [r[1] for r in stands(world)] == [400]
        world.post(refund(2_500, "r8", "t7", customer_id="cust-9", items=basket(("shoes", 2_500))))
        assert [r[1] for r in stands(world)] == [150]

    def test_a_refund_that_does_not_say_what_was_returned_takes_off_what_does_not_qualify_first(self, world: World) -> None:
        give(world, "cust-9", scope={"include": {"products": ["shoes"]}})
        world.post(purchase("t7", "cust-9", amount=5_000, items=basket(("shoes", 4_000), ("socks", 1_000)), at=YESTERDAY))
        world.post(refund(1_500, "r7", "t7", customer_id="cust-9"))
        assert [r[1] for r in stands(world)] == [350]


class TestLooseRefunds:
    @pytest.fixture(autouse=True)
    def offer(self, world: World) -> UUID:
        return give(world)

    @pytest.mark.parametrize("first", [True, False])
    def test_it_is_matched_by_customer_merchant_and_amount_whichever_comes_first(self, world: World, first: bool) -> None:  # noqa: FBT001
        loose, sale = refund(2_000, of=None), purchase("t1", amount=2_000, at=YESTERDAY)
        for message in (loose, sale) if first else (sale, loose):
            world.post(message)
        assert [r[1] for r in stands(world) if r[1]] == []
        assert world.rows("SELECT purchase_id, unmatched FROM transactions WHERE loose") == [{"purchase_id": "t1", "unmatched": None}]
        world.verify()

    def test_the_purchase_of_exactly_that_amount_is_chosen_also_when_it_comes_last(self, world: World) -> None:
        world.post(purchase("t1", amount=5_000, at=YESTERDAY))
        world.post(refund(2_000, of=None))
        assert stands(world) == [("payable", 300, 300, 0)]
        world.post(purchase("t2", amount=2_000, at=YESTERDAY - HOUR))
        assert [r[1] for r in stands(world)] == [500]
        assert world.rows("SELECT purchase_id FROM transactions WHERE loose") == [{"purchase_id": "t2"}]
        world.verify()

    @pytest.mark.parametrize(
        ("more", "reason"),
        [
            ({"merchant_id": "other"}, "no_purchase_to_refund"),
            ({"at": YESTERDAY - DAY}, "no_purchase_to_refund"),
            ({"at": YESTERDAY + timedelta(days=181)}, "no_purchase_to_refund"),
            ({"currency": "EUR"}, "no_purchase_to_refund"),
            ({"card_token": "other-card"}, "no_purchase_to_refund"),
            ({"amount": 2_001}, "refund_above_purchase"),
        ],
    )
    def test_what_fits_no_purchase_waits_with_the_reason(self, world: World, more: dict[str, Any], reason: str) -> None:
        world.post(purchase("t1", amount=2_000, at=YESTERDAY, card_token="card-1"))
        world.post(refund(**{"amount": 2_000, "of": None, "card_token": "card-1"} | more))
        assert stands(world) == [("payable", 200, 200, 0)]
        assert world.rows("SELECT purchase_id, unmatched FROM transactions WHERE loose") == [{"purchase_id": None, "unmatched": reason}]

    def test_two_refunds_do_not_take_the_same_money_back_twice(self, world: World) -> None:
        world.post(purchase("t1", amount=2_000, at=YESTERDAY))
        world.post(refund(1_500, of=None), refund(1_500, "r2", of=None, at=NOW + HOUR))
        matched = {row["transaction_id"]: row["unmatched"] for row in world.rows("SELECT * FROM transactions WHERE loose")}
        assert matched == {"r1": None, "r2": "refund_above_purchase"}

    def test_one_that_names_its_purchase_later_frees_the_match_of_one_that_does_not(self, world: World) -> None:
        world.post(purchase("t1", amount=2_000, at=YESTERDAY), purchase("t2", amount=3_000, at=YESTERDAY - HOUR))
        world.post(refund(2_000, of=None))
        world.post(refund(2_000, "r2", of="t1"))
        assert world.rows("SELECT purchase_id FROM transactions WHERE loose") == [{"purchase_id": "t2"}]
        assert sum(r[1] for r in stands(world)) == 100


class TestClawbackTerms:
    def posted(self, world: World, *messages: Transaction, clawback: dict[str, Any], **terms: Any) -> None:
        give(world, clawback=clawback, **terms)
        for number, message in enumerate(messages):
            world.post(message)
            pay(world, f"pay-{number}")

    def test_a_partial_refund_may_leave_the_reward(self, world: World) -> None:
        self.posted(world, purchase("t1", amount=5_000, at=YESTERDAY), refund(4_900), clawback={"partial_refund": "keep"})
        assert stands(world) == [("paid", 500, 500, 500)]
        world.post(refund(100, "r2"))
        assert stands(world) == [("reversed", 0, 0, 500)]

    @pytest.mark.parametrize("policy", ["give_back", "keep"])
    def test_limits_are_given_back_or_stay_used_up(self, world: World, policy: str) -> None:
        limits = {"redemptions_per_customer": 2}
        sales = [purchase(f"t{n}", amount=1_000 * (n + 1), at=YESTERDAY + n * HOUR) for n in range(3)]
        give(world, clawback={"limits": policy}, limits=limits)
        world.post(*sales)
        assert [r[1] for r in stands(world)] == [100, 200]
        world.post(refund(2_000, of="t1"))
        if policy == "give_back":
            assert [r[1] for r in stands(world)] == [100, 0, 300]
        else:
            assert [r[1] for r in stands(world)] == [100, 0]
            assert [r["reason"] for r in world.redemptions()] == [None, "refunded"]
        world.verify()

    def test_the_budget_may_shrink_by_what_is_taken_back(self, world: World) -> None:
        self.posted(world, purchase("t1", amount=5_000, at=YESTERDAY), refund(2_000), clawback={"budget": "withdraw"})
        assert pots(world) == (9_500, 0, -200, 500)
        assert world.rows("SELECT amount_minor FROM postings WHERE step = 'shrink'") == [{"amount_minor": 200}]
        world.verify()

    def test_a_negative_balance_may_be_written_off(self, world: World) -> None:
        self.posted(world, purchase("t1", amount=5_000, at=YESTERDAY), refund(5_000), clawback={"negative_balance": "write_off"})
        assert (stands(world), pots(world)) == ([("reversed", 0, 0, 500)], (9_500, 0, 0, 500))
        assert [r["written_off_minor"] for r in world.redemptions()] == [500]
        world.verify()

    @pytest.mark.parametrize(("floor", "written_off"), [(200, 200), (199, 0)])
    def test_a_small_one_is_written_off_up_to_the_floor(self, world: World, floor: int, written_off: int) -> None:
        self.posted(world, purchase("t1", amount=5_000, at=YESTERDAY), refund(2_000), clawback={"write_off_floor": floor})
        assert [r["written_off_minor"] for r in world.redemptions()] == [written_off]
        assert pots(world) == (9_700 - written_off, 0, written_off - 200, 500)
        world.verify()


class TestCumulative:
    def test_a_refund_of_one_purchase_undoes_what_it_completed_together_with_others(self, world: World) -> None:
        give(world, qualification={"kind": "cumulative_spend", "threshold": 5_000}, repeat=False)
        world.post(*(purchase(f"t{n}", amount=2_000, at=YESTERDAY + n * HOUR) for n in range(3)))
        assert stands(world) == [("payable", 600, 600, 0)]
        world.post(refund(1_500, of="t0"))
        assert [r[1] for r in stands(world)] == [0]
        world.post(purchase("t9", amount=1_000, at=YESTERDAY + 9 * HOUR))
        assert [r[1] for r in stands(world)] == [550]
        world.verify()

    def test_a_sum_with_what_is_only_authorised_promises_and_earns_when_it_clears(self, world: World) -> None:
        give(world, qualification={"kind": "cumulative_spend", "threshold": 5_000}, repeat=False)
        world.post(auth(3_000), purchase("t2", amount=2_500, at=YESTERDAY + HOUR))
        assert stands(world) == [("pending", 550, 0, 0)]
        world.post(clearing(3_000))
        assert stands(world) == [("payable", 550, 550, 0)]
        world.verify()

    def test_repeated_completions_are_earned_in_order_as_the_money_clears(self, world: World) -> None:
        give(world, qualification={"kind": "cumulative_spend", "threshold": 2_000})
        world.post(auth(3_000), purchase("t2", amount=3_000, at=YESTERDAY + HOUR))
        assert {r[:3] for r in stands(world)} == {("pending", 200, 0)}
        world.post(clearing(3_000))
        assert {r[:3] for r in stands(world)} == {("payable", 200, 200)}
        world.verify()

    def test_visits_are_earned_when_all_have_cleared(self, world: World) -> None:
        give(world, qualification={"kind": "visits", "visits": 2, "threshold": 1_000}, repeat=False)
        world.post(auth(2_000), purchase("t2", amount=2_000, at=YESTERDAY + HOUR))
        assert stands(world) == [("pending", 400, 0, 0)]
        world.post(clearing(2_000))
        assert stands(world) == [("payable", 400, 400, 0)]


class TestHostile:
    @pytest.mark.usefixtures("offer")
    def test_the_same_message_with_other_content_is_set_aside(self, world: World) -> None:
        world.post(auth(2_000))
        world.post(auth(9_000))
        assert stands(world) == [("pending", 200, 0, 0)]
        assert [(r["kind"], r["reason"]) for r in world.rows("SELECT * FROM set_aside")] == [("authorization", "transaction_id_reused")]

    @pytest.mark.usefixtures("offer")
    def test_messages_of_another_customer_do_not_touch_a_purchase(self, world: World) -> None:
        world.grant(world.rows("SELECT offer_id FROM offers")[0]["offer_id"], "thief")
        world.post(auth(2_000))
        world.post(clearing(2_000, customer_id="thief"), refund(2_000, customer_id="thief"))
        by_customer = {r["customer_id"]: (r["state"], r["reward_minor"]) for r in world.redemptions()}
        assert by_customer["cust-1"] == ("pending", 200)
        world.verify()

    def test_what_is_out_of_scope_passes_by_but_refunds_wait(self, world: World) -> None:
        give(world, scope={"include": {"merchants": ["shop-1"]}})
        world.post(auth(2_000, "a", merchant_id="x"), clearing(2_000, "b", merchant_id="x"), refund(100, "r", "b", merchant_id="x"))
        assert [(r["transaction_id"], r["offers"]) for r in world.rows("SELECT * FROM transactions")] == [("r", [])]

    def test_the_budget_is_never_overspent_by_what_grows_at_clearing(self, world: World) -> None:
        give(world, "cust-1", "cust-2", budget=400)
        world.post(auth(2_000), auth(2_000, "t2", customer_id="cust-2"))
        world.post(clearing(3_000), clearing(2_000, "t2", customer_id="cust-2"))
        rewards: Iterable[tuple[int, int]] = [(r["reward_minor"], r["earned_minor"]) for r in world.redemptions()]
        assert sorted(rewards) == [(200, 200), (200, 200)]
        assert {r["reason"] for r in world.redemptions()} == {None, "budget_exhausted"}
        assert pots(world) == (0, 0, 400, 0)
        world.verify()
