"""A purchase that is only thought of, asked about where pots are limited: it is answered as it is redeemed when it is made.

Random purchases meet offers with random limits; each is asked about, then posted. Asked again at the end, as of each moment, the answers
are those given then. `CLO_SEEDS=200` makes it a long run.
"""

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from events.payloads import Transaction
from shared.audiences import wallet
from shared.audiences.wallet_api import Activation, WalletQuery
from shared.kernel.clock import SimulatedClock
from shared.kernel.reasons import Reason
from shared.redemptions.eligibility_api import Eligibility, EligibilityAsked, VerdictView
from shared.redemptions.pots import KINDS as POT_KINDS
from tests.conftest import NOW, MakeCall
from tests.integration.redemptions.asking import Asker, asked
from tests.world import World, purchase

SEEDS = range(int(os.environ.get("CLO_SEEDS", "4")))
STEPS: Final = 24
CUSTOMERS: Final = ("ana", "ben")
SINCE: Final = datetime(2025, 11, 1, tzinfo=UTC)
WINDOW: Final = {"start": "2025-11-02", "end": "2026-12-30"}
KINDS: Final[tuple[dict[str, Any], ...]] = (
    {"reward": {"kind": "percent", "basis_points": 1_000}},
    {"reward": {"kind": "fixed", "amount": 90}, "qualification": {"kind": "cumulative_spend", "threshold": 1_200}},
    {"reward": {"kind": "fixed", "amount": 150}, "limits": {"redemptions_per_customer": 3}},
)
MONEY: Final = ("reward_per_account", "budget_per_day", "budget_per_month", "budget_per_merchant")


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@dataclass(kw_only=True)
class Life:
    """Offers with random limits, each of a campaign of its own, and purchases one after the other."""

    world: World
    clock: SimulatedClock
    chance: random.Random
    offers: list[UUID] = field(default_factory=list)
    adds_up: dict[UUID, bool] = field(default_factory=dict)
    """Of each offer whether purchases add up under its terms."""
    posted: list[Transaction] = field(default_factory=list)

    def begin(self) -> None:
        """Two offers of one group and one that stands alone; some customers hold a grant more than others."""
        for stacking in ({"stacking": {"group": "g"}}, {"stacking": {"group": "g"}}, {}):
            campaign = self.world.campaign(start="2025-11-01", end="2026-12-31", budget=self.chance.choice([900, 100_000]))
            terms = self._terms(stacking)
            offer = self.world.offer(campaign, **terms)
            self.adds_up[offer] = "qualification" in terms
            self.world.grant(offer, *CUSTOMERS, at=SINCE)
            if "redemptions_per_customer" not in terms["limits"]:
                self.world.grant(offer, *self.chance.choice([CUSTOMERS, ("ana",), ()]), at=SINCE, turn=1)
            self.offers.append(offer)
        cards = [{"card_token": f"k{n}-{who}", "customer_id": who, "account_token": f"of-k{n}"} for n in (1, 2) for who in CUSTOMERS]
        self.world.cards(*cards)

    def _terms(self, stacking: Mapping[str, Any]) -> dict[str, Any]:
        kind = self.chance.choice(KINDS)
        limits = {name: self.chance.choice([200, 400, 900]) for name in MONEY if self.chance.random() < 0.3}
        if {"budget_per_day", "budget_per_month"} <= limits.keys():
            limits["budget_per_month"] = 900
        if self.chance.random() < 0.3:
            limits["redemptions_total"] = self.chance.choice([3, 6])
        zone = self.chance.choice(["UTC", "America/New_York"])
        return {"repeat": True, "window": WINDOW | {"zone": zone}, **kind, "limits": kind.get("limits", {}) | limits, **stacking}

    def think_of(self) -> Transaction:
        """A purchase of now."""
        self.clock.advance(self.clock.now() + timedelta(minutes=self.chance.randrange(1, 1_600)))
        who = self.chance.choice(CUSTOMERS)
        card = self.chance.choice([{}, {"card_token": f"k1-{who}"}, {"card_token": f"k2-{who}"}])
        merchant: dict[str, Any] = self.chance.choice([{}, {"merchant_id": "shop-2"}, {"merchant_id": None, "descriptor": "NOWHERE 7"}])
        amount = self.chance.randrange(1_000, 4_500)
        return purchase(f"t{len(self.posted)}", who, at=self.clock.now(), amount=amount, **card, **merchant)

    def post(self, message: Transaction) -> None:
        self.posted.append(message)
        self.world.post(message)
        self.world.deliver()

    def something_else(self) -> None:
        """A refund gives back to the pots, or a version brings, lifts and changes limits: never at the moment of a purchase."""
        self.clock.advance(self.clock.now() + timedelta(minutes=1))
        if self.posted and self.chance.random() < 0.3:
            of = self.chance.choice(self.posted)
            back = {"kind": "refund", "original_transaction_id": of.transaction_id, "at": self.clock.now()}
            self.post(of.model_copy(update={"transaction_id": f"r{len(self.posted)}", **back}))
        elif self.chance.random() < 0.1:
            place = self.chance.randrange(len(self.offers))
            stacking = {"stacking": {"group": "g"}} if place < 2 else {}
            terms = self._terms(stacking)
            self.adds_up[self.offers[place]] = "qualification" in terms
            self.world.revise(self.offers[place], **terms)
            self.world.deliver()

    def came_to(self, transaction_id: str) -> dict[UUID, tuple[int, set[str]]]:
        """What a purchase earned of each offer, and why not more."""
        found = {offer: (0, set[str]()) for offer in self.offers}
        for row in self.world.redemptions():
            if row["transaction_id"] == transaction_id:
                reward_minor, reasons = found[row["offer_id"]]
                found[row["offer_id"]] = (reward_minor + row["reward_minor"], reasons | ({row["reason"]} if row["reason"] else set()))
        return found


