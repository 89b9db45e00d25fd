"""Before the year begins: the bank registers shops and households, marketing prepares campaigns and offers, others approve them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from demo import made_up
from demo.api import Api
from demo.ids import MERCHANT, campaign_id, offer_id, segment_id
from demo.journey import CURRENCY, ZONE, Campaign, Coupon, Household, Journey

GROCERY: Final = "5411"
CUSTOMERS_PER_REQUEST: Final = 2_500
CONNECTIONS: Final = 4
MARKETING: Final = "maya.marketing"

Advance = Callable[[], None]
"""Told once for each thing that is done."""


def register(api: Api, journey: Journey, advance: Advance) -> None:
    """Shops as places of one merchant, households as customers with one card each."""
    merchant = {
        "merchant_id": MERCHANT,
        "name": "The shops of The Complete Journey",
        "mcc": GROCERY,
        "locations": [{"location_id": store, "zone": ZONE, "country": "US"} for store in journey.stores],
    }
    api.post("/v1/merchants", {"merchants": [merchant]}, who="bank", key="demo merchant")
    advance()
    for start in range(0, len(journey.households), CUSTOMERS_PER_REQUEST):
        customers = [_customer(household) for household in journey.households[start : start + CUSTOMERS_PER_REQUEST]]
        api.post("/v1/customers", {"customers": customers}, who="bank", key=f"demo customers {start}")
        advance()


def prepare_campaigns(api: Api, journey: Journey, advance: Advance) -> None:
    """Each campaign with its segment and its budget, which finance approves; it starts by itself when its time comes."""
    for campaign in journey.campaigns:
        _prepare_campaign(api, campaign)
        advance()


def prepare_offers(api: Api, journey: Journey, advance: Advance) -> None:
    """An offer for each coupon of each campaign: marketing designs and submits it, legal approves it."""

    def prepare(coupon: Coupon) -> None:
        path, key = f"/v1/offers/{offer_id(coupon.campaign, coupon.upc)}", f"{coupon.campaign} {coupon.upc}"
        api.post("/v1/offers", _offer(coupon, campaigns[coupon.campaign]), who=MARKETING, key=f"demo offer {key}")
        api.post(f"{path}/submit", {"reason": "Ready for review."}, who=MARKETING, key=f"demo submit {key}")
        api.post(f"{path}/approve", {"reason": "As agreed with the manufacturer."}, who="lea.legal", key=f"demo approve {key}")
        advance()

    campaigns = {campaign.number: campaign for campaign in journey.campaigns}
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for _ in pool.map(prepare, journey.coupons):
            pass


def _prepare_campaign(api: Api, campaign: Campaign) -> None:
    number, path = campaign.number, f"/v1/campaigns/{campaign_id(campaign.number)}"
    segment = {
        "segment_id": segment_id(number),
        "name": f"Households of campaign {number}",
        "kind": "list",
        "customers": list(campaign.households),
    }
    api.post("/v1/segments", segment, who=MARKETING, key=f"demo segment {number}")
    api.post("/v1/campaigns", _campaign(campaign), who=MARKETING, key=f"demo campaign {number}")
    budget = {"amount": made_up.budget_minor(campaign), "reason": "Made up for the demo."}
    api.post(f"{path}/budget-requests", budget, who=MARKETING, key=f"demo budget {number}")
    api.post(f"{path}/approve", {"reason": "Within the plan."}, who="finn.finance", key=f"demo budget approval {number}")
    api.post(f"{path}/schedule", {"reason": "All is set."}, who=MARKETING, key=f"demo schedule {number}")


def _customer(household: Household) -> dict[str, Any]:
    return {
        "customer_id": household.household_id,
        "zone": ZONE,
        "attributes": household.attributes,
        "consent": True,
        "cards": [{"card_token": f"card-of-{household.household_id}"}],
    }


def _campaign(campaign: Campaign) -> dict[str, Any]:
    return {
        "campaign_id": campaign_id(campaign.number),
        "name": f"Campaign {campaign.number}",
        "objective": f"{campaign.kind}: bring households back to the shops.",
        "portfolio": "Groceries",
        "currency": CURRENCY,
        "window": {"start": campaign.first_day.isoformat(), "end": campaign.last_day.isoformat(), "zone": ZONE},
    }


def _offer(coupon: Coupon, campaign: Campaign) -> dict[str, Any]:
    return {
        "offer_id": offer_id(coupon.campaign, coupon.upc),
        "campaign_id": campaign_id(coupon.campaign),
        "name": f"Coupon {coupon.upc} of campaign {coupon.campaign}",
        "terms": made_up.reward_terms(coupon)
        | {
            "currency": CURRENCY,
            "scope": {"include": {"products": list(coupon.products)}},
            "window": {"start": campaign.first_day.isoformat(), "end": campaign.last_day.isoformat(), "zone": ZONE},
            "limits": {"redemptions_per_customer": 1},
            "audience": {"segments_in": [segment_id(coupon.campaign)]},
            "content": [_content(channel, coupon) for channel in made_up.CHANNELS],
        },
    }


def _content(channel: str, coupon: Coupon) -> dict[str, str]:
    return {
        "channel": channel,
        "title": "Cashback on your groceries",
        "text": f"Coupon {coupon.upc}: one of {len(coupon.products)} products.",
    }
