"""Purchases that fall under many offers each: grants are looked for only where there are any, and what comes of it is the same."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import pytest

from shared.audiences import desk
from shared.platform.call import Transaction
from shared.redemptions import store, taking
from tests.conftest import NOW, MakeCall
from tests.integration.audiences.builders import issue, put_all
from tests.world import World, purchase

BEFORE = NOW - timedelta(days=1)


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture(autouse=True)
def two_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "MANY", 1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, UUID]]:
    """The customers and offers whose grants were looked for."""
    asked: list[tuple[str, UUID]] = []
    read = store.read_grants

    def noted(tx: Transaction, pairs: Collection[tuple[str, UUID]]) -> object:
        asked.extend(pairs)
        return read(tx, pairs)

    monkeypatch.setattr(store, "read_grants", noted)
    return asked


def earned(world: World) -> list[tuple[str, UUID]]:
    return [(row["transaction_id"], row["offer_id"]) for row in world.redemptions() if row["state"] == "payable"]


def test_grants_are_looked_for_only_where_there_are_any(world: World, asked: list[tuple[str, UUID]]) -> None:
    campaign = world.campaign()
    mine, hers, _ = [world.offer(campaign) for _ in range(3)]
    world.grant(mine, "cust-1")
    world.grant(hers, "cust-2")

    world.post(purchase("t1"), purchase("u1", "cust-2"), purchase("v1", "cust-3"))

    assert sorted(asked) == [("cust-1", mine), ("cust-2", hers)]
    assert sorted(earned(world)) == [("t1", mine), ("u1", hers)]
    world.verify()


def test_with_few_offers_each_pair_is_looked_for(world: World, asked: list[tuple[str, UUID]]) -> None:
    offer = world.offer(world.campaign())
    world.post(purchase("t1"))
    assert asked == [("cust-1", offer)]


def test_later_grant_finds_the_purchase_under_its_offer(call: MakeCall, world: World) -> None:
    campaign = world.campaign()
    later, _ = world.offer(campaign), world.offer(campaign)
    put_all(call, "cust-1")
    world.post(purchase("t1"))
    assert earned(world) == []

    issue(call, later, "cust-1", at=BEFORE)
    world.deliver()

    assert earned(world) == [("t1", later)]


def test_revoked_grant_counts_until_it_was_revoked(call: MakeCall, world: World) -> None:
    campaign = world.campaign()
    offer, _ = world.offer(campaign), world.offer(campaign)
    world.grant(offer, "cust-1")
    desk.erase_customer(call(), "cust-1")

    world.post(purchase("late", at=NOW + timedelta(minutes=1)), purchase("early", at=BEFORE))

    assert earned(world) == [("early", offer)]


def test_clearing_and_refund_change_what_was_earned(world: World) -> None:
    campaign = world.campaign()
    offer, _ = world.offer(campaign), world.offer(campaign)
    world.grant(offer, "cust-1")
    world.post(purchase("t1"))
    assert earned(world) == [("t1", offer)]

    world.post(purchase("r1", kind="refund", original_transaction_id="t1"))

    assert earned(world) == []
    world.verify()


def test_refusals_are_counted_once_of_offers_that_are_held(world: World) -> None:
    campaign = world.campaign()
    offer, _ = world.offer(campaign), world.offer(campaign)
    world.grant(offer, "cust-1")
    for kind in ("authorization", "clearing"):
        world.post(purchase("t1", kind=kind, amount=500), purchase("u1", "cust-2", kind=kind, amount=500))
    assert world.rows("SELECT offer_id, reason, purchases FROM refusal_counts") == [
        {"offer_id": offer, "reason": "amount_below_threshold", "purchases": 1}
    ]