def begun(world: World, clock: SimulatedClock, seed: int) -> Life:
    life = Life(world=world, clock=clock, chance=random.Random(seed))
    life.begin()
    return life


def question(thought_of: Transaction, **values: Any) -> EligibilityAsked:
    about = {name: getattr(thought_of, name) for name in ("transaction_id", "at", "amount", "merchant_id", "descriptor", "card_token")}
    return asked(str(thought_of.customer_id), **about, **values)


def told(verdicts: list[VerdictView], offers: list[UUID]) -> dict[UUID, tuple[int, set[str]]]:
    """What verdicts say of each offer: the reward, and which pots refused some of it, first of all."""
    found = {offer: (0, set[str]()) for offer in offers}
    for verdict in verdicts:
        reward_minor, reasons = found[verdict.offer_id]
        refused = {rule.reason.code for rule in verdict.rules if rule.rule == "admitted" and rule.reason}
        found[verdict.offer_id] = (reward_minor + verdict.reward_minor, reasons | refused)
        assert verdict.eligible == (verdict.reward_minor > 0)
        assert not refused or verdict.reasons[0].code in refused
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_told_of_a_purchase_is_what_comes_of_it(world: World, asker: Asker, clock: SimulatedClock, seed: int) -> None:
    life = begun(world, clock, seed)
    refused = 0
    for _ in range(STEPS):
        thought_of = life.think_of()
        answer = asker.one(question(thought_of))
        life.post(thought_of)
        assert told(answer.verdicts, life.offers) == life.came_to(thought_of.transaction_id), (
            answer,
            life.came_to(thought_of.transaction_id),
        )
        made = asker.one(question(thought_of))
        assert [(one.eligible, one.reward_minor) for one in made.verdicts] == [(v.eligible, v.reward_minor) for v in answer.verdicts]
        refused += any(rule.rule == "admitted" for verdict in answer.verdicts for rule in verdict.rules)
        life.something_else()
    assert refused
    world.verify()


@pytest.mark.parametrize("seed", SEEDS)
def test_asked_later_as_of_then_the_answer_is_the_one_given_then(world: World, asker: Asker, clock: SimulatedClock, seed: int) -> None:
    life = begun(world, clock, seed)
    given = []
    for _ in range(STEPS):
        life.something_else()
        thought_of = life.think_of()
        body = question(thought_of)
        given.append((body.model_copy(update={"as_of": clock.now()}), asker.one(body)))
        clock.advance(clock.now() + timedelta(minutes=1))
        life.post(thought_of)
    clock.advance(clock.now() + timedelta(days=30))
    for body, then in given:
        assert asker.one(body) == then


