"""What was known at a moment: asked later, the answer is the one that was given then.

A random life goes through the product, and after each step questions are answered. Asked again at the end, as of each step's moment, they
are answered alike. `CLO_SEEDS=200` makes it a long run.
"""

import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import pytest

from events.payloads import FileOrigin, HistoriesChanged, PayoutsDue, PlacesTold, Transaction
from shared.audiences import erasure, wallet
from shared.audiences.wallet_api import Activation
from shared.campaigns import service as campaigns
from shared.campaigns.api import BudgetAsked
from shared.corrections import service as corrections
from shared.corrections.api import AdjustmentAsked, DecisionReason, ForcedAsked
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import CloError, Conflict, Invalid
from shared.kernel.shards import shard_of
from shared.merchants import service as merchants
from shared.offers import service as offers
from shared.offers.api import NewVersion
from shared.redemptions import payout
from shared.redemptions import service as redemptions
from shared.redemptions.eligibility_api import Eligibility, EligibilityAsked
from tests.conftest import NOW, SHARDS, MakeCall
from tests.integration.audiences.builders import customer, emitted, issue, put
from tests.integration.redemptions.asking import Asker, asked
from tests.world import WHY, World, purchase, terms

SEEDS = range(int(os.environ.get("CLO_SEEDS", "8")))
CUSTOMERS = ("ana", "ben")
STEPS = 24
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
PERCENT = {"reward": {"kind": "percent", "basis_points": 1_000}, "repeat": True}
TERMS: dict[str, dict[str, Any]] = {
    "single": PERCENT | {"limits": {"redemptions_per_customer": 3}},
    "activated": PERCENT | {"activation": "required", "limits": {"budget_per_day": 300}},
    "cumulative": {"qualification": {"kind": "cumulative_spend", "threshold": 3000}, "repeat": True},
    "stacked": PERCENT | {"stacking": {"group": "g"}},
    "branded": PERCENT | {"scope": {"include": {"brands": ["Corner"]}}},
    "grocers": PERCENT | {"scope": {"include": {"mccs": ["5411"]}}},
    "domestic": PERCENT | {"scope": {"include": {"countries": ["US"]}}},
    "at_the_shop": PERCENT | {"window": {"start": "2026-01-14", "end": "2026-01-15", "zone": "UTC", "zone_policy": "merchant"}},
    "first": {"stacking": {"group": "g", "priority": 1}, "repeat": True},
    "at_home": PERCENT | {"window": {"start": "2026-01-14", "end": "2026-01-15", "zone": "UTC", "zone_policy": "customer"}},
}
Answer = Eligibility | CloError


