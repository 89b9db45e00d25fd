"""What a pot refused is history at once: the customer's limits and groups see it, whatever came together with it, before or after."""

import os
import random
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from events.payloads import HistoriesChanged, Transaction
from shared.corrections import service as corrections
from shared.corrections.api import DecisionReason, ForcedAsked
from shared.kernel.shards import shard_of
from shared.redemptions import service as redemptions
from tests.conftest import NOW, SHARDS, MakeCall
from tests.world import World, purchase

SEEDS = range(int(os.environ.get("CLO_SEEDS", "12")))
DAY: Final = timedelta(days=1)
CUSTOMERS: Final = ("ana", "ben")
OFFERS: Final[tuple[dict[str, Any], ...]] = (
    {"limits": {"reward_per_customer": 300, "budget_per_day": 200}},
    {"limits": {"redemptions_per_customer": 2, "budget_per_merchant": 400}},
    {"limits": {"per_period": [{"redemptions": 1, "per": "P2D", "kind": "rolling"}], "redemptions_total": 3}},
    {
        "stacking": {"group": "g"},
        "limits": {"budget_per_day": 400, "redemptions_per_customer": 3},
        "reward": {"kind": "fixed", "amount": 300},
    },
    {"stacking": {"group": "g"}, "limits": {"budget_per_day": 200, "reward_per_customer": 500}},
    {"stacking": {"group": "g"}, "qualification": {"kind": "cumulative_spend", "threshold": 2500}, "limits": {"redemptions_total": 2}},
)
"""Each refuses some purchases, and minds what was refused: by a limit of the customer's, or as one of a group."""


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


def give(world: World, *customers: str, budget: int = 100_000, **terms: Any) -> UUID:
    offer = world.offer(world.campaign(budget=budget), **{"repeat": True} | terms)
    world.grant(offer, *customers)
    return offer


def stands(world: World, offer: UUID, customer: str = "ana") -> dict[str, tuple[str, int]]:
    found = [one for one in world.redemptions() if (one["offer_id"], one["customer_id"]) == (offer, customer)]
    return {one["transaction_id"]: (one["state"], one["reward_minor"]) for one in found}


def fold_all_anew(world: World, offers: Iterable[UUID]) -> None:
    for customer in CUSTOMERS:
        pairs = [(customer, offer) for offer in offers]
        changed = HistoriesChanged(shard=shard_of(customer, SHARDS), pairs=pairs, why="a test")
        redemptions.refold(world.call("redeem_cashback"), changed)
    world.deliver()


@pytest.mark.parametrize(
    "limit",
    [
        {"reward_per_customer": 200},
        {"per_period": [{"redemptions": 1, "per": "P7D", "kind": "rolling"}]},
    ],
    ids=["reward", "period"],
)
@pytest.mark.parametrize("together", [True, False])
def test_what_was_refused_uses_up_no_limit_for_what_came_with_it(world: World, limit: dict[str, Any], *, together: bool) -> None:
    offer = give(world, *CUSTOMERS, limits=limit | {"budget_per_day": 200})
    world.post(purchase("first", "ben", at=NOW - DAY))
    bought = [purchase("t1", "ana", at=NOW - DAY), purchase("t2", "ana")]
    for batch in [bought] if together else [[one] for one in bought]:
        world.post(*batch)
        world.deliver()
    assert stands(world, offer) == {"t1": ("rejected", 0), "t2": ("payable", 200)}
    world.verify()


def test_a_late_purchase_that_is_refused_takes_nothing_from_a_later_one(world: World) -> None:
    offer = give(world, *CUSTOMERS, limits={"reward_per_customer": 200, "budget_per_day": 200})
    world.post(purchase("first", "ben", at=NOW - DAY))
    world.post(purchase("t2", "ana"))
    assert stands(world, offer) == {"t2": ("payable", 200)}
    world.post(purchase("t1", "ana", at=NOW - DAY))
    world.deliver()
    assert stands(world, offer) == {"t1": ("rejected", 0), "t2": ("payable", 200)}
    world.verify()


def test_a_refusal_that_is_mended_takes_the_purchase_back_from_the_next_in_line(world: World) -> None:
    """Two people let the first of the group pay after all: the one that stood in for it pays no more, at once."""
    better = give(world, *CUSTOMERS, stacking={"group": "g", "priority": 1}, limits={"budget_per_day": 200})
    other = give(world, *CUSTOMERS, stacking={"group": "g"})
    world.post(purchase("first", "ben"))
    world.post(purchase("t1", "ana"))
    world.deliver()
    assert (stands(world, better), stands(world, other)) == ({"t1": ("rejected", 0)}, {"t1": ("payable", 200)})

    world.revise(better, repeat=True, stacking={"group": "g", "priority": 1})  # there is money again
    grant = world.rows(f"SELECT grant_id FROM grants WHERE customer_id = 'ana' AND offer_id = '{better}'")[0]["grant_id"]
    body = ForcedAsked(grant_id=grant, transaction_id="t1", reward=200, reason="Promised")
    asked = corrections.request_forced_redemption(world.call("sam"), body)
    corrections.approve_correction(world.call("ada"), asked.correction_id, DecisionReason(reason="Yes"))
    world.deliver()
    assert (stands(world, better), stands(world, other)) == ({"t1": ("payable", 200)}, {"t1": ("reversed", 0)})
    world.verify()


def bought(chance: random.Random) -> list[Transaction]:
    """Purchases at two shops within four days; some are refunded."""
    made = []
    for number in range(14):
        at = NOW + timedelta(minutes=chance.randrange(-5_000, 900))
        one = purchase(
            f"t{number}", chance.choice(CUSTOMERS), at=at, amount=chance.randrange(900, 3_000), merchant_id=chance.choice(["a", "b"])
        )
        made.append(one)
        if chance.random() < 0.25:
            back = {"kind": "refund", "original_transaction_id": f"t{number}", "at": at + timedelta(hours=1)}
            made.append(one.model_copy(update={"transaction_id": f"r{number}", **back}))
    chance.shuffle(made)
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_more_follows_from_what_is_on_record(world: World, seed: int) -> None:
    """In whatever order and batches purchases came: folded anew, the histories with their refusals come to what is on record."""
    chance = random.Random(seed)
    offers = [give(world, *CUSTOMERS, budget=chance.choice([1_000, 100_000]), **terms) for terms in OFFERS]
    waiting = bought(chance)
    while waiting:
        batch, waiting = waiting[: (some := chance.randrange(1, 6))], waiting[some:]
        world.post(*batch)
    world.deliver()
    record = world.redemptions()
    assert {row["state"] for row in record} >= {"rejected", "payable"}
    fold_all_anew(world, offers)
    assert world.redemptions() == record
    world.verify()