POTS: Final = {kind.reason.code for kind in POT_KINDS} | {Reason.BUDGET_EXHAUSTED.code}
Refused = list[tuple[bool, set[str]]]
"""Of an offer for each purchase that was asked about: whether it would pay anything, and the reasons why not all."""


def least_bought(asker: Asker, life: Life, who: str) -> dict[UUID, Refused]:
    """The smallest purchases that earn, each with one of the customer's cards at some shop: what each offer would pay, and why not."""
    found: dict[UUID, Refused] = {offer: [] for offer in life.offers}
    for offer in life.offers:
        amount = 1_200 if life.adds_up[offer] else 1_000
        places = [{"card_token": f"k{number}-{who}", "merchant_id": shop} for number in (1, 2) for shop in ("shop-1", "new")]
        for answer in asker.together(*(asked(who, offer, at=life.clock.now(), amount=amount, **place) for place in places)):
            assert isinstance(answer, Eligibility)
            found[offer].append((answer.eligible, {reason.code for verdict in answer.verdicts for reason in verdict.reasons}))
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_the_wallet_tells_what_refuses_every_purchase_of_now(world: World, asker: Asker, clock: SimulatedClock, seed: int) -> None:
    life = begun(world, clock, seed)
    for held in wallet.list_customer_offers(world.call(), "ana", WalletQuery()).offers:
        wallet.activate_offer(world.call(), "ana", held.grant_id, Activation(at=SINCE))
    told = 0
    for _ in range(STEPS):
        life.post(life.think_of())
        life.something_else()
        for who in CUSTOMERS:
            shown = wallet.list_customer_offers(world.call(), who, WalletQuery()).offers
            for offer, purchases in least_bought(asker, life, who).items():
                paid = any(eligible for eligible, _ in purchases)
                used_up = [{reason.code for reason in one.used_up} for one in shown if one.offer_id == offer]
                told += any(used_up)
                assert not paid or (used_up and not any(used_up)), (used_up, purchases)
                refusing = set[str]() if paid else set.intersection(*(reasons for _, reasons in purchases)) & POTS
                assert all(refusing <= codes for codes in used_up), (used_up, purchases)
    assert told or seed not in range(4)


def verdict_of(asker: Asker, offer: UUID, **about: Any) -> dict[str, tuple[str, str, bool]]:
    (verdict,) = asker.one(asked("ana", offer, **about)).verdicts
    return {rule.rule: (rule.expected, rule.actual, rule.passed) for rule in verdict.rules}


def test_a_limit_that_a_later_version_brings_counts_what_was_given_before(world: World, asker: Asker, clock: SimulatedClock) -> None:
    """Asked before any purchase has opened the pots, and as of before they were opened."""
    terms: dict[str, Any] = {"reward": {"kind": "percent", "basis_points": 1_000}, "repeat": True, "window": WINDOW | {"zone": "UTC"}}
    offer = world.offer(world.campaign(start="2025-11-01", end="2026-12-31"), **terms)
    world.grant(offer, *CUSTOMERS, at=SINCE)
    world.post(purchase("t1", "ben", amount=2_000), purchase("t2", "ben", amount=1_000, merchant_id="shop-2", at=NOW - timedelta(days=20)))
    world.revise(offer, **terms, limits={"redemptions_total": 3, "budget_per_day": 300, "budget_per_merchant": 400})
    expected = {
        "redemptions in total": ("at least 1 left", "1", True),
        "budget of the day": ("at least 150 left", "100 for 2026-01-15", False),
        "budget of the merchant": ("at least 150 left", "200", True),
    }
    rules = verdict_of(asker, offer)
    assert {name: rules[name] for name in expected} == expected
    clock.advance(NOW + timedelta(hours=1))
    world.post(purchase("t3", "ben", amount=1_000))
    clock.advance(NOW + timedelta(hours=2))
    (verdict,) = asker.one(asked("ana", offer).model_copy(update={"as_of": NOW})).verdicts
    assert {rule.rule: (rule.expected, rule.actual, rule.passed) for rule in verdict.rules} == rules
    assert verdict_of(asker, offer)["redemptions in total"] == ("at least 1 left", "0", False)
