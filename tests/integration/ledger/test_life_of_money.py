"""The life of money on real PostgreSQL: whatever is done in whatever order, the books hold and say what a plain model expects.

The model knows two offers of one campaign and nothing of the code: `each` pays 10 % of every purchase of ten dollars or more, at most three
times a customer; `once` pays 5 % of the running sum when it first passes forty dollars, held for a day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from events.payloads import HistoriesChanged, PayoutsDue, Transaction
from shared.campaigns import service as campaigns
from shared.campaigns.api import BudgetAsked
from shared.kernel.clock import SimulatedClock
from shared.kernel.errors import Conflict, SelfApproval
from shared.kernel.shards import shard_of
from shared.ledger import service as ledger
from shared.platform.call import Call, Caller, Once, Replayed
from shared.platform.database import Database
from shared.redemptions import payout
from shared.redemptions import service as redemptions
from tests.conftest import NOW, SHARDS
from tests.world import WHY, World, purchase

CUSTOMERS = ("ana", "ben", "cleo", "dora")
NUMBERS = count()
"""Each example has a campaign, merchant, customers and purchases of its own, so that the tables need no emptying."""
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
EACH, ONCE = "each", "once"
TERMS: dict[str, dict[str, Any]] = {
    EACH: {"reward": {"kind": "percent", "basis_points": 1_000}, "repeat": True, "limits": {"redemptions_per_customer": 3}},
    ONCE: {
        "reward": {"kind": "percent", "basis_points": 500, "rounding": "down"},
        "qualification": {"kind": "cumulative_spend", "threshold": 4_000, "operator": ">"},
        "hold_days": 1,
    },
}
BOUGHT = st.lists(st.tuples(st.sampled_from(CUSTOMERS), st.integers(500, 6_000), st.integers(0, 600)), min_size=2, max_size=8)
Key = tuple[str, str, str]
"""Offer, customer, completion."""


def named(one: Transaction) -> str:
    """The customer that a purchase names."""
    assert one.customer_id
    return one.customer_id


@dataclass(kw_only=True)
class Earned:
    """One completion as the model has it: by which purchase, what it is worth, what was admitted and paid of it."""

    by: tuple[datetime, str]
    worth: int
    payable_at: datetime
    admitted: int = 0
    rejected: bool = False
    paid: int = 0


@dataclass(kw_only=True)
class Model:
    """What money should have done, reckoned anew from all purchases each time."""

    left: int
    approved: int
    grants: dict[tuple[str, str], UUID]
    purchases: dict[str, dict[str, tuple[datetime, int]]] = field(default_factory=dict)
    pauses: list[list[datetime | None]] = field(default_factory=list)
    revoked: dict[tuple[str, str], datetime] = field(default_factory=dict)
    record: dict[Key, Earned] = field(default_factory=dict)

    def take(self, bought: list[Transaction]) -> None:
        """Purchases of one batch."""
        self.reckon({named(one) for one in bought if self._is_new(one)})

    def reckon(self, touched: set[str]) -> None:
        """The histories of customers are reckoned anew, and what changed is admitted in the order in which it was earned."""
        wanted = {key: earned for customer in touched for key, earned in self._earned(customer)}
        self._give_back(touched, wanted)
        asking = [key for key in wanted if self._asks(key, wanted[key])]
        closed = False
        for key in sorted(asking, key=lambda key: (*wanted[key].by, self.grants[key[:2]], key[2])):
            has = self.record.get(key) or Earned(by=wanted[key].by, worth=0, payable_at=wanted[key].payable_at)
            more = wanted[key].worth - has.admitted
            closed = closed or more > self.left
            if closed:
                admitted, rejected = has.admitted, has.admitted == 0
            else:
                admitted, rejected = wanted[key].worth, False
                self.left -= more
            self._note(key, wanted[key], admitted=admitted, rejected=rejected)

    def pay(self, now: datetime) -> None:
        for earned in self.record.values():
            if earned.payable_at <= now:
                earned.paid = max(earned.paid, earned.admitted)

    def _is_new(self, one: Transaction) -> bool:
        at, amount = one.at, int(one.amount)
        if any(one.transaction_id in history for history in self.purchases.values()):
            return False
        self.purchases.setdefault(named(one), {})[one.transaction_id] = (at, amount)
        return True

    def _earned(self, customer: str) -> Iterator[tuple[Key, Earned]]:
        mine, total = list[str](), 0
        for at, name, amount in sorted((at, name, amount) for name, (at, amount) in self.purchases.get(customer, {}).items()):
            if any(start <= at and (end is None or at < end) for start, end in self.pauses if start):
                continue
            limit = 3 + sum(self._is_rejected((EACH, customer, earlier)) for earlier in mine)
            if amount >= 1_000 and len(mine) < limit and self._holds(EACH, customer, at):
                mine.append(name)
                yield (EACH, customer, name), Earned(by=(at, name), worth=(amount + 5) // 10, payable_at=at)
            if self._holds(ONCE, customer, at):
                if total <= 4_000 < total + amount:
                    yield (ONCE, customer, "1"), Earned(by=(at, name), worth=(total + amount) // 20, payable_at=at + DAY)
                total += amount

    def _holds(self, offer: str, customer: str, at: datetime) -> bool:
        return (offer, customer) not in self.revoked or at < self.revoked[offer, customer]

    def _is_rejected(self, key: Key) -> bool:
        return key in self.record and self.record[key].rejected

    def _give_back(self, customers: set[str], wanted: dict[Key, Earned]) -> None:
        for key in [key for key in self.record if key[1] in customers and key not in wanted]:
            gone = self.record[key]
            self.left += gone.admitted
            gone.worth, gone.admitted, gone.rejected = 0, 0, False
        for key, earned in wanted.items():
            if not self._asks(key, earned):
                has = self.record[key]
                admitted = 0 if has.rejected else earned.worth if self._differs(key, earned) else has.admitted
                self.left += has.admitted - admitted
                self._note(key, earned, admitted=admitted, rejected=has.rejected)

    def _asks(self, key: Key, earned: Earned) -> bool:
        """Whether the pot is asked for something: a new completion, or one that is worth more than it has, if anything of it changed."""
        has = self.record.get(key)
        return has is None or (not has.rejected and earned.worth > has.admitted and self._differs(key, earned))

    def _differs(self, key: Key, earned: Earned) -> bool:
        has = self.record[key]
        return (has.by, has.worth) != (earned.by, earned.worth)

    def _note(self, key: Key, earned: Earned, *, admitted: int, rejected: bool) -> None:
        paid = self.record[key].paid if key in self.record else 0
        self.record[key] = Earned(
            by=earned.by, worth=earned.worth, payable_at=earned.payable_at, admitted=admitted, rejected=rejected, paid=paid
        )


class LifeOfMoney(RuleBasedStateMachine):
    """Does to a campaign all that can be done, and holds the books to the model after each step."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.clock = SimulatedClock(NOW)
        self.number = next(NUMBERS)
        self.world = World(self.call)
        self.merchant = f"shop-{self.number}"
        self.posted: list[tuple[str, list[Transaction]]] = []
        self.asked: int | None = None
        self.paused = False

    def call(self, subject: str = "maya", *, key: str | None = None, said: bytes = b"", consumer: str = "test") -> Call:
        once = Once(consumer=consumer, source=f"{subject}-{self.number}", key=key, input_hash=said) if key else None
        return Call(caller=Caller(subject=subject), clock=self.clock, database=self.database, shards=SHARDS, once=once)

    @initialize(budget=st.sampled_from([300, 1_500, 6_000, 20_000]), bought=BOUGHT)
    def begin(self, budget: int, bought: list[tuple[str, int, int]]) -> None:
        self.campaign = self.world.campaign(budget=budget)
        scope = {"include": {"merchants": [self.merchant]}}
        self.offers = {name: self.world.offer(self.campaign, scope=scope, **terms) for name, terms in TERMS.items()}
        given = {name: self.world.grant(offer, *map(self._name, CUSTOMERS)) for name, offer in self.offers.items()}
        grants = {(name, self._name(customer)): grant for name in given for customer, grant in zip(CUSTOMERS, given[name], strict=True)}
        self.model = Model(left=budget, approved=budget, grants=grants)
        self.buy(bought)

    @rule(bought=BOUGHT)
    def buy(self, bought: list[tuple[str, int, int]]) -> None:
        """Purchases, some of them hours late."""
        key = f"batch-{len(self.posted)}"
        made = [
            purchase(f"p{self.number}.{len(self.posted)}.{place}", self._name(customer), at=self.clock.now() - late * MINUTE, amount=amount,
                     merchant_id=self.merchant)
            for place, (customer, amount, late) in enumerate(bought)
        ]  # fmt: skip
        self._post(key, made)
        self.posted.append((key, made))

    @rule(data=st.data())
    def deliver_an_event_again(self, data: st.DataObject) -> None:
        key, made = data.draw(st.sampled_from(self.posted))
        for shard in dict.fromkeys(shard_of(named(one), SHARDS) for one in made):
            with pytest.raises(Replayed):
                self.world.post(*(one for one in made if shard_of(named(one), SHARDS) == shard), key=key)

    @rule(data=st.data(), amount=st.integers(7_000, 9_000))
    def repeat_purchases_and_contradict_one(self, data: st.DataObject, amount: int) -> None:
        made = data.draw(st.sampled_from(self.posted))[1]
        self._post(None, [*made, made[0].model_copy(update={"amount": amount})])

    @precondition(lambda self: self.asked is None)
    @rule(amount=st.integers(1, 2_000))
    def ask_for_more(self, amount: int) -> None:
        campaigns.request_budget(self.call("maya"), self.campaign, BudgetAsked(amount=amount, reason="More"))
        self.asked = amount

    @precondition(lambda self: self.asked is not None)
    @rule(approved=st.booleans())
    def decide(self, approved: bool) -> None:  # noqa: FBT001
        assert self.asked is not None
        decide = campaigns.approve_budget if approved else campaigns.reject_budget
        with pytest.raises(SelfApproval):
            decide(self.call("maya"), self.campaign, WHY)
        decide(self.call("omar"), self.campaign, WHY)
        self.model.left += self.asked if approved else 0
        self.model.approved += self.asked if approved else 0
        self.asked = None

    @rule()
    def pause_or_resume(self) -> None:
        (wrong, right) = (campaigns.pause_campaign, campaigns.resume_campaign)
        if not self.paused:
            wrong, right = right, wrong
        with pytest.raises(Conflict):
            wrong(self.call("maya"), self.campaign, WHY)
        right(self.call("maya"), self.campaign, WHY)
        if self.paused:
            self.model.pauses[-1][1] = self.clock.now()
        else:
            self.model.pauses.append([self.clock.now(), None])
        self.paused = not self.paused

    @rule(customer=st.sampled_from(CUSTOMERS), offer=st.sampled_from(sorted(TERMS)), late=st.integers(0, 600))
    def revoke_or_restore_a_grant(self, customer: str, offer: str, late: int) -> None:
        """A revocation may reach back: completions vanish, and come back when it was a mistake."""
        whose = (offer, self._name(customer))
        if whose in self.model.revoked:
            del self.model.revoked[whose]
        else:
            self.model.revoked[whose] = self.clock.now() - late * MINUTE
        with self.call("desk").transaction() as tx:
            tx.connection.execute(
                "UPDATE grants SET revoked_at = %s WHERE grant_id = %s", (self.model.revoked.get(whose), self.model.grants[whose])
            )
        shard = shard_of(whose[1], SHARDS)
        redemptions.refold(
            self.call("redeem_cashback"), HistoriesChanged(shard=shard, pairs=[(whose[1], self.offers[offer])], why="revoked")
        )
        self.model.reckon({whose[1]})

    @rule(minutes=st.integers(1, 2_000))
    def wait(self, minutes: int) -> None:
        self.clock.advance(self.clock.now() + minutes * MINUTE)

    @rule()
    def pay(self) -> None:
        """All that is due is released and paid; asking for payment of what is not due, or again, does nothing."""
        with self.call("schedule").transaction() as tx:
            payout.emit_due(tx, SHARDS)
        by_shard: dict[int, list[UUID]] = {}
        for row in self._redemptions():
            by_shard.setdefault(shard_of(row["customer_id"], SHARDS), []).append(row["redemption_id"])
        for shard, redemption_ids in by_shard.items():
            for _ in range(2):
                payout.pay_due(self.call("pay_cashback"), PayoutsDue(shard=shard, redemption_ids=redemption_ids))
        self.model.pay(self.clock.now())

    @invariant()
    def books_hold(self) -> None:
        assert ledger.verify(self.call("auditor")) == []

    @invariant()
    def books_say_what_the_model_expects(self) -> None:
        if not hasattr(self, "model"):
            return
        names = {offer: name for name, offer in self.offers.items()}
        found = {
            (names[row["offer_id"]], row["customer_id"], row["completion"]): (
                row["wanted_minor"], row["reward_minor"], row["state"] == "rejected", row["paid_minor"],
            )
            for row in self._redemptions()
        }  # fmt: skip
        assert found == {key: (e.worth, e.admitted, e.rejected, e.paid) for key, e in self.model.record.items()}
        assert self.world.available(self.campaign) == self.model.left

    @invariant()
    def money_adds_up(self) -> None:
        if not hasattr(self, "model"):
            return
        rows = self.world.rows(f"SELECT step, sum(amount_minor) AS minor FROM postings WHERE campaign_id = '{self.campaign}' GROUP BY step")
        steps = {row["step"]: int(row["minor"]) for row in rows}
        spent = steps.get("post", 0) - steps.get("reverse", 0)
        found = self._redemptions()
        assert steps["approve"] == self.model.approved
        assert sum(row["reward_minor"] for row in found) == spent <= self.model.approved
        assert sum(row["paid_minor"] for row in found) == steps.get("instruct", 0) <= steps.get("post", 0)
        assert steps.get("reserve", 0) == steps.get("post", 0)

    def _post(self, key: str | None, made: list[Transaction]) -> None:
        self.world.post(*made, key=key)
        for shard in dict.fromkeys(shard_of(named(one), SHARDS) for one in made):
            self.model.take([one for one in made if shard_of(named(one), SHARDS) == shard])

    def _redemptions(self) -> list[dict[str, Any]]:
        return self.world.rows(f"SELECT * FROM redemptions WHERE campaign_id = '{self.campaign}'")

    def _name(self, customer: str) -> str:
        return f"{customer}-{self.number}"


@pytest.fixture
def machine(database: Database) -> type[LifeOfMoney]:
    class OnTheTestsDatabase(LifeOfMoney):
        pass

    OnTheTestsDatabase.database = database
    return OnTheTestsDatabase


def test_the_books_hold_and_say_what_is_expected_whatever_is_done(machine: type[LifeOfMoney]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20, stateful_step_count=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
        ),
    )