@dataclass(kw_only=True)
class Life:
    """A life of two customers, a campaign and its offers, step by step at random."""

    world: World
    clock: SimulatedClock
    chance: random.Random
    campaign: UUID
    offers: list[UUID] = field(default_factory=list)
    posted: list[Transaction] = field(default_factory=list)
    filed: dict[str, Transaction] = field(default_factory=dict)
    """What a file tells."""
    file: FileOrigin | None = None
    told: int = 0
    places: int = 0

    def step(self) -> None:
        """Something happens, and all that follows from it."""
        self.clock.advance(self.clock.now() + self.chance.randrange(1, 90) * MINUTE)
        steps = (
            self._tell_of_merchants,
            self._grant,
            self._consent,
            self._erase,
            self._activate,
            self._approve,
            self._stop,
            self._budget,
            self._pay,
            self._refund,
            self._clear,
            self._correct,
            self._revise,
        )
        happens = self.chance.choice([*steps, *(self._buy,) * 5, self._activate, self._grant, self._correct])
        with suppress(Conflict, Invalid):  # not allowed as things stand: nothing happens
            happens()
        self._fold_again()

    def _grant(self) -> None:
        if self.offers:
            issue(self.world.call, self.chance.choice(self.offers), self.chance.choice(CUSTOMERS), at=self._earlier())

    def _tell_of_merchants(self) -> None:
        alias = {"kind": "descriptor", "descriptor": "Blue cup", "valid_to": self.chance.choice([None, self.clock.now().isoformat()])}
        place = {"location_id": "l1", "zone": self.chance.choice([None, "Asia/Tokyo", "America/New_York"])}
        place |= {"country": self.chance.choice([None, "US"])}
        shop: dict[str, str | None] = {"merchant_id": "shop-1", "name": "Shop", "mcc": self.chance.choice(["5411", "5814"])}
        shop |= {"brand": self.chance.choice([None, "Corner"])}
        told = {"merchants": [shop | {"locations": [place], "aliases": [alias]}]}
        merchants.put_merchants(self.world.call(), json.dumps(told).encode())

    def _erase(self) -> None:
        if self.chance.random() < 0.3:
            erasure.erase_customer(self.world.call(), "ben")

    def _consent(self) -> None:
        values = {"zone": self.chance.choice([None, "Asia/Tokyo", "America/New_York"]), "consent": self.chance.random() < 0.7}
        put(self.world.call, customer(self.chance.choice(CUSTOMERS), consent_at=self._earlier().isoformat(), **values))

    def _activate(self) -> None:
        grants = self.world.rows("SELECT grant_id, customer_id FROM grants ORDER BY grant_id")
        if grants:
            grant = self.chance.choice(grants)
            wallet.activate_offer(self.world.call(), grant["customer_id"], grant["grant_id"], Activation(at=self._earlier(at_most=2 * DAY)))

    def _approve(self) -> None:
        if self.offers and self.chance.random() < 0.5:
            offer_id = self.chance.choice(self.offers)
            offers.create_version(self.world.call("maya"), offer_id, NewVersion(terms=terms(**self.chance.choice(list(TERMS.values())))))
            offers.submit_offer(self.world.call("maya"), offer_id, WHY)
            offers.approve_offer(self.world.call("omar"), offer_id, WHY)
        else:
            self.offers.append(self.world.offer(self.campaign, **self.chance.choice(list(TERMS.values()))))

    def _stop(self) -> None:
        if self.offers and self.chance.random() < 0.2:
            offers.withdraw_offer(self.world.call("maya"), self.chance.choice(self.offers), WHY)
        else:
            self.chance.choice((campaigns.pause_campaign, campaigns.resume_campaign))(self.world.call("maya"), self.campaign, WHY)

    def _budget(self) -> None:
        campaigns.request_budget(self.world.call("maya"), self.campaign, BudgetAsked(amount=self.chance.randrange(100, 900), reason="More"))
        campaigns.approve_budget(self.world.call("omar"), self.campaign, WHY)

    def _pay(self) -> None:
        self.world.tick()
        for row in self.world.redemptions("redemption_id, customer_id, earned_at, transaction_id, grant_id, completion"):
            due = PayoutsDue(shard=shard_of(row["customer_id"], SHARDS), redemption_ids=[row["redemption_id"]])
            payout.pay_due(self.world.call("pay_cashback"), due)

    def _buy(self) -> None:
        name, amount, at = f"t{len(self.posted)}", self.chance.randrange(900, 3500), self._earlier(at_most=3 * DAY)
        kind = self.chance.choice(["purchase", "purchase", "authorization"])
        where: dict[str, Any] = {"location_id": "l1"} if self.chance.random() < 0.5 else {}
        where |= self.chance.choice([{}, {"merchant_id": None, "descriptor": "Blue cup"}])
        self._post(purchase(name, self.chance.choice(CUSTOMERS), kind=kind, amount=amount, at=at, **where, **self._until(kind)))

    def _revise(self) -> None:
        """A file is told, or in its next revision otherwise: some of its purchases no more, some with another amount, and a new one."""
        self.file = FileOrigin(file_id="f", revision=self.file.revision + 1) if self.file else FileOrigin(file_id="f", revision=1)
        gone = {name for name in self.filed if self.chance.random() < 0.3}
        if gone:
            self.world.withdraw(self.file, *(self.filed.pop(name) for name in sorted(gone)))
        name = f"f{self.file.revision}"
        self.filed[name] = purchase(name, self.chance.choice(CUSTOMERS), at=self._earlier(at_most=3 * DAY))
        for name, one in self.filed.items():
            if self.chance.random() < 0.5:
                self.filed[name] = one.model_copy(update={"amount": self.chance.randrange(900, 3500)})
        self.posted += self.filed.values()
        self.world.post(*self.filed.values(), file=self.file)

    def _refund(self) -> None:
        if self.posted:
            of = self.chance.choice(self.posted)
            original = self.chance.choice([of.transaction_id, None])
            back = self.chance.choice([of.amount, 500])
            self._post(of.model_copy(update={
                "transaction_id": f"r{len(self.posted)}", "kind": "refund", "amount": back, "at": self.clock.now(), "expires_at": None,
                "original_transaction_id": original,
            }))  # fmt: skip

    def _clear(self) -> None:
        if self.posted:
            of = self.chance.choice(self.posted)
            kind = {"authorization": "clearing"}.get(of.kind, of.kind)  # or the same once more
            self._post(of.model_copy(update={"kind": kind, "expires_at": None}))

    def _correct(self) -> None:
        """Two people raise or lower what was given, or give what was not."""
        given = self.world.redemptions("redemption_id, earned_at, transaction_id, customer_id, grant_id, completion")
        grants = self.world.rows("SELECT grant_id FROM grants ORDER BY grant_id")
        sam, ada = self.world.call("sam"), self.world.call("ada")
        if given and self.chance.random() < 0.5:
            change: Literal["raise", "lower"] = self.chance.choice(["raise", "lower"])
            redemption_id, amount = self.chance.choice(given)["redemption_id"], self.chance.randrange(1, 200)
            asked_for = corrections.request_adjustment(
                sam, AdjustmentAsked(redemption_id=redemption_id, change=change, amount=amount, reason="x")
            )
        elif grants and self.posted:
            transaction_id, grant_id = self.chance.choice(self.posted).transaction_id, self.chance.choice(grants)["grant_id"]
            asked_for = corrections.request_forced_redemption(
                sam,
                ForcedAsked(
                    grant_id=grant_id, transaction_id=transaction_id, reward=150, at=NOW, merchant_id="shop-1", amount=900, reason="x"
                ),
            )
        else:
            return
        corrections.approve_correction(ada, asked_for.correction_id, DecisionReason(reason="x"))

    def _until(self, kind: str) -> dict[str, Any]:
        return {"expires_at": self.clock.now() + self.chance.randrange(1, 600) * MINUTE} if kind == "authorization" else {}

    def _post(self, message: Transaction) -> None:
        self.posted.append(message)
        self.world.post(message)

    def _fold_again(self) -> None:
        places = emitted(self.world.call, PlacesTold)
        for place in places[self.places :]:
            redemptions.complete(self.world.call("redeem_cashback"), place)
        self.places = len(places)
        while changed := emitted(self.world.call, HistoriesChanged)[self.told :]:
            for event in changed:
                redemptions.refold(self.world.call("redeem_cashback"), event)
            self.told += len(changed)

    def _earlier(self, at_most: timedelta = 4 * DAY) -> datetime:
        return self.clock.now() - self.chance.random() * at_most

    def questions(self) -> Iterator[EligibilityAsked]:
        """About purchases made and not made, of each customer, under all offers and under one."""
        for customer_id in CUSTOMERS:
            yield asked(customer_id, at=self.clock.now())
            yield asked(customer_id, at=self._earlier(), amount=5000, location_id="l1")
            yield asked(customer_id, at=self.clock.now(), merchant_id=None, descriptor="BLUE CUP 123")
            for offer_id in self.offers[-2:]:
                yield asked(customer_id, offer_id, at=self._earlier(), transaction_id="t0")
        for made in self.chance.sample(self.posted, k=min(3, len(self.posted))):
            yield asked(str(made.customer_id), transaction_id=made.transaction_id, amount=made.amount, at=made.at)
            yield EligibilityAsked(transaction_id=made.transaction_id)


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.mark.parametrize("seed", SEEDS)
def test_asked_as_of_a_moment_the_answer_is_the_one_given_then(world: World, asker: Asker, clock: SimulatedClock, seed: int) -> None:
    life = begun(world, clock, seed)
    given: list[tuple[EligibilityAsked, Answer]] = []
    for _ in range(STEPS):
        life.step()
        asked_now = list(life.questions())
        given += zip([body.model_copy(update={"as_of": clock.now()}) for body in asked_now], asker.together(*asked_now), strict=True)
    clock.advance(clock.now() + 30 * DAY)
    again = asker.together(*(body for body, _ in given))
    for (body, then), now in zip(given, again, strict=True):
        assert comparable(now) == comparable(then), body
    assert any(isinstance(then, Eligibility) and then.verdicts for _, then in given)
    world.verify()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_told_to_have_been_decided_is_what_was_recorded(world: World, asker: Asker, clock: SimulatedClock, seed: int) -> None:
    life = begun(world, clock, seed)
    for _ in range(STEPS):
        life.step()
    every = "SELECT * FROM redemptions UNION ALL SELECT * FROM redemption_revisions"
    recorded = world.rows(f"SELECT transaction_id, recorded_at, sum(reward_minor) AS minor FROM ({every}) AS all_of GROUP BY 1, 2")
    sums = {(row["transaction_id"], row["recorded_at"]): row["minor"] for row in recorded}
    names = {message.transaction_id for message in life.posted if message.kind != "refund"}
    told = [found for found in asker.together(*(EligibilityAsked(transaction_id=name) for name in names)) if isinstance(found, Eligibility)]
    for record in (found.record for found in told):
        assert record
        assert sum(verdict.reward_minor for verdict in record.decided) == sums.get((record.transaction_id, record.recorded_at), 0), record
        assert record.differs or record.summary.endswith("the decision is the same.")
    assert told


