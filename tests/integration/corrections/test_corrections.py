"""Corrections over HTTP: two people for each, the same fold and the same books for what follows."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import psycopg
import pytest

from events.payloads import HistoriesChanged, PayoutsDue, Transaction
from shared.campaigns import service as campaigns
from shared.campaigns.api import BudgetAsked
from shared.kernel.clock import SimulatedClock
from shared.kernel.ids import CAMPAIGN, GRANT, derived_id
from shared.kernel.shards import shard_of
from shared.ledger import service as ledger
from shared.platform.local.postgres import EmbeddedPostgres
from shared.redemptions import payout
from shared.redemptions import service as redemptions
from tests.conftest import NOW, SHARDS, MakeCall
from tests.integration.corrections.conftest import READ, WRITE, Desk, Give
from tests.integration.platform.conftest import Ask
from tests.world import WHY, World, purchase

YESTERDAY = NOW - timedelta(days=1)
ELSEWHERE = {"at": YESTERDAY.isoformat(), "merchant_id": "shop-9", "amount": "20.00"}
CUMULATIVE = {
    "reward": {"kind": "fixed", "amount": 500},
    "qualification": {"kind": "cumulative_spend", "threshold": 5_000},
    "repeat": False,
}


def stands(world: World) -> list[tuple[str, str, int, int, int]]:
    """Completion, state, reward, what of it is corrected and what was paid, of all redemptions in order of earning."""
    return [(r["completion"], r["state"], r["reward_minor"], r["corrected_minor"], r["paid_minor"]) for r in world.redemptions()]


def the_one(world: World) -> UUID:
    (redemption,) = world.redemptions()
    found: UUID = redemption["redemption_id"]
    return found


def refund(amount: int, name: str = "r1", of: str = "t1", **more: Any) -> Transaction:
    return purchase(name, kind="refund", amount=amount, at=NOW, original_transaction_id=of, **more)


def pay(world: World, key: str) -> None:
    ids = [row["redemption_id"] for row in world.redemptions()]
    due = PayoutsDue(shard=shard_of("cust-1", SHARDS), redemption_ids=ids)
    payout.pay_due(world.call("pay_cashback", key=key, consumer="pay_cashback"), due)
    world.confirm()


def left(world: World) -> int:
    (campaign,) = [row["campaign_id"] for row in world.rows("SELECT campaign_id FROM campaigns")]
    return world.available(campaign)


def top_up(world: World, amount: int) -> None:
    (campaign,) = [row["campaign_id"] for row in world.rows("SELECT campaign_id FROM campaigns")]
    campaigns.request_budget(world.call("maya"), campaign, BudgetAsked(amount=amount, reason="More"))
    campaigns.approve_budget(world.call("omar"), campaign, WHY)


def refold(world: World) -> None:
    pairs = [(row["customer_id"], row["offer_id"]) for row in world.rows("SELECT DISTINCT customer_id, offer_id FROM grants")]
    redemptions.refold(world.call("redeem_cashback"), HistoriesChanged(shard=shard_of("cust-1", SHARDS), pairs=pairs, why="a test"))


class TestForced:
    def test_a_purchase_that_is_not_on_file_is_given_what_two_people_decide(self, world: World, desk: Desk, give: Give) -> None:
        grant = give()
        asked = desk.force(grant, "t9", "3.00", **ELSEWHERE)
        assert (asked.status_code, stands(world)) == (201, [])
        answer = desk.decide(asked)
        assert (answer.json()["state"], answer.json()["decided_by"]) == ("approved", "ada")
        assert answer.json()["redemption_id"] == f"rdm_{derived_id(grant, 't9').hex}"
        assert stands(world) == [("t9", "payable", 300, 300, 0)]
        (redemption,) = world.redemptions()
        assert (redemption["merchant_id"], redemption["earned_at"], redemption["account_token"]) == ("shop-9", YESTERDAY, None)
        assert left(world) == 9_700
        assert world.rows("SELECT DISTINCT reason FROM postings WHERE step IN ('reserve', 'post')") == [{"reason": "corrected"}]
        world.verify()

    def test_it_is_paid_like_any_other(self, world: World, desk: Desk, give: Give) -> None:
        desk.approve(desk.force(give(hold_days=3), "t9", **ELSEWHERE | {"at": (NOW - timedelta(days=2)).isoformat()}))
        assert stands(world) == [("t9", "held", 300, 300, 0)]
        desk.approve(desk.force(give(), "t8", **ELSEWHERE))
        assert [row["type"] for row in world.rows("SELECT type FROM outbox WHERE type LIKE '%redemptions%'")] == [
            "clo.redemptions.recorded.v1",
            "clo.redemptions.recorded.v1",
        ]
        pay(world, "pay")
        assert [row["amount_minor"] for row in world.rows("SELECT amount_minor FROM statement_credits")] == [300]
        world.verify()

    @pytest.mark.parametrize("first", ["correction", "purchase"])
    def test_a_purchase_that_earns_after_all_is_given_once(self, world: World, desk: Desk, give: Give, first: str) -> None:
        grant = give()
        asked = desk.force(grant, "t1", 300, **ELSEWHERE)
        if first == "correction":
            desk.approve(asked)
            world.post(purchase("t1", amount=4_000, at=YESTERDAY))
        else:
            world.post(purchase("t1", amount=4_000, at=YESTERDAY))
            desk.approve(asked)
        assert stands(world) == [("t1", "payable", 400, 0, 0)]
        assert left(world) == 9_600
        world.verify()

    def test_a_completion_is_brought_forward_not_added(self, world: World, desk: Desk, give: Give) -> None:
        grant = give(**CUMULATIVE)
        world.post(purchase("t1", amount=2_000, at=YESTERDAY))
        desk.approve(desk.force(grant, "t9", 500, **ELSEWHERE))
        assert stands(world) == [("1", "payable", 500, 500, 0)]
        pay(world, "pay")
        world.post(purchase("t2", amount=3_000))
        assert stands(world) == [("1", "paid", 500, 0, 500)]
        world.verify()

    def test_a_refund_of_all_takes_it_back_though_the_purchase_was_not_in_scope(self, world: World, desk: Desk, give: Give) -> None:
        grant = give(scope={"include": {"merchants": ["shop-2"]}})
        give()  # the purchase is on file for the sake of another offer
        world.post(purchase("t1", amount=2_000, at=YESTERDAY))
        asked = desk.force(grant, "t1", 300)
        assert (asked.json()["merchant_id"], asked.json()["at"]) == ("shop-1", "2026-01-14T12:00:00Z")
        desk.approve(asked)
        pay(world, "pay")
        world.post(refund(500))
        assert sorted(r[2:] for r in stands(world)) == [(150, 0, 200), (300, 300, 300)]
        world.post(refund(1_500, "r2"))
        assert sorted(r[2:] for r in stands(world)) == [(0, 0, 200), (0, 0, 300)]
        world.verify()

    def test_refunds_that_name_a_purchase_that_never_came_take_it_back_once_they_give_back_all(
        self, world: World, desk: Desk, give: Give
    ) -> None:
        desk.approve(desk.force(give(), "t9", **ELSEWHERE))
        pay(world, "pay")
        world.post(refund(1_999, of="t9"))
        assert stands(world) == [("t9", "paid", 300, 300, 300)]
        world.post(refund(1, "r2", of="t9"), refund(1, "r2", of="t9"))
        assert stands(world) == [("t9", "reversed", 0, 0, 300)]
        assert [row["reason"] for row in world.redemptions()] == ["refunded"]
        refold(world)
        assert stands(world) == [("t9", "reversed", 0, 0, 300)]
        assert left(world) == 10_000
        world.post(purchase("t1", amount=5_000))
        pay(world, "later")  # what was paid too much is set against what is owed next
        assert [row["amount_minor"] for row in world.rows("SELECT amount_minor FROM statement_credits ORDER BY amount_minor")] == [200, 300]
        world.verify()

    @pytest.mark.parametrize("policy", [{"negative_balance": "write_off"}, {"budget": "withdraw"}], ids=str)
    def test_such_a_refund_follows_the_clawback_of_the_offer(self, world: World, desk: Desk, give: Give, policy: dict[str, str]) -> None:
        desk.approve(desk.force(give(clawback=policy), "t9", **ELSEWHERE))
        pay(world, "pay")
        world.post(refund(2_000, of="t9"))
        (redemption,) = world.redemptions()
        assert redemption["written_off_minor"] == (300 if "negative_balance" in policy else 0)
        assert left(world) == 9_700
        world.verify()

    @pytest.mark.parametrize("other", [{"customer_id": "cust-2"}, {"currency": "EUR"}, {"original_transaction_id": "t8"}], ids=str)
    def test_a_refund_to_somebody_else_in_other_money_or_of_something_else_takes_nothing_back(
        self, world: World, desk: Desk, give: Give, other: dict[str, str]
    ) -> None:
        desk.approve(desk.force(give(), "t9", **ELSEWHERE))
        world.post(refund(2_000, of="t9").model_copy(update=other))
        assert stands(world) == [("t9", "payable", 300, 300, 0)]

    @pytest.mark.parametrize(("amount", "given"), [(500, 1), (2_000, 0)])
    def test_refunds_that_came_before_it_was_approved_count_as_well(
        self, world: World, desk: Desk, give: Give, amount: int, given: int
    ) -> None:
        asked = desk.force(give(), "t9", **ELSEWHERE)
        world.post(refund(amount, of="t9"))
        answer = desk.decide(asked)
        assert (answer.status_code, len(stands(world))) == ((200, 1) if given else (409, 0))
        if given:
            world.post(refund(1_500, "r2", of="t9"))
            assert stands(world) == [("t9", "reversed", 0, 0, 0)]

    @pytest.mark.parametrize("late", ["purchase", "refund"])
    def test_when_the_purchase_comes_after_all_its_own_amount_decides(self, world: World, desk: Desk, give: Give, late: str) -> None:
        """It is told to have come to 20 dollars and came to 30; it is on file for the sake of another offer."""
        desk.approve(desk.force(give(scope={"include": {"merchants": ["shop-2"]}}), "t9", **ELSEWHERE))
        give()
        messages = [purchase("t9", amount=3_000, at=YESTERDAY), refund(2_000, of="t9")]
        for message in messages if late == "refund" else messages[::-1]:
            world.post(message)
        assert sorted(r[1:4] for r in stands(world)) == [("payable", 100, 0), ("payable", 300, 300)]
        world.post(refund(1_000, "r2", of="t9"))
        assert {r[1] for r in stands(world)} == {"reversed"}
        world.verify()

    def test_what_is_told_of_it_later_is_kept_although_no_offer_names_where_it_was_made(self, world: World, desk: Desk, give: Give) -> None:
        desk.approve(desk.force(give(scope={"include": {"merchants": ["shop-2"]}}), "t9", **ELSEWHERE))
        told: dict[str, Any] = {"at": YESTERDAY, "amount": 3_000, "merchant_id": "shop-9"}
        world.post(purchase("t9", kind="authorization", **told), purchase("t9", kind="clearing", **told))
        world.post(refund(2_000, of="t9"))
        assert [r[1:4] for r in stands(world)] == [("payable", 300, 300)]
        world.post(refund(1_000, "r2", of="t9"))
        assert {r[1] for r in stands(world)} == {"reversed"}
        world.verify()

    def test_what_a_pot_refused_is_forced_once_there_is_money(self, world: World, desk: Desk, give: Give) -> None:
        grant = give(budget=250)
        world.post(purchase("t1", amount=3_000, at=YESTERDAY))
        assert stands(world) == [("t1", "rejected", 0, 0, 0)]
        asked = desk.force(grant, "t1", 100)
        refused = desk.decide(asked)
        assert (refused.status_code, refused.json()["reason"]) == (409, "budget_exhausted")
        assert (stands(world), left(world)) == ([("t1", "rejected", 0, 0, 0)], 250)
        top_up(world, 500)
        desk.approve(asked)
        assert (stands(world), left(world)) == ([("t1", "payable", 300, 0, 0)], 450)
        world.verify()

    def test_goodwill_bears_what_the_budget_can_not(self, world: World, desk: Desk, give: Give) -> None:
        line = world.campaign(budget=500, name="Goodwill")
        grant = give(budget=100, activation="required", goodwill=CAMPAIGN.render(line))
        desk.approve(desk.force(grant, "t9", **ELSEWHERE))
        assert [(row["campaign_id"], row["reward_minor"]) for row in world.redemptions()] == [(line, 300)]
        desk.approve(desk.adjust(the_one(world), "raise", 150))
        refused = desk.decide(desk.adjust(the_one(world), "raise", 51))
        assert (refused.status_code, refused.json()["reason"]) == (409, "budget_exhausted")
        assert world.available(line) == 50
        world.verify()

    @pytest.mark.parametrize(
        ("more", "status", "words"),
        [
            ({}, 422, "must be told of a purchase that is not on file"),
            ({"at": YESTERDAY.isoformat(), "merchant_id": "shop-9"}, 422, "/amount"),
            (ELSEWHERE | {"amount": 0}, 422, "must be more than nothing"),
            (ELSEWHERE | {"at": "2026-01-16T12:00:00Z"}, 422, "must not be in the future"),
            (ELSEWHERE | {"reward": 0}, 422, "must be more than nothing"),
            (ELSEWHERE | {"reward": "1.001"}, 422, "more than 2 decimals"),
            (ELSEWHERE | {"grant_id": f"grn_{'0' * 32}"}, 404, "no such grant"),
        ],
    )
    def test_what_can_not_be_forced_is_refused(self, desk: Desk, give: Give, more: dict[str, Any], status: int, words: str) -> None:
        answer = desk.force(give(), "t9", **more)
        assert answer.status_code == status
        assert words in answer.text

    def test_a_purchase_of_another_customer_or_given_back_or_given_already_is_refused(self, world: World, desk: Desk, give: Give) -> None:
        grant, other = give(), give(customer="cust-2")
        world.post(purchase("t1", at=YESTERDAY), purchase("t2", at=YESTERDAY), refund(1_500, of="t2"))
        answers = [desk.force(other, "t1"), desk.force(grant, "t2"), desk.force(grant, "t1")]
        assert [answer.status_code for answer in answers] == [422, 409, 409]
        assert "another customer" in answers[0].text
        assert answers[1].json()["reason"] == "refunded"
        assert "adjust that one" in answers[2].text

    def test_the_same_completion_is_asked_for_once(self, desk: Desk, give: Give) -> None:
        grant = give()
        first = desk.force(grant, "t9", **ELSEWHERE)
        assert desk.force(grant, "t9", by="kim", **ELSEWHERE).status_code == 409
        assert desk.decide(first, "reject").status_code == 200
        assert desk.force(grant, "t9", by="kim", **ELSEWHERE).status_code == 201


class TestAdjusted:
    @pytest.mark.parametrize(("change", "amount", "reward"), [("raise", 150, 350), ("lower", "0.50", 150), ("lower", 200, 0)])
    def test_the_difference_is_posted(self, world: World, desk: Desk, give: Give, change: str, amount: int | str, reward: int) -> None:
        give()
        world.post(purchase("t1", amount=2_000))
        desk.approve(desk.adjust(the_one(world), change, amount))
        assert stands(world) == [("t1", "payable" if reward else "reversed", reward, reward - 200, 0)]
        assert left(world) == 10_000 - reward
        assert world.redemptions()[0]["reason"] == (None if reward else "corrected")
        world.verify()

    def test_a_fold_again_neither_doubles_nor_loses_it(self, world: World, desk: Desk, give: Give) -> None:
        give()
        world.post(purchase("t1", amount=2_000))
        desk.approve(desk.adjust(the_one(world), "raise", 50))
        before = world.redemptions()
        for _ in range(2):
            refold(world)
            world.post(purchase("t1", amount=2_000))
        assert world.redemptions() == before

    def test_refunds_after_it_take_back_what_the_purchase_earned_and_in_the_end_all(self, world: World, desk: Desk, give: Give) -> None:
        give()
        world.post(purchase("t1", amount=2_000, at=YESTERDAY))
        desk.approve(desk.adjust(the_one(world), "raise", 50))
        pay(world, "first")
        world.post(refund(1_000))
        assert stands(world) == [("t1", "paid", 150, 50, 250)]
        world.post(refund(1_000, "r2"))
        assert stands(world) == [("t1", "reversed", 0, 0, 250)]
        world.verify()
        world.post(purchase("t2", amount=3_000))
        pay(world, "second")  # what was paid too much is kept back
        assert [row["amount_minor"] for row in world.rows("SELECT amount_minor FROM statement_credits ORDER BY amount_minor")] == [50, 250]
        world.verify()

    @pytest.mark.parametrize(
        ("kind", "then"), [("clearing", ("t1", "paid", 250, 50, 250)), ("expiry", ("t1", "reversed", 0, 0, 0))], ids=["cleared", "expired"]
    )
    def test_what_is_raised_of_an_authorised_purchase_is_paid_when_that_has_cleared_and_never_else(
        self, world: World, desk: Desk, give: Give, kind: str, then: tuple[str, str, int, int, int]
    ) -> None:
        give()
        world.post(purchase("t1", kind="authorization", amount=2_000, at=YESTERDAY))
        desk.approve(desk.adjust(the_one(world), "raise", 50))
        pay(world, "first")
        assert stands(world) == [("t1", "pending", 250, 50, 0)]
        world.post(purchase("t1", kind=kind, amount=2_000, at=YESTERDAY))
        pay(world, "second")
        assert stands(world) == [then]
        assert left(world) == 10_000 - then[2]
        world.verify()

    def test_what_was_adjusted_to_nothing_can_be_raised_again(self, world: World, desk: Desk, give: Give) -> None:
        grant = give()
        world.post(purchase("t1", amount=2_000))
        desk.approve(desk.adjust(the_one(world), "lower", 200))
        assert "adjust that one" in desk.force(grant, "t1").text
        desk.approve(desk.adjust(the_one(world), "raise", 80))
        assert stands(world) == [("t1", "payable", 80, -120, 0)]
        world.verify()

    def test_a_forced_redemption_is_taken_back_by_lowering_it(self, world: World, desk: Desk, give: Give) -> None:
        desk.approve(desk.force(give(), "t9", **ELSEWHERE))
        desk.approve(desk.adjust(the_one(world), "lower", 300))
        assert (stands(world), left(world)) == ([("t9", "reversed", 0, 0, 0)], 10_000)
        world.verify()

    def test_more_than_the_budget_holds_is_refused_with_the_reason_and_waits(self, world: World, desk: Desk, give: Give) -> None:
        give(budget=249)
        world.post(purchase("t1", amount=2_000))
        asked = desk.adjust(the_one(world), "raise", 50)
        refused = desk.decide(asked, key="once")
        assert (refused.status_code, refused.json()["reason"]) == (409, "budget_exhausted")
        assert (stands(world), left(world)) == ([("t1", "payable", 200, 0, 0)], 49)
        top_up(world, 1)
        assert desk.decide(asked, key="once").status_code == 200
        assert (stands(world), left(world)) == ([("t1", "payable", 250, 50, 0)], 0)
        world.verify()

    def test_the_offers_own_pots_are_asked_as_well(self, world: World, desk: Desk, give: Give) -> None:
        give(limits={"budget_per_day": 240})
        world.post(purchase("t1", amount=2_000))
        refused = desk.decide(desk.adjust(the_one(world), "raise", 50))
        assert (refused.status_code, refused.json()["reason"]) == (409, "day_budget_exhausted")
        desk.approve(desk.adjust(the_one(world), "raise", 40))
        world.verify()

    def test_what_can_not_be_adjusted_is_refused(self, world: World, desk: Desk, give: Give) -> None:
        give(budget=250)
        world.post(purchase("t1", amount=2_000, at=YESTERDAY), purchase("t2", amount=2_000))
        first, second = (row["redemption_id"] for row in world.redemptions())
        assert "at most what the redemption gives, 2.00" in desk.adjust(first, "lower", 201).text
        assert desk.adjust(derived_id("none"), "raise", 1).status_code == 404
        assert "force it instead" in desk.adjust(second, "raise", 1).text
        asked = [desk.adjust(first, change, 1) for change in ("raise", "lower")]
        world.post(refund(2_000))
        assert [desk.decide(one).status_code for one in asked] == [409, 409]
        assert "taken back by later history" in desk.adjust(first, "raise", 1).text
        world.verify()


class TestTwoPeople:
    def test_who_asks_does_not_decide(self, world: World, desk: Desk, give: Give) -> None:
        asked = desk.force(give(), "t9", **ELSEWHERE)
        for verb in ("approve", "reject"):
            answer = desk.decide(asked, verb, by="sam")
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:clo:problem:self_approval")
        assert stands(world) == []

    def test_scopes_part_asking_deciding_and_reading(self, desk: Desk, give: Give) -> None:
        asked = desk.force(give(), "t9", **ELSEWHERE).json()["correction_id"]
        assert desk.send("POST", f"/{asked}/approve", "ada", WRITE, READ, json={"reason": "x"}).status_code == 403
        assert desk.send("POST", "/adjustments", "ada", READ, json={}).status_code == 403
        assert desk.send("GET", f"/{asked}", "ada", WRITE).status_code == 403

    def test_a_rejected_correction_changes_nothing_and_is_final(self, world: World, desk: Desk, give: Give) -> None:
        asked = desk.force(give(), "t9", **ELSEWHERE)
        assert desk.decide(asked, "reject").json()["state"] == "rejected"
        assert desk.decide(asked).status_code == 409
        refold(world)
        assert stands(world) == []

    def test_every_step_is_kept_with_who_when_and_why(self, desk: Desk, give: Give) -> None:
        asked = desk.force(give(), "t9", **ELSEWHERE)
        desk.approve(asked)
        found = desk.send("GET", f"/{asked.json()['correction_id']}", "ada", READ).json()
        assert [tuple(line.values()) for line in found["history"]] == [
            ("request", None, "requested", "sam", "2026-01-15T12:00:00Z", "Shop was not matched"),
            ("approve", "requested", "approved", "ada", "2026-01-15T12:00:00Z", "Receipt seen"),
        ]
        correction = found["correction"]
        assert (correction["requested_by"], correction["decided_by"], correction["reason"]) == ("sam", "ada", "Shop was not matched")

    def test_they_are_listed_by_customer_and_state(self, desk: Desk, give: Give) -> None:
        first = desk.force(give(), "t9", **ELSEWHERE)
        second = desk.force(give(customer="cust-2"), "t8", **ELSEWHERE)
        desk.approve(first)

        def listed(query: str = "") -> list[str]:
            return [found["transaction_id"] for found in desk.send("GET", query, "ada", READ).json()["corrections"]]

        assert sorted(listed()) == ["t8", "t9"]
        assert listed("?customer_id=cust-2") == ["t8"]
        assert listed("?state=approved") == ["t9"]
        ids = sorted(asked.json()["correction_id"] for asked in (first, second))
        assert [*listed("?limit=1"), *listed(f"?after={ids[0]}")] == listed()
        assert desk.send("GET", f"/{second.json()['correction_id']}", "ada", READ).json()["correction"]["state"] == "requested"
        assert desk.send("GET", f"/cor_{'0' * 32}", "ada", READ).status_code == 404

    def test_the_same_request_again_gets_the_same_answer(self, world: World, desk: Desk, give: Give) -> None:
        grant = give()
        asked = desk.force(grant, "t9", key="ask", **ELSEWHERE)
        assert desk.force(grant, "t9", key="ask", **ELSEWHERE).json() == asked.json()
        assert desk.force(grant, "t9", reward=999, key="ask", **ELSEWHERE).status_code == 409
        answers = [desk.decide(asked, key="decide") for _ in range(2)]
        assert answers[0].json() == answers[1].json()
        assert answers[1].headers["Idempotency-Replayed"] == "true"
        redemption = the_one(world)
        for _ in range(2):
            asked = desk.adjust(redemption, "raise", 10, key="adjust")
        desk.approve(asked)
        assert stands(world) == [("t9", "payable", 310, 310, 0)]
        world.verify()

    @pytest.mark.parametrize("verbs", [("approve", "approve"), ("approve", "reject")])
    def test_two_who_decide_at_once_decide_once(self, world: World, desk: Desk, give: Give, verbs: tuple[str, str]) -> None:
        give()
        world.post(purchase("t1", amount=2_000))
        asked = desk.adjust(the_one(world), "raise", 50)
        together = Barrier(2)

        def decide(by: str, verb: str) -> tuple[str, int]:
            together.wait(10)
            return verb, desk.decide(asked, verb, by=by).status_code

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(decide, ("ada", "kim"), verbs))
        assert sorted(status for _, status in answers) == [200, 409]
        approved = ("approve", 200) in answers
        assert stands(world) == [("t1", "payable", 250 if approved else 200, 50 if approved else 0, 0)]
        assert len(world.rows("SELECT * FROM correction_history")) == 2
        world.verify()

    def test_purchases_that_come_while_corrections_are_decided_are_neither_lost_nor_doubled(
        self, world: World, desk: Desk, give: Give
    ) -> None:
        grant = give(budget=1_000_000)
        asked = [desk.force(grant, f"t{n}", 300, **ELSEWHERE) for n in range(8)]

        def at_once(n: int) -> None:
            if n % 2:
                desk.approve(asked[n // 2])
            else:
                world.post(purchase(f"t{n // 2}", amount=2_000, at=YESTERDAY), key=f"post-{n}")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(at_once, range(16)))
        assert [(r[2], r[3]) for r in stands(world)] == [(300, 100)] * 8
        world.verify()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM corrections",
        "UPDATE corrections SET amount_minor = 1",
        "UPDATE correction_history SET by = 'x'",
        "DELETE FROM correction_history",
    ],
)
def test_functions_can_not_rewrite_what_was_asked_or_done(call: MakeCall, statement: str) -> None:
    with call().transaction() as tx, pytest.raises(psycopg.errors.InsufficientPrivilege):
        tx.connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE corrections SET amount_minor = amount_minor + 1", "promised"),
        ("DELETE FROM correction_history; DELETE FROM corrections", "promised"),
        ("UPDATE redemptions SET corrected_minor = corrected_minor - 1", "promised"),
    ],
)
def test_the_audit_finds_corrections_that_were_changed_behind_the_books(
    world: World, desk: Desk, give: Give, postgres: EmbeddedPostgres, statement: str, told: str
) -> None:
    grant = give()
    world.post(purchase("t1", amount=2_000))
    desk.approve(desk.adjust(the_one(world), "raise", 50))
    desk.approve(desk.force(grant, "t9", **ELSEWHERE))
    world.verify()
    with psycopg.connect(postgres.owner_url(), autocommit=True) as connection:
        connection.execute(statement)
    found = {(finding.invariant, told in finding.actual) for finding in ledger.verify(world.call("auditor"))}
    assert found == {("a corrected redemption promises what two people decided, once", True)}


def test_an_answer_about_the_purchase_names_the_correction(world: World, desk: Desk, give: Give, ask: Ask) -> None:
    grant = give()
    world.post(purchase("t1", amount=500, at=YESTERDAY))
    asked = desk.force(grant, "t1", 300)
    desk.approve(asked)
    question = {
        "customer_id": "cust-1",
        "purchase": {
            "transaction_id": "t1", "at": YESTERDAY.isoformat(), "amount": 500, "currency": "USD", "merchant_id": "shop-1",
        },
    }  # fmt: skip
    (verdict,) = ask("check_eligibility", scopes=("eligibility:read",))("POST", "/v1/eligibility", json=question).json()["verdicts"]
    assert (verdict["grant_id"], verdict["reward_minor"]) == (GRANT.render(grant), 300)
    (rule,) = [rule for rule in verdict["rules"] if rule["rule"] == "corrected"]
    assert rule["actual"] == f"300, forced by correction {asked.json()['correction_id']}"
    assert [reason["code"] for reason in verdict["reasons"]] == ["amount_below_threshold"]


def test_an_answer_knows_of_refunds_of_a_purchase_that_never_came_now_and_not_before(
    world: World, desk: Desk, give: Give, ask: Ask, clock: SimulatedClock
) -> None:
    grant = give()
    desk.approve(desk.force(grant, "t9", **ELSEWHERE))
    clock.advance(NOW + timedelta(hours=1))
    world.post(refund(2_000, of="t9"))
    clock.advance(NOW + timedelta(hours=2))
    asking = ask("check_eligibility", "support", ("eligibility:read",))
    said = {"transaction_id": "t9", "at": YESTERDAY.isoformat(), "currency": "USD", "amount": 1_000, "merchant_id": "shop-1"}
    question = {"customer_id": "cust-1", "purchase": said}
    rewards = []
    for as_of in ({}, {"as_of": NOW.isoformat()}):
        (verdict,) = asking("POST", "/v1/eligibility", json=question | as_of).json()["verdicts"]
        rewards.append(verdict["reward_minor"])
    assert rewards == [100, 300]
