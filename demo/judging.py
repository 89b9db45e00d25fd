"""The coupons that households truly redeemed, judged by the platform: does it say of each what the data says?"""

from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any, Final

from demo.api import Api
from demo.ids import offer_id
from demo.journey import Basket, CouponUse, Journey
from demo.year import transaction

CONNECTIONS: Final = 3
MOST_ITEMS: Final = 1_000
ASKED: Final = ("transaction_id", "at", "currency", "amount", "merchant_id", "location_id", "items")
BASKET: Final = "with a basket that day"
TARGETED: Final = "targeted"
IN_WINDOW: Final = "in the window"
IN_SCOPE: Final = "products"
"""What is counted: whether there is a basket at all, and three rules by the names that the platform's answer gives them."""


def judge(api: Api, journey: Journey, advance: Callable[[], None]) -> Counter[str]:
    """How many of the redemptions pass each rule, each asked with all that the household bought that local day as one purchase."""
    wanted = {(use.household_id, use.day) for use in journey.coupon_uses}
    bought: dict[tuple[str, date], list[Basket]] = defaultdict(list)
    for basket in journey.baskets:
        if (key := (basket.household_id, basket.day)) in wanted:
            bought[key].append(basket)

    def passed(use: CouponUse) -> list[str]:
        baskets = bought.get((use.household_id, use.day))
        found = [BASKET, *_rules_passed(api, use, baskets)] if baskets else []
        advance()
        return found

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return Counter(name for names in pool.map(passed, journey.coupon_uses) for name in names)


def _rules_passed(api: Api, use: CouponUse, baskets: list[Basket]) -> set[str]:
    question = {"customer_id": use.household_id, "offer_id": offer_id(use.campaign, use.upc), "purchase": _one_purchase(baskets)}
    verdicts = api.ask("/v1/eligibility", question, who="ava.audit")["verdicts"]
    return {rule["rule"] for verdict in verdicts for rule in verdict["rules"] if rule["passed"]}


def _one_purchase(baskets: list[Basket]) -> dict[str, Any]:
    parts = [transaction(basket) for basket in baskets]
    whole = {name: parts[0][name] for name in ASKED}
    return whole | {
        "transaction_id": "what-was-bought-that-day",
        "amount": sum(part["amount"] for part in parts),
        "items": [item for part in parts for item in part["items"]][:MOST_ITEMS],
    }
