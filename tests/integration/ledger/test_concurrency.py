"""A budget under many writers at once: not a cent too much is promised, nothing is lost, and nobody waits in a circle."""

import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import groupby
from threading import Barrier
from uuid import UUID

import pytest

from events.payloads import PayoutsDue, Transaction
from shared.campaigns import service as campaigns
from shared.campaigns.api import BudgetAsked
from shared.kernel.shards import shard_of
from shared.platform.locks import lock_shards
from shared.redemptions import payout
from tests.conftest import NOW, SHARDS, MakeCall
from tests.world import WHY, World, amounts, purchase

PATIENCE_SECONDS = 60
WRITERS = 8
RACERS = 50


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


def all_at_once(works: Iterable[Callable[[], object]]) -> None:
    """Do all of it at the same moment, each in a thread of its own; an error of any (a deadlock too) is raised."""
    works = list(works)
    together = Barrier(len(works), timeout=PATIENCE_SECONDS)

    def begin(work: Callable[[], object]) -> None:
        together.wait()
        work()

    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(begin, work) for work in works]:
            done.result(timeout=PATIENCE_SECONDS)


def customers(shard: int, most: int) -> list[str]:
    """So many customers of one shard."""
    found = (name for name in (f"c{number}" for number in range(10_000)) if shard_of(name, SHARDS) == shard)
    return [next(found) for _ in range(most)]


def batch(name: str, shard: int, size: int) -> list[Transaction]:
    """A purchase of each of so many customers of a shard, a second apart, each larger than the one before."""
    return [
        purchase(f"{name}-{place}", customer, at=NOW + timedelta(seconds=place), amount=1_000 + 37 * place)
        for place, customer in enumerate(customers(shard, size))
    ]


def refused(world: World) -> list[str]:
    return [row["reason"] for row in world.redemptions() if row["state"] == "rejected"]


@pytest.mark.parametrize("budget", [0, 1, 7_331, 20_000, 10**9])
def test_eight_writers_never_overspend_one_pot(world: World, budget: int) -> None:
    campaign = world.campaign(budget=max(budget, 1))
    offer = world.offer(campaign, reward={"kind": "percent", "basis_points": 1_000}, repeat=True)
    world.grant(offer, *(name for shard in range(SHARDS) for name in customers(shard, 20)))

    def write(writer: int) -> None:
        for turn in range(2):
            world.post(*batch(f"t{turn}-{writer}", writer % SHARDS, 20), key=f"{turn}-{writer}")

    all_at_once(partial(write, writer) for writer in range(WRITERS))
    spent = sum(amounts(world.redemptions()))
    wanted = sum(row["wanted_minor"] for row in world.redemptions())
    assert len(world.redemptions()) == 2 * 20 * WRITERS
    assert world.available(campaign) == max(budget, 1) - spent >= 0
    assert (spent == wanted) == (budget == 10**9)
    assert set(refused(world)) <= {"budget_exhausted"}
    world.verify()


def test_each_batch_is_served_in_the_order_of_earning_whoever_else_writes(world: World) -> None:
    campaign = world.campaign(budget=6_000)
    world.grant(world.offer(campaign), *(name for shard in range(SHARDS) for name in customers(shard, 30)))
    all_at_once(partial(world.post, *batch(f"t{shard}", shard, 30), key=str(shard)) for shard in range(SHARDS))
    by_shard = sorted(world.redemptions(), key=lambda row: (shard_of(row["customer_id"], SHARDS), row["earned_at"]))
    for _, rows in groupby(by_shard, key=lambda row: shard_of(row["customer_id"], SHARDS)):
        admitted = [row["reward_minor"] > 0 for row in rows]
        assert admitted == sorted(admitted, reverse=True)
    assert world.available(campaign) == 0
    world.verify()


@pytest.mark.parametrize("left", [0, 1, 7])
def test_fifty_race_for_the_last_of_a_budget(world: World, left: int) -> None:
    """So many get the reward as the budget holds, each all of it, and the others are told why not."""
    campaign = world.campaign(budget=200 * left + 199)
    names = [f"racer-{number}" for number in range(RACERS)]
    world.grant(world.offer(campaign), *names)
    all_at_once(partial(world.post, purchase(f"t-{name}", name), key=name) for name in names)
    assert sorted(amounts(world.redemptions())) == [0] * (RACERS - left) + [200] * left
    assert refused(world) == ["budget_exhausted"] * (RACERS - left)
    assert world.available(campaign) == 199
    world.verify()


def test_fifty_race_for_the_last_redemptions_of_an_offer(world: World) -> None:
    campaign = world.campaign()
    names = [f"racer-{number}" for number in range(RACERS)]
    world.grant(world.offer(campaign, limits={"redemptions_total": 11}), *names)
    all_at_once(partial(world.post, purchase(f"t-{name}", name), key=name) for name in names)
    assert sorted(amounts(world.redemptions())) == [0] * (RACERS - 11) + [200] * 11
    assert refused(world) == ["offer_limit_reached"] * (RACERS - 11)
    assert world.rows("SELECT redemptions FROM offer_pots") == [{"redemptions": 11}]
    world.verify()


