"""A campaign's report: every figure from what happened, and nothing of another campaign's."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from events.payloads import Impression, ImpressionsLogged, PayoutsDue
from shared.campaigns import service as campaigns
from shared.campaigns.api import CampaignWindow, NewCampaign
from shared.impressions.service import count_impressions
from shared.kernel.errors import NotFound
from shared.kernel.ids import SEGMENT, derived_id
from shared.kernel.reasons import Reason
from shared.kernel.shards import shard_of
from shared.redemptions import payout
from shared.reports import live, service
from shared.reports.api import CampaignReport, RedemptionsQuery
from tests.conftest import NOW, SHARDS, MakeCall
from tests.world import World, purchase

Seen = tuple[str, str, str]
Report = Callable[[UUID], CampaignReport]


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture
def report(call: MakeCall) -> Report:
    return lambda campaign_id: service.campaign_report(call(), campaign_id)


def show(call: MakeCall, offer_id: UUID, *seen: Seen, variant: str | None = None) -> None:
    impressions = [
        Impression(
            impression_id=f"{offer_id.hex}-{variant}-{number}",
            kind=kind,  # type: ignore[arg-type]
            customer_id=customer,
            offer_id=offer_id,
            channel=channel,  # type: ignore[arg-type]
            placement="top",
            at=NOW,
            variant=variant,
        )
        for number, (kind, customer, channel) in enumerate(seen)
    ]
    count_impressions(call(), ImpressionsLogged(shard=0, impressions=impressions))


def test_funnel_counts_impressions_and_the_customers_behind_them(call: MakeCall, world: World, report: Report) -> None:
    campaign_id = world.campaign()
    first, second = world.offer(campaign_id), world.offer(campaign_id)
    show(
        call,
        first,
        ("served", "a", "email"),
        ("served", "a", "email"),
        ("served", "a", "web"),
        ("viewed", "a", "web"),
        ("served", "b", "web"),
    )
    show(call, second, ("served", "a", "web"), ("clicked", "a", "web"))

    found = report(campaign_id)

    funnel = found.funnel
    assert (funnel.served, funnel.viewed, funnel.clicked) == (5, 1, 1)
    assert (funnel.served_to, funnel.viewed_by, funnel.clicked_by) == (3, 1, 1)
    assert {(offer.offer_id, offer.served, offer.served_to) for offer in found.offers} == {(first, 4, 2), (second, 1, 1)}
    assert [(c.channel, c.served, c.served_to, c.viewed, c.viewed_by, c.clicked, c.clicked_by) for c in found.channels] == [
        ("email", 2, 1, 0, 0, 0, 0),
        ("web", 3, 2, 1, 1, 1, 1),
    ]


def test_funnel_goes_from_grants_to_money_paid(call: MakeCall, world: World, report: Report) -> None:
    campaign_id = world.campaign(budget=500)
    offer_id = world.offer(campaign_id)
    world.grant(offer_id, "a", activated_at=NOW - timedelta(days=9))
    world.grant(offer_id, "b", "c", "d", "e")
    for minutes, customer in enumerate("abc"):
        world.post(purchase(f"t-{customer}", customer, at=NOW - timedelta(minutes=10 - minutes)))
    world.post(purchase("t-d", "d", amount=10))
    with call().transaction() as tx:
        tx.connection.execute("INSERT INTO holdouts VALUES (%s, 'z', true, now()), (%s, 'a', false, now())", (campaign_id, campaign_id))
    paid_first = world.rows("SELECT redemption_id FROM redemptions WHERE customer_id = 'a'")[0]["redemption_id"]
    payout.pay_due(call(), PayoutsDue(shard=shard_of("a", SHARDS), redemption_ids=[paid_first]))

    found = report(campaign_id)

    funnel, budget = found.funnel, found.budget
    assert (funnel.granted, funnel.activated, funnel.purchased, funnel.redeemed, funnel.paid) == (5, 1, 3, 2, 1)
    assert (funnel.reward_minor, funnel.paid_minor, found.held_out) == (400, 200, 1)
    assert (budget.approved_minor, budget.reserved_minor, budget.spent_minor, budget.left_minor, budget.paid_minor) == (
        500,
        0,
        400,
        100,
        200,
    )
    assert budget.ran_dry_at == NOW - timedelta(minutes=8)
    assert {refusal.reason: (refusal.count, refusal.refused_minor) for refusal in found.refusals} == {
        "amount_below_threshold": (1, 0),
        "budget_exhausted": (1, 200),
    }
    assert {refusal.sentence for refusal in found.refusals} == {Reason.AMOUNT_BELOW_THRESHOLD.support, Reason.BUDGET_EXHAUSTED.support}


def test_variants_are_told_apart_where_some_grants_are_of_one(world: World, report: Report) -> None:
    campaign_id = world.campaign()
    gold = {"name": "gold", "segments": [SEGMENT.render(world.segment("a"))], "reward": {"kind": "fixed", "amount": 900}}
    offer_id, plain = world.offer(campaign_id, variants=[gold], repeat=True), world.offer(campaign_id)
    world.grant(offer_id, "a", "b", variant="gold", activated_at=NOW - timedelta(days=9))
    world.grant(offer_id, "c", "d")
    world.grant(plain, "e")
    world.post(*(purchase(f"t-{number}", customer) for number, customer in enumerate("aabce")))

    found = [(v.offer_id, v.variant, v.granted, v.activated, v.purchased, v.redeemed, v.reward_minor) for v in report(campaign_id).variants]

    assert found == [(offer_id, None, 2, 0, 1, 1, 200), (offer_id, "gold", 2, 2, 2, 3, 2700)]


def test_impressions_are_of_the_variant_that_was_shown_and_add_up_to_those_of_the_offer(
    call: MakeCall, world: World, report: Report
) -> None:
    campaign_id = world.campaign()
    gold = {"name": "gold", "segments": [SEGMENT.render(world.segment("a"))], "reward": {"kind": "fixed", "amount": 900}}
    offer_id, plain = world.offer(campaign_id, variants=[gold]), world.offer(campaign_id)
    world.grant(offer_id, "a", variant="gold")
    show(call, plain, ("served", "a", "web"), variant="gold")
    show(call, offer_id, ("served", "a", "web"), ("served", "a", "email"), ("viewed", "a", "web"), ("clicked", "b", "web"), variant="gold")
    show(call, offer_id, ("served", "b", "web"), ("served", "c", "web"), ("viewed", "c", "web"), ("viewed", "c", "web"))
    show(call, offer_id, ("clicked", "d", "web"), variant="retired")

    found = report(campaign_id)

    steps = ("granted", "served", "served_to", "viewed", "viewed_by", "clicked", "clicked_by")
    assert [(v.offer_id, v.variant, *(getattr(v, step) for step in steps)) for v in found.variants] == [
        (offer_id, None, 0, 2, 2, 2, 1, 0, 0),
        (offer_id, "gold", 1, 2, 1, 1, 1, 1, 1),
        (offer_id, "retired", 0, 0, 0, 0, 0, 1, 1),
    ]
    (offer,) = [offer for offer in found.offers if offer.offer_id == offer_id]
    assert [sum(getattr(v, step) for v in found.variants) for step in steps] == [getattr(offer, step) for step in steps]


def test_what_is_authorised_only_is_told_apart_from_what_is_earned(call: MakeCall, world: World, report: Report) -> None:
    campaign_id = world.campaign()
    offer_id = world.offer(campaign_id, reward={"kind": "percent", "basis_points": 1_000}, clawback={"negative_balance": "write_off"})
    world.grant(offer_id, *"abc")
    world.post(purchase("t-a", "a", kind="authorization", amount=2_000), purchase("t-b", "b", kind="authorization", amount=4_000))
    world.post(purchase("t-b", "b", kind="clearing", amount=1_000, sequence=1, sequence_count=2), purchase("t-c", "c", amount=3_000))
    payout.pay_due(call(), PayoutsDue(shard=shard_of("c", SHARDS), redemption_ids=[row["redemption_id"] for row in world.redemptions()]))
    world.post(purchase("r-c", "c", kind="refund", amount=1_000, at=NOW, original_transaction_id="t-c"))

    funnel, budget = report(campaign_id).funnel, report(campaign_id).budget
    pending = service.list_redemptions(call(), RedemptionsQuery(campaign_id=campaign_id, state="pending")).redemptions

    assert (funnel.redeemed, funnel.pending, funnel.reward_minor) == (3, 2, 200 + 400 + 200)
    assert (funnel.pending_minor, funnel.earned_minor, funnel.written_off_minor) == (200 + 300, 100 + 200, 100)
    assert (budget.reserved_minor, budget.spent_minor) == (funnel.pending_minor, funnel.earned_minor + funnel.written_off_minor)
    assert ("t-a", 200, 0) in [(found.transaction_id, found.reward_minor, found.earned_minor) for found in pending]
    assert all(check.ok for check in live.page_data(call()).checks)


def test_burn_down_goes_by_the_days_of_the_campaigns_zone(world: World, report: Report) -> None:
    campaign_id = world.campaign(budget=1_000)
    offer_id = world.offer(campaign_id)
    world.grant(offer_id, "a", "b", "c")
    late_in_new_york = datetime(2026, 1, 15, 3, tzinfo=UTC)
    world.post(purchase("t1", "a", at=late_in_new_york), purchase("t2", "b", at=datetime(2026, 1, 14, 17, tzinfo=UTC)))
    world.post(purchase("t3", "c", at=datetime(2026, 1, 15, 6, tzinfo=UTC)))

    days = report(campaign_id).burn_down

    assert [(day.day, day.posted_minor, day.spent_minor, day.left_minor) for day in days] == [
        (date(2026, 1, 14), 400, 400, 600),
        (date(2026, 1, 15), 200, 600, 400),
    ]


def test_knows_nothing_of_other_campaigns(call: MakeCall, world: World, report: Report) -> None:
    busy, idle = world.campaign(name="Busy"), world.campaign(name="Idle", budget=700)
    offer_id = world.offer(busy)
    world.grant(offer_id, "a")
    world.post(purchase("t1", "a"))
    show(call, offer_id, ("served", "a", "email"))

    found = report(idle)

    assert (found.campaign.name, found.budget.approved_minor, found.budget.left_minor) == ("Idle", 700, 700)
    assert (found.offers, found.channels, found.refusals, found.burn_down) == ([], [], [], [])
    assert set(found.funnel.model_dump().values()) == {0}


def test_reports_of_all_campaigns_say_what_each_says_alone(call: MakeCall, world: World, report: Report) -> None:
    campaign_ids = [world.campaign(name=f"Campaign {n}") for n in range(3)]
    for campaign_id in campaign_ids[:2]:
        offer_id = world.offer(campaign_id)
        world.grant(offer_id, "a", "b")
        world.post(purchase(f"t-{campaign_id.hex}", "a"))
        show(call, offer_id, ("served", "a", "email"))

    together = {found.campaign.campaign_id: found for found in service.all_reports(call(), most=10)}

    assert together == {campaign_id: report(campaign_id) for campaign_id in campaign_ids}


def test_campaign_without_budget_has_none(call: MakeCall, report: Report) -> None:
    window = CampaignWindow(start="2026-02-01", end="2026-02-28", zone="UTC")
    draft = NewCampaign(name="Draft", objective="More visits", portfolio="cards", currency="USD", window=window)

    found = report(campaigns.create_campaign(call(), draft).campaign_id)

    assert (found.budget.approved_minor, found.budget.left_minor, found.budget.ran_dry_at) == (0, 0, None)


def test_unknown_campaign_is_not_found(report: Report, world: World) -> None:
    with pytest.raises(NotFound):
        report(derived_id("no campaign"))
