"""What the data lacks: budgets, rewards and impressions. All of it is made up here, from a fixed seed, and said to be made up."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from demo.journey import ZONE, Campaign, Coupon, Journey

SEED: Final = 2017
NOTICES: Final = (
    f"Made up, from seed {SEED}: budgets, rewards with their thresholds and holds, impressions.",
    "From the data: households, shops, campaigns, who was targeted, coupons with their products, purchases, real coupon redemptions.",
)

BUDGET_MINOR_PER_HOUSEHOLD: Final = {"Type A": 1_000, "Type B": 150, "Type C": 150}
"""Cents of budget for each household that a campaign is sent to."""
TIGHT: Final = {13: 0.5}
"""Campaigns that get only this share of it: they run dry."""

REWARDS: Final = (
    {"kind": "fixed", "amount": 50},
    {"kind": "fixed", "amount": 100},
    {"kind": "percent", "basis_points": 1_000, "cap": 200},
    {"kind": "percent", "basis_points": 2_000, "cap": 300},
)
QUALIFICATIONS: Final = (
    {"kind": "single_purchase", "threshold": 100, "operator": ">="},
    {"kind": "single_purchase", "threshold": 200, "operator": ">="},
    {"kind": "single_purchase", "threshold": 299, "operator": ">"},
)
HOLD_DAYS: Final = (0, 14)

OFFERS_SHOWN: Final = 5
"""So many offers of a campaign are shown to each of its households, where it has as many."""
CHANNELS: Final = {"email": "newsletter", "social": "feed", "in_app": "home"}
"""Where offers are shown, and in which placement."""
VIEWED: Final = 0.6
CLICKED: Final = 0.3
SENT_TWICE: Final = 0.02
"""Shares: of those served that are viewed, of those viewed that are clicked, of all that the channel reports twice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One impression."""

    impression_id: str
    kind: str
    household_id: str
    coupon: Coupon
    channel: str
    at: datetime


def budget_minor(campaign: Campaign) -> int:
    """The budget of a campaign in cents."""
    full = BUDGET_MINOR_PER_HOUSEHOLD[campaign.kind] * len(campaign.households)
    return int(full * TIGHT.get(campaign.number, 1))


def reward_terms(coupon: Coupon) -> dict[str, Any]:
    """What a coupon gives, asks and when it pays, as parts of an offer's terms."""
    chance = Random(f"{SEED} {coupon.campaign} {coupon.upc}")
    return {
        "reward": dict(chance.choice(REWARDS)),
        "qualification": dict(chance.choice(QUALIFICATIONS)),
        "hold_days": chance.choice(HOLD_DAYS),
    }


def impressions(journey: Journey) -> list[Shown]:
    """What the households were shown, in order of time; some are reported twice, a little later and with the same id."""
    coupons = {campaign.number: [c for c in journey.coupons if c.campaign == campaign.number] for campaign in journey.campaigns}
    shown = [one for campaign in journey.campaigns for one in _of_campaign(campaign, coupons[campaign.number])]
    return sorted(shown, key=lambda one: one.at)


def _of_campaign(campaign: Campaign, coupons: list[Coupon]) -> Iterator[Shown]:
    chance = Random(f"{SEED} {campaign.number}")
    start = datetime.combine(campaign.first_day, time(), ZoneInfo(ZONE)).astimezone(UTC)
    minutes = int((campaign.last_day - campaign.first_day) / timedelta(minutes=1))
    for household_id in campaign.households:
        for coupon in chance.sample(coupons, min(OFFERS_SHOWN, len(coupons))):
            at = start + timedelta(minutes=chance.randrange(minutes))
            yield from _one_showing(chance, household_id, coupon, at)


def _one_showing(chance: Random, household_id: str, coupon: Coupon, at: datetime) -> Iterator[Shown]:
    channel = chance.choice(list(CHANNELS))
    for kind, share, seconds in (("served", 1.0, 0), ("viewed", VIEWED, 90), ("clicked", CLICKED, 120)):
        if chance.random() >= share:
            return
        shown = Shown(
            impression_id=f"{kind}:{coupon.campaign}:{coupon.upc}:{household_id}",
            kind=kind,
            household_id=household_id,
            coupon=coupon,
            channel=channel,
            at=at + timedelta(seconds=seconds),
        )
        yield shown
        if chance.random() < SENT_TWICE:
            yield shown