def opts_out(life: Life) -> None:
    put(life.world.call, customer("ana", consent=False, consent_at=(NOW + MINUTE).isoformat()))


def moves(life: Life) -> None:
    put(life.world.call, customer("ana", zone="Asia/Tokyo"))


def corrects(life: Life) -> None:
    (grant,) = life.world.rows("SELECT grant_id FROM grants WHERE customer_id = 'ana'")
    forced = ForcedAsked(grant_id=grant["grant_id"], transaction_id="t1", reward=150, reason="x")
    asked_for = corrections.request_forced_redemption(life.world.call("sam"), forced)
    corrections.approve_correction(life.world.call("ada"), asked_for.correction_id, DecisionReason(reason="x"))


def named(life: Life) -> None:
    alias = {"kind": "acquirer", "merchant_id": "shop-1"}
    cup = {"merchant_id": "cup", "name": "Cup", "mcc": "5814", "aliases": [alias]}
    merchants.put_merchants(life.world.call(), json.dumps({"merchants": [cup]}).encode())
    life.world.post(purchase("t1", "ana", at=NOW + DAY))


def restates(life: Life) -> None:
    life.world.post(purchase("t1", "ana", at=NOW + DAY, amount=4000), file=FileOrigin(file_id="f", revision=2))


SINCE: dict[str, Callable[[Life], object]] = {
    "grant": lambda life: issue(life.world.call, life.offers[0], "ana", at=NOW - 2 * DAY),
    "opt_out": opts_out,
    "zone": moves,
    "others": lambda life: life.world.post(purchase("t0", "ana", at=NOW - DAY)),
    "campaign": lambda life: campaigns.pause_campaign(life.world.call("maya"), life.campaign, WHY),
    "withdrawal": lambda life: offers.withdraw_offer(life.world.call("maya"), life.offers[0], WHY),
    "refund": lambda life: life.world.post(purchase("r1", "ana", kind="refund", original_transaction_id="t1")),
    "correction": corrects,
    "match": named,
    "restated": restates,
}


