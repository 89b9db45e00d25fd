"""Whatever the order in which history arrives, and however often, it ends in the same state."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from events.payloads import HistoriesChanged
from shared.kernel.shards import shard_of
from shared.redemptions import service as redemptions
from tests.conftest import NOW, SHARDS, MakeCall
from tests.world import World, purchase

SEEDS = range(12)
CUSTOMERS = ("ana", "ben", "cleo")
OFFERS: dict[str, dict[str, Any]] = {
    "single": {"reward": {"kind": "percent", "basis_points": 700, "cap": 150}, "limits": {"redemptions_per_customer": 2}, "repeat": True},
    "cumulative": {"qualification": {"kind": "cumulative_spend", "threshold": 4000, "operator": ">"}},
    "repeated": {"qualification": {"kind": "cumulative_spend", "threshold": 2500}, "repeat": True},
    "activated": {"activation": "required", "limits": {"reward_per_customer": 500}, "repeat": True},
}


@pytest.fixture
def world(call: MakeCall) -> World:
    """A small world."""
    return World(call)


@dataclass(frozen=True, kw_only=True, order=True)
class Fact:
    """A purchase, or (with no amount) an activation."""

    at: datetime
    customer: str
    number: int = 0
    amount: int = 0


@dataclass(frozen=True, kw_only=True)
class Round:
    """Offers and a merchant of their own, so that two rounds in one database don't meet."""

    offers: dict[str, UUID]
    merchant: str


@pytest.mark.parametrize("seed", SEEDS)
def test_shuffled_and_repeated_histories_end_in_the_same_state(world: World, seed: int) -> None:
    chance = random.Random(seed)
    ordered, shuffled = _round(world, "ordered"), _round(world, "shuffled")
    facts = _facts(chance)
    for fact in facts:
        _arrive(world, ordered, fact)
    again = facts + chance.sample(facts, k=len(facts) // 2)
    chance.shuffle(again)
    for fact in again:
        _arrive(world, shuffled, fact)
    assert _state(world, ordered) == _state(world, shuffled)
    assert _state(world, ordered) != []
    world.verify()


def _round(world: World, merchant: str) -> Round:
    campaign = world.campaign(budget=10_000_000)
    offers = {name: world.offer(campaign, scope={"include": {"merchants": [merchant]}}, **values) for name, values in OFFERS.items()}
    for offer in offers.values():
        for turn in range(2):
            world.grant(offer, *CUSTOMERS, at=NOW - timedelta(days=2, hours=turn), turn=turn)
    return Round(offers=offers, merchant=merchant)


def _facts(chance: random.Random) -> list[Fact]:
    """Purchases and activations, in the order in which they happened."""

    def moment(latest: int) -> datetime:
        return NOW + timedelta(minutes=chance.randrange(-2900, latest))

    purchases = [
        Fact(at=moment(600), customer=chance.choice(CUSTOMERS), number=number, amount=chance.randrange(500, 4000)) for number in range(14)
    ]
    return sorted(purchases + [Fact(at=moment(300), customer=customer) for customer in CUSTOMERS])


def _arrive(world: World, where: Round, fact: Fact) -> None:
    if fact.amount:
        name = f"{where.merchant}-{fact.number}"
        world.post(purchase(name, fact.customer, at=fact.at, amount=fact.amount, merchant_id=where.merchant))
    else:
        _activate(world, where.offers["activated"], fact)


def _activate(world: World, offer: UUID, fact: Fact) -> None:
    """An activation as it reaches the fold: the fact, and the event that tells of it."""
    with world.call("wallet").transaction() as tx:
        tx.connection.execute(
            "UPDATE grants SET activated_at = least(activated_at, %s) WHERE offer_id = %s AND customer_id = %s",
            (fact.at, offer, fact.customer),
        )
    changed = HistoriesChanged(shard=shard_of(fact.customer, SHARDS), pairs=[(fact.customer, offer)], why="activated")
    redemptions.refold(world.call("redeem_cashback"), changed)


def _state(world: World, where: Round) -> list[tuple[object, ...]]:
    """What is on record, without ids and counters that tell of the way there."""
    names = {offer: name for name, offer in where.offers.items()}
    facts = ("customer_id", "ordinal", "earned_at", "reward_minor", "state", "qualifying_minor")
    return sorted(
        (names[row["offer_id"]], row["transaction_id"].removeprefix(where.merchant), *(row[fact] for fact in facts))
        for row in world.redemptions()
        if row["offer_id"] in names and row["state"] != "reversed"
    )