def test_batches_over_several_pots_in_any_order_wait_in_no_circle(world: World) -> None:
    pots = [world.campaign(budget=4_000, name=f"Pot {number}") for number in range(5)]
    shops = {campaign: f"shop-{number}" for number, campaign in enumerate(pots)}
    for campaign, shop in shops.items():
        offer = world.offer(campaign, scope={"include": {"merchants": [shop]}}, limits={"redemptions_total": 15}, repeat=True)
        world.grant(offer, *(name for shard in range(SHARDS) for name in customers(shard, 3)))
    chance = random.Random(7)

    def write(writer: int, order: list[str]) -> None:
        for turn, shop in enumerate(order):
            mixed = [shop, *chance.sample(list(shops.values()), k=3)]
            for place, customer in enumerate(customers(writer % SHARDS, 3)):
                world.post(*(purchase(f"{writer}-{turn}-{place}-{n}", customer, merchant_id=to) for n, to in enumerate(mixed)),
                           key=f"{writer}-{turn}-{place}")  # fmt: skip

    orders = [chance.sample(list(shops.values()), k=len(shops)) for _ in range(WRITERS)]
    all_at_once(partial(write, writer, order) for writer, order in enumerate(orders))
    totals = {row["offer_id"]: row["redemptions"] for row in world.rows("SELECT * FROM offer_pots")}
    assert all(0 <= world.available(campaign) == 4_000 - 200 * given for campaign, given in _given(world, pots).items())
    assert sum(totals.values()) == sum(_given(world, pots).values())
    assert max(totals.values()) <= 15
    world.verify()


def _given(world: World, pots: list[UUID]) -> dict[UUID, int]:
    rows = world.redemptions()
    return {campaign: sum(row["campaign_id"] == campaign and row["reward_minor"] > 0 for row in rows) for campaign in pots}


def test_paying_redeeming_revising_and_topping_up_at_once_leave_the_books_right(world: World, call: MakeCall) -> None:
    campaign = world.campaign(budget=3_000)
    terms = {"reward": {"kind": "percent", "basis_points": 1_000}, "qualification": {"kind": "cumulative_spend", "threshold": 3_000}}
    offer = world.offer(campaign, **terms)
    members = {shard: customers(shard, 5) for shard in range(SHARDS)}
    world.grant(offer, *(name for names in members.values() for name in names))
    for shard, names in members.items():
        world.post(*(purchase(f"first-{name}", name, amount=5_000) for name in names), key=f"first-{shard}")
    due = {shard: [row["redemption_id"] for row in world.redemptions() if row["customer_id"] in names] for shard, names in members.items()}

    def revise(shard: int) -> None:
        for name in members[shard]:
            world.post(purchase(f"early-{name}", name, at=NOW - timedelta(hours=1), amount=3_000), key=f"early-{name}")

    def pay(shard: int) -> None:
        for turn in range(3):
            payout.pay_due(call("pay_cashback", key=f"pay-{shard}-{turn}"), PayoutsDue(shard=shard, redemption_ids=due[shard]))

    def top_up() -> None:
        for _ in range(5):
            campaigns.request_budget(call("maya"), campaign, BudgetAsked(amount=100, reason="More"))
            campaigns.approve_budget(call("omar"), campaign, WHY)

    all_at_once([*(partial(work, shard) for shard in range(SHARDS) for work in (revise, pay)), top_up])
    rewards = sum(amounts(world.redemptions()))
    assert world.available(campaign) == 3_500 - rewards >= 0
    credited = {row["redemption_id"]: row["amount_minor"] for row in world.rows("SELECT * FROM statement_credits")}
    assert all(row["paid_minor"] == credited.get(row["redemption_id"], 0) for row in world.redemptions())
    world.confirm()
    given = [row for row in world.redemptions() if row["state"] != "rejected"]
    assert all((row["state"] == "paid") == (row["reward_minor"] <= row["paid_minor"]) for row in given)
    world.verify()


@pytest.mark.parametrize("what", ["redeem", "pay"])
def test_who_changes_histories_of_a_shard_waits_for_who_is_at_it(world: World, call: MakeCall, what: str) -> None:
    """Else a fold could overlook what was paid, or a payment what was folded."""
    world.grant(world.offer(world.campaign(), repeat=True), "cust-1")
    world.post(purchase("t1"))
    shard = shard_of("cust-1", SHARDS)
    due = PayoutsDue(shard=shard, redemption_ids=[row["redemption_id"] for row in world.redemptions()])
    works = {"redeem": lambda: world.post(purchase("t2")), "pay": lambda: payout.pay_due(call("pay_cashback"), due)}
    with ThreadPoolExecutor(1) as pool:
        with call().transaction() as tx:
            lock_shards(tx, [shard])
            waiting = pool.submit(works[what])
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
        waiting.result(timeout=PATIENCE_SECONDS)
    assert [(row["state"], row["reward_minor"]) for row in world.redemptions()] == {
        "redeem": [("payable", 200), ("payable", 200)],
        "pay": [("payable", 200)],
    }[what]


def test_the_same_event_delivered_by_many_at_once_counts_once(world: World) -> None:
    campaign = world.campaign()
    world.grant(world.offer(campaign, repeat=True), "cust-1")
    all_at_once(partial(world.post, purchase("t1"), key=f"delivery-{turn}") for turn in range(WRITERS))
    assert amounts(world.redemptions()) == [200]
    assert world.available(campaign) == 99_800
    world.verify()