@pytest.mark.parametrize("what", SINCE)
def test_what_became_known_since_is_told_in_words(world: World, asker: Asker, clock: SimulatedClock, what: str) -> None:
    life = begun(world, clock, seed=0)
    of_file = FileOrigin(file_id="f", revision=1) if what == "restated" else None
    world.post(purchase("t1", "ana", at=NOW + DAY), file=of_file)  # of tomorrow, so that a pause of today still matters
    clock.advance(NOW + MINUTE)
    SINCE[what](life)
    record = asker.one(EligibilityAsked(transaction_id="t1")).record
    assert record
    assert [(known.what, known.recorded_at) for known in record.known_since] == [(what, NOW + MINUTE)]
    assert record.known_since[0].told.endswith(".")
    assert "{" not in record.known_since[0].told
    assert record.differs == (what in {"opt_out", "campaign", "withdrawal", "refund", "grant", "correction"}), record.summary


def test_a_purchase_that_was_withdrawn_is_told_of_as_long_as_it_stood(world: World, asker: Asker, clock: SimulatedClock) -> None:
    begun(world, clock, seed=0)
    world.post(made := purchase("t1", "ana"), file=FileOrigin(file_id="f", revision=1))
    for minutes, revision in enumerate((2, 3, 4), 1):
        clock.advance(NOW + minutes * MINUTE)
        if revision == 3:
            world.post(made, file=FileOrigin(file_id="f", revision=revision))
        else:
            world.withdraw(FileOrigin(file_id="f", revision=revision), made)
    question = EligibilityAsked(transaction_id="t1")
    found = [asker.together(question.model_copy(update={"as_of": NOW + minutes * MINUTE}))[0] for minutes in range(4)]
    gone = "The purchase was withdrawn 2026-01-15"
    assert [isinstance(one, Eligibility) or str(one).startswith(gone) for one in found] == [True] * 4
    assert [isinstance(one, Eligibility) for one in found] == [True, False, True, False]
    assert isinstance(found[2], Eligibility)
    assert found[2].record
    assert found[2].record.recorded_at == NOW + 2 * MINUTE


def told_of(asker: Asker, transaction_id: str) -> list[tuple[str, datetime]]:
    """What was decided of a purchase's redemptions and done with their money, and when."""
    record = asker.one(EligibilityAsked(transaction_id=transaction_id)).record
    assert record
    return [(event.what, event.at) for event in record.events]


