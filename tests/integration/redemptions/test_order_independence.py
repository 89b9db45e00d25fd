"""Whatever the order in which history arrives, and however often, it ends in the same state."""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from events.payloads import HistoriesChanged, Transaction
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


@pytest.mark.parametrize("seed", SEEDS)
def test_shuffled_and_repeated_histories_end_in_the_same_state(world: World, seed: int) -> None:
    chance = random.Random(seed)
    ordered, shuffled = (_offers_with_grants(world) for _ in range(2))
    facts = _facts(chance)
    _arrive(world, ordered, facts)
    again = facts + chance.sample(facts, k=len(facts) // 2)
    chance.shuffle(again)
    _arrive(world, shuffled, again)
    assert _state(world, ordered) == _state(world, shuffled)
    assert _state(world, ordered) != []
    world.verify()


def _offers_with_grants(world: World) -> dict[str, UUID]:
    """Each round has merchants of its own, so that two rounds in one database don't meet."""
    campaign = world.campaign(budget=10_000_000)
    merchant = f"shop-{campaign.hex}"
    offers = {name: world.offer(campaign, scope={"include": {"merchants": [merchant]}}, **values) for name, values in OFFERS.items()}
    for offer in offers.values():
        for turn in range(2):
            world.grant(offer, *CUSTOMERS, at=NOW - timedelta(days=2, hours=turn), turn=turn)
    offers["merchant"] = campaign
    return offers


def _facts(chance: random.Random) -> list[tuple[str, Any]]:
    """Purchases and activations, in the order in which they happened."""
    purchases = [
        (NOW + timedelta(minutes=chance.randrange(-3000, 600)), ("purchase", (number, chance.choice(CUSTOMERS), chance.randrange(500, 4000))))
        for number in range(14)
    ]
    activations = [(NOW + timedelta(minutes=chance.randrange(-2900, 300)), ("activate", customer)) for customer in CUSTOMERS]
    return [(kind, (at, what)) for at, (kind, what) in sorted(purchases + activations, key=str)]


def _arrive(world: World, offers: dict[str, UUID], facts: list[tuple[str, Any]]) -> None:
    merchant = f"shop-{offers['merchant'].hex}"
    for kind, (at, what) in facts:
        if kind == "purchase":
            number, customer, amount = what
            name = f"{merchant}-{number}"
            world.post(_purchase(name, customer, at, amount, merchant))
        else:
            _activate(world, offers["activated"], what, at)


def _purchase(name: str, customer: str, at: Any, amount: int, merchant: str) -> Transaction:
    return purchase(name[-60:], customer, at=at, amount=amount, merchant_id=merchant)


def _activate(world: World, offer: UUID, customer: str, at: Any) -> None:
    """An activation as it reaches the fold: the fact, and the event that tells of it."""
    with world.call("wallet").transaction() as tx:
        tx.connection.execute(
            "UPDATE grants SET activated_at = least(activated_at, %s) WHERE offer_id = %s AND customer_id = %s", (at, offer, customer)
        )
    changed = HistoriesChanged(shard=shard_of(customer, SHARDS), pairs=[(customer, offer)], why="activated")
    redemptions.refold(world.call("redeem_cashback"), changed)


def _state(world: World, offers: dict[str, UUID]) -> list[tuple[Any, ...]]:
    """What is on record and what is left, without ids and counters that tell of the way there."""
    merchant = f"shop-{offers['merchant'].hex}"
    names = {offer: name for name, offer in offers.items()}
    found = world.redemptions()
    return sorted(
        (names[row["offer_id"]], row["customer_id"], row["ordinal"], row["earned_at"], row["reward_minor"], row["state"], row["qualifying_minor"],
         row["transaction_id"].removeprefix(merchant[-60:]).rpartition("-")[2])
        for row in found
        if row["offer_id"] in names and row["state"] != "reversed"
    )  # fmt: skip
