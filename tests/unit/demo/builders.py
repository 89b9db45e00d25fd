"""Small years with defaults."""

from datetime import UTC, date, datetime
from typing import Any

from demo.checks import Check
from demo.figures import Figures
from demo.ids import campaign_id, offer_id
from demo.journey import Basket, Campaign, Coupon, CouponUse, Household, Journey
from demo.made_up import Shown

AT = datetime(2017, 8, 10, 12, 0, tzinfo=UTC)


def a_campaign(number: int = 13, **changes: Any) -> Campaign:
    values: dict[str, Any] = {
        "kind": "Type A",
        "first_day": date(2017, 8, 8),
        "last_day": date(2017, 9, 24),
        "households": ("household-1", "household-2"),
    }
    return Campaign(number=number, **values | changes)


def a_basket(number: int = 1, **changes: Any) -> Basket:
    values: dict[str, Any] = {"household_id": "household-1", "store_id": "store-1", "at": AT, "amount_minor": 500, "items": (("7", 500),)}
    return Basket(basket_id=f"basket-{number}", **values | changes)


def a_journey(**changes: Any) -> Journey:
    values: dict[str, Any] = {
        "households": (Household(household_id="household-1", attributes={}), Household(household_id="household-2", attributes={})),
        "stores": ("store-1",),
        "campaigns": (a_campaign(13), a_campaign(14)),
        "coupons": (Coupon(campaign=13, upc="1", products=("7",)), Coupon(campaign=14, upc="1", products=("8",))),
        "coupon_uses": (CouponUse(household_id="household-1", campaign=13, upc="1", day=AT.date()),),
        "baskets": (a_basket(1), a_basket(2, household_id="household-2")),
    }
    return Journey(**values | changes)


def a_showing(number: int = 1, **changes: Any) -> Shown:
    values: dict[str, Any] = {
        "kind": "served",
        "household_id": "household-1",
        "coupon": Coupon(campaign=13, upc="1", products=("7",)),
        "channel": "email",
        "at": AT,
    }
    return Shown(impression_id=f"impression-{number}", **values | changes)


def a_redemption(number: int = 13, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "campaign_id": campaign_id(number),
        "offer_id": offer_id(number, "1"),
        "customer_id": "household-1",
        "transaction_id": "basket-1",
        "wanted_minor": 50,
        "reward_minor": 50,
        "reason": None,
    }
    return values | changes


def a_report(number: int = 13, *, budget: dict[str, Any] | None = None, funnel: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "campaign": {"campaign_id": campaign_id(number)},
        "budget": {"approved_minor": 100, "reserved_minor": 0, "spent_minor": 50, "paid_minor": 50, "ran_dry_at": None} | (budget or {}),
        "funnel": {"granted": 2, "served": 1, "viewed": 0, "clicked": 0} | (funnel or {}),
    }


NOTHING = {"spent_minor": 0, "paid_minor": 0}
UNSEEN = {"served": 0}


def some_figures(**changes: Any) -> Figures:
    values: dict[str, Any] = {
        "reports": {13: a_report(13), 14: a_report(14, budget=NOTHING, funnel=UNSEEN)},
        "balance": {"balanced": True, "currencies": [{"currency": "USD", "balanced": True, "debit_minor": 9, "credit_minor": 9}]},
        "redemptions": [a_redemption()],
        "credits": [{"credit_id": "crd_1", "amount_minor": 50}],
        "dead_letters": 0,
    }
    return Figures(**values | changes)


def fails(check: Check) -> bool:
    return not check.ok