def test_a_purchase_that_was_matched_anew_tells_where_it_was_before_once_however_many_messages_tell_of_it(
    world: World, asker: Asker, clock: SimulatedClock
) -> None:
    life = begun(world, clock, seed=0)
    until = NOW + 2 * DAY
    messages = (
        purchase("t1", "ana", kind="authorization", expires_at=until, at=NOW + DAY),
        purchase("t1", "ana", kind="clearing", at=NOW + DAY),
    )
    world.post(*messages)
    clock.advance(NOW + MINUTE)
    named(life)
    world.post(*messages)
    told = "The purchase was matched to its merchant anew; it was shop-1 before."
    question = EligibilityAsked(transaction_id="t1")
    now, then = asker.one(question), asker.one(question.model_copy(update={"as_of": NOW}))
    assert now.record
    assert then.record
    assert [known.told for known in now.record.known_since if known.what == "match"] == [told]
    assert (now.merchant_id, then.merchant_id, then.record.known_since) == ("cup", "shop-1", [])


def test_a_redemption_that_an_earlier_purchase_takes_over_is_told_of_both(world: World, asker: Asker, clock: SimulatedClock) -> None:
    world.grant(world.offer(world.campaign(), qualification={"kind": "cumulative_spend", "threshold": 3000}), "ana")
    world.post(purchase("t1", "ana", at=NOW - 2 * DAY), purchase("t2", "ana", at=NOW - DAY))
    later = clock.advance(NOW + MINUTE)
    world.post(purchase("t0", "ana", at=NOW - 3 * DAY))
    assert told_of(asker, "t2") == [("earned", NOW), ("moved", later)]
    assert told_of(asker, "t1") == [("earned", later)]
    assert told_of(asker, "t0") == []


def test_what_was_paid_of_other_purchases_is_not_told(world: World, asker: Asker) -> None:
    world.grant(world.offer(world.campaign(), **PERCENT), "ana")
    world.post(purchase("t1", "ana", at=NOW - 2 * DAY), purchase("t2", "ana", at=NOW - DAY))
    (first,) = [row["redemption_id"] for row in world.redemptions("redemption_id, transaction_id") if row["transaction_id"] == "t1"]
    world.tick()
    payout.pay_due(world.call("pay_cashback"), PayoutsDue(shard=shard_of("ana", SHARDS), redemption_ids=[first]))
    assert told_of(asker, "t1") == [("earned", NOW), ("instructed", NOW)]
    assert told_of(asker, "t2") == [("earned", NOW)]


def test_what_an_offer_asks_is_what_was_known_then_though_another_version_is_in_force_now(
    world: World, asker: Asker, clock: SimulatedClock
) -> None:
    offer_id = world.offer(world.campaign(), scope={"include": {"merchants": ["shop-1"]}})
    world.grant(offer_id, "ana")
    clock.advance(NOW + MINUTE)
    world.revise(offer_id, scope={"include": {"merchants": ["shop-2"]}})
    question = asked("ana", at=NOW + DAY)
    assert asker.one(question).verdicts == []
    assert [verdict.eligible for verdict in asker.one(question.model_copy(update={"as_of": NOW})).verdicts] == [True]


def test_refund_that_was_matched_once_is_still_known_of_then(world: World, asker: Asker, clock: SimulatedClock) -> None:
    begun(world, clock, seed=0)
    world.post(purchase("t1", "ana", at=NOW - DAY))
    clock.advance(NOW + MINUTE)
    world.post(purchase("later", "ana", kind="refund", at=NOW))
    then = asker.one(EligibilityAsked(transaction_id="t1"))
    clock.advance(NOW + 2 * MINUTE)
    world.post(purchase("sooner", "ana", kind="refund", at=NOW - DAY / 2))  # and the first finds no purchase any more
    clock.advance(NOW + 400 * DAY)
    world.tick()
    assert then.record
    assert [known.what for known in then.record.known_since] == ["refund"]
    assert asker.one(EligibilityAsked(transaction_id="t1", as_of=then.as_of)) == then


def begun(world: World, clock: SimulatedClock, seed: int) -> Life:
    """A life in which both customers are known and hold an offer that needs an activation."""
    life = Life(world=world, clock=clock, chance=random.Random(seed), campaign=world.campaign(budget=1_500))
    put(world.call, *map(customer, CUSTOMERS))
    life.offers.append(world.offer(life.campaign, **TERMS["activated"]))
    issue(world.call, life.offers[0], *CUSTOMERS, at=NOW - 3 * DAY)
    return life


def comparable(answer: Answer) -> object:
    return answer.model_dump() if isinstance(answer, Eligibility) else (type(answer), str(answer))
