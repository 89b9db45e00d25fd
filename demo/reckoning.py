"""What the year must come to, reckoned from the data in the plainest way and without the platform: one basket after the other."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from demo import made_up
from demo.journey import ZONE, Basket, Campaign, Journey
from demo.timeline import opening

WHOLE: Final = 10_000


@dataclass(kw_only=True, slots=True)
class Expected:
    """What a campaign gives when its budget lasts: so many redemptions, and so much in cents."""

    redemptions: int = 0
    reward_minor: int = 0


def reckon(journey: Journey) -> dict[int, Expected]:
    """For each campaign what it gives: each household gets each offer once, for its first basket that qualifies."""
    bought: dict[str, list[Basket]] = defaultdict(list)
    for basket in journey.baskets:
        bought[basket.household_id].append(basket)
    return {campaign.number: _of_campaign(campaign, journey, bought) for campaign in journey.campaigns}


def _of_campaign(campaign: Campaign, journey: Journey, bought: Mapping[str, list[Basket]]) -> Expected:
    coupons = {coupon.upc: coupon for coupon in journey.coupons if coupon.campaign == campaign.number}
    terms = {upc: made_up.reward_terms(coupon) for upc, coupon in coupons.items()}
    wanted: dict[str, list[str]] = defaultdict(list)
    for upc, coupon in coupons.items():
        for product in coupon.products:
            wanted[product].append(upc)
    opens, closes = opening(campaign), _closing(campaign)
    expected = Expected()
    for household_id in campaign.households:
        baskets = [basket for basket in bought[household_id] if opens <= basket.at < closes]
        for reward_minor in _first_rewards(baskets, wanted, terms).values():
            expected.redemptions += 1
            expected.reward_minor += reward_minor
    return expected


def _closing(campaign: Campaign) -> datetime:
    return datetime.combine(campaign.last_day + timedelta(days=1), time(), ZoneInfo(ZONE))


def _first_rewards(baskets: list[Basket], wanted: Mapping[str, list[str]], terms: Mapping[str, dict[str, Any]]) -> dict[str, int]:
    """Per coupon the reward of the first basket that earns one."""
    rewards: dict[str, int] = {}
    for basket in baskets:
        spent: dict[str, int] = defaultdict(int)
        for product, amount_minor in basket.items:
            for upc in wanted.get(product, ()):
                spent[upc] += amount_minor
        for upc, spent_minor in spent.items():
            if upc not in rewards and (reward_minor := _reward(terms[upc], spent_minor)):
                rewards[upc] = reward_minor
    return rewards


def _reward(terms: Mapping[str, Any], spent_minor: int) -> int:
    """Cents for so many cents spent on a coupon's products in one basket."""
    asked, reward = terms["qualification"], terms["reward"]
    reached = spent_minor > asked["threshold"] if asked["operator"] == ">" else spent_minor >= asked["threshold"]
    if not reached:
        return 0
    if reward["kind"] == "fixed":
        return int(reward["amount"])
    share_minor = (spent_minor * reward["basis_points"] + WHOLE // 2) // WHOLE
    return min(int(share_minor), int(reward["cap"]))
