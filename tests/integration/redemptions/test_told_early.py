"""Purchases that are told before their moment are judged by what was decided until then, as if they had been told in time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest

from events.payloads import HistoriesChanged
from shared.campaigns import service as campaigns
from shared.kernel.clock import SimulatedClock
from shared.offers import service as offers
from shared.redemptions import early
from tests.conftest import NOW, MakeCall
from tests.integration.audiences.builders import emitted
from tests.world import WHY, World, amounts, purchase

HOUR: Final = timedelta(hours=1)
DECIDED: Final[dict[str, Callable[[World, UUID, UUID], object]]] = {
    "paused": lambda world, campaign, offer: campaigns.pause_campaign(world.call(), campaign, WHY),
    "cancelled": lambda world, campaign, offer: campaigns.cancel_campaign(world.call(), campaign, WHY),
    "withdrawn": lambda world, campaign, offer: offers.withdraw_offer(world.call(), offer, WHY),
    "revised": lambda world, campaign, offer: world.revise(offer, repeat=True, reward={"kind": "fixed", "amount": 333}),
}


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


def minute_later(world: World) -> None:
    world.tick()
    world.deliver()


@pytest.mark.parametrize("told", ["early", "in time"])
@pytest.mark.parametrize("decided", DECIDED)
def test_what_is_decided_before_the_moment_of_a_purchase_counts_for_it(
    world: World, clock: SimulatedClock, decided: str, told: str
) -> None:
    campaign = world.campaign()
    offer = world.offer(campaign, repeat=True)
    world.grant(offer, "cust-1")
    before, after = purchase("before", at=NOW + HOUR), purchase("after", at=NOW + 3 * HOUR)
    if told == "early":
        world.post(before, after)
        assert amounts(world.redemptions()) == [200, 200]
    clock.advance(NOW + 2 * HOUR)
    DECIDED[decided](world, campaign, offer)
    minute_later(world)
    clock.advance(NOW + 4 * HOUR)
    if told == "in time":
        world.post(before, after)
    standing = [(row["transaction_id"], row["reward_minor"]) for row in world.redemptions() if row["state"] != "reversed"]
    assert standing == [("before", 200), *([("after", 333)] if decided == "revised" else [])]
    world.verify()


def test_a_purchase_that_was_told_early_is_paused_and_goes_on_with_its_campaign(world: World, clock: SimulatedClock) -> None:
    campaign = world.campaign()
    world.grant(world.offer(campaign), "cust-1")
    world.post(purchase("t1", at=NOW + 3 * HOUR))
    for hours, command in ((1, campaigns.pause_campaign), (2, campaigns.resume_campaign)):
        clock.advance(NOW + hours * HOUR)
        command(world.call(), campaign, WHY)
        minute_later(world)
        assert [row["reward_minor"] for row in world.redemptions()] == [0 if hours == 1 else 200]
    world.verify()


def test_nothing_else_is_folded_again(world: World, call: MakeCall, clock: SimulatedClock) -> None:
    """Neither what was told in time, nor what was told when the decision had long been known, nor for what was decided long ago."""

    def folded_again() -> int:
        with call().transaction() as tx:
            early.look_again(call(), tx)
        return len(emitted(call, HistoriesChanged))

    campaign = world.campaign()
    world.grant(world.offer(campaign, repeat=True), "cust-1", "cust-2")
    world.post(purchase("t1", at=NOW))
    clock.advance(NOW + HOUR)
    campaigns.pause_campaign(call(), campaign, WHY)
    clock.advance(NOW + HOUR + timedelta(minutes=20))
    world.post(purchase("t2", at=NOW + 3 * HOUR))
    assert folded_again() == 0
    campaigns.resume_campaign(call(), campaign, WHY)
    assert folded_again() == 1
    clock.advance(NOW + 2 * HOUR + timedelta(minutes=21))
    assert folded_again() == 1
