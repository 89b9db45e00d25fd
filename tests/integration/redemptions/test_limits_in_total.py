"""A limit of redemptions in total holds for all of an offer's life, whichever of its versions brought it."""

from typing import Any

import pytest

from tests.conftest import MakeCall
from tests.world import World, amounts, purchase


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


def total(limit: int) -> dict[str, Any]:
    return {"limits": {"redemptions_total": limit}}


def buy(world: World, *customers: str) -> list[int]:
    for customer in customers:
        world.post(purchase(f"t-{customer}", customer))
    return sorted(amounts(world.redemptions()))


def test_a_limit_that_comes_later_counts_what_was_given_before(world: World) -> None:
    offer = world.offer(world.campaign())
    world.grant(offer, *"abcd")
    buy(world, "a", "b")
    world.revise(offer, **total(3))
    assert buy(world, "c", "d") == [0, 200, 200, 200]
    assert [row["reason"] for row in world.redemptions() if row["reason"]] == ["offer_limit_reached"]
    world.verify()


def test_a_budget_per_merchant_that_comes_later_counts_what_was_given_where_no_merchant_is_known(world: World) -> None:
    offer = world.offer(world.campaign())
    world.grant(offer, "a", "b")
    world.post(purchase("t1", "a", merchant_id=None, descriptor="BLUE CUP"))
    world.revise(offer, limits={"budget_per_merchant": 300})
    world.post(purchase("t2", "b", merchant_id=None, descriptor="GREEN CUP"))
    assert sorted(amounts(world.redemptions())) == [0, 200]
    assert [row["reason"] for row in world.redemptions() if row["reason"]] == ["merchant_budget_exhausted"]
    world.verify()


def test_a_limit_that_was_lifted_for_a_while_counts_what_was_given_meanwhile(world: World) -> None:
    offer = world.offer(world.campaign(), **total(10))
    world.grant(offer, *"abcd")
    buy(world, "a")
    world.revise(offer)
    buy(world, "b", "c")
    world.revise(offer, **total(3))
    assert buy(world, "d") == [0, 200, 200, 200]
    world.verify()


def test_a_limit_that_was_lowered_below_what_was_given_gives_no_more(world: World) -> None:
    offer = world.offer(world.campaign(), **total(10))
    world.grant(offer, *"abc")
    buy(world, "a", "b")
    world.revise(offer, **total(1))
    assert buy(world, "c") == [0, 200, 200]
    world.verify()
