"""What an exhausted budget can't cover is honoured out of another one, where the terms say so, and shown apart."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from shared.audiences import wallet
from shared.audiences.wallet_api import Activation, WalletQuery
from shared.kernel.errors import Conflict, Invalid
from shared.kernel.ids import CAMPAIGN
from shared.redemptions.eligibility import check_eligibility
from shared.redemptions.eligibility_api import EligibilityAsked, PurchaseAsked
from shared.reports import service as reports
from tests.conftest import NOW, MakeCall
from tests.world import World, purchase

YESTERDAY = NOW - timedelta(days=1)


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture
def line(world: World) -> UUID:
    """A goodwill campaign of three dollars."""
    return world.campaign(budget=300, name="Goodwill")


def give(world: World, line: UUID, *, budget: int = 200) -> tuple[UUID, UUID]:
    """Two dollars off for three customers who activated, with money for one; the campaign and the offer."""
    campaign = world.campaign(budget=budget)
    offer = world.offer(campaign, activation="required", goodwill=CAMPAIGN.render(line))
    world.grant(offer, "cust-1", "cust-2", "cust-3", activated_at=YESTERDAY)
    return campaign, offer


def test_exhausted_budget_is_made_good_as_long_as_goodwill_lasts(world: World, line: UUID) -> None:
    campaign, _ = give(world, line)
    for number in (1, 2, 3):
        world.post(purchase(f"t{number}", f"cust-{number}"))

    found = [(r["transaction_id"], r["campaign_id"], r["reward_minor"], r["reason"]) for r in world.redemptions()]
    assert found == [("t1", campaign, 200, None), ("t2", line, 200, None), ("t3", campaign, 0, "budget_exhausted")]
    assert (world.available(campaign), world.available(line)) == (0, 100)
    world.verify()


def test_report_shows_goodwill_apart(world: World, line: UUID) -> None:
    campaign, _ = give(world, line)
    world.post(purchase("t1"))
    world.post(purchase("t2", "cust-2"))

    own, other = (reports.campaign_report(world.call("maya"), one) for one in (campaign, line))

    assert (own.budget.spent_minor, own.funnel.reward_minor, own.funnel.goodwill_minor) == (200, 400, 200)
    assert (other.budget.spent_minor, other.budget.honoured_minor, other.funnel.reward_minor) == (200, 200, 0)


def test_refund_goes_back_to_the_goodwill_campaign(world: World, line: UUID) -> None:
    campaign, _ = give(world, line)
    world.post(purchase("t1"))
    world.post(purchase("t2", "cust-2"))
    world.post(purchase("r2", "cust-2", kind="refund", original_transaction_id="t2"))

    assert (world.available(campaign), world.available(line)) == (0, 300)
    world.verify()


def test_question_counts_goodwill_as_money_that_is_left(world: World, line: UUID) -> None:
    give(world, line, budget=100)
    body = EligibilityAsked(customer_id="cust-1", purchase=PurchaseAsked(at=NOW, currency="USD", amount=1500, merchant_id="shop-1"))

    (verdict,) = asyncio.run(check_eligibility(world.call("support"), body)).verdicts

    assert (verdict.eligible, verdict.budget_left_minor) == (True, 100)
    assert {rule.rule: rule.actual for rule in verdict.rules}["budget"] == "100, and 300 of goodwill"


def test_exhausted_offer_is_shown_to_those_only_who_activated_it_and_to_be_activated_by_nobody(world: World, line: UUID) -> None:
    _, offer = give(world, line)
    (late,) = world.grant(offer, "cust-4")
    world.post(purchase("t1"))

    shown = {who: len(wallet.list_customer_offers(world.call(who), who, WalletQuery()).offers) for who in ("cust-2", "cust-4")}
    assert shown == {"cust-2": 1, "cust-4": 0}
    with pytest.raises(Conflict, match="run out"):
        wallet.activate_offer(world.call("cust-4"), "cust-4", late, Activation())
    assert wallet.activate_offer(world.call("cust-4"), "cust-4", late, Activation(at=YESTERDAY)).activated_at == YESTERDAY


def test_goodwill_campaign_must_be_another_one_that_exists(world: World) -> None:
    campaign = world.campaign()
    for named, message in ((campaign, "own campaign"), (UUID(int=7), "no such campaign")):
        with pytest.raises(Invalid) as caught:
            world.offer(campaign, activation="required", goodwill=CAMPAIGN.render(named))
        (problem,) = caught.value.problems
        assert problem.path == "/terms/goodwill"
        assert message in problem.message
