"""The year itself: the clock moves, campaigns begin, channels report impressions, the bank posts purchases; at the end all is paid."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from demo.api import Api, Gone, Unexpected
from demo.figures import statement_credits
from demo.ids import MERCHANT, campaign_id, offer_id
from demo.journey import CURRENCY, Basket, Journey
from demo.made_up import CHANNELS, Shown
from demo.steps import Steps
from demo.timeline import END, Batch, Launch, timeline

MOST_PENDING: Final = 48
"""So many events may wait to be delivered before the next purchases are sent: what the platform works off in some seconds."""
RESULTS_AT_A_TIME: Final = 2_000
POLL_SECONDS: Final = 0.05
STUCK_SECONDS: Final = 120.0


def live(api: Api, journey: Journey, impressions: Sequence[Shown], steps: Steps, *, again: str = "") -> None:
    """Live through the year. What an earlier run has done already is answered at once and changes nothing."""
    launches = steps.step(f"Begin campaigns and issue grants{again}", len(journey.campaigns))
    showings = steps.step(f"Report impressions{again}", len(impressions))
    purchases = steps.step(f"Post purchases{again}", len(journey.baskets))
    for number, part in enumerate(timeline(journey, impressions)):
        match part:
            case Launch():
                with purchases.under_way():
                    settle(api)
                with launches.under_way():
                    _launch(api, part)
                launches.advance(len(part.campaigns))
            case Batch():
                with showings.under_way():
                    _report_impressions(api, part, number)
                showings.advance(len(part.impressions))
                with purchases.under_way():
                    _post_purchases(api, part, number)
                purchases.advance(len(part.baskets))


def finish(api: Api, journey: Journey, steps: Steps) -> None:
    """Move to the end and wait until all that was earned is paid. Raises Gone when it is not after a while."""
    with steps.only("Finish and pay", len(journey.campaigns)) as step:
        move_clock(api, END)
        settle(api)
        deadline = time.monotonic() + STUCK_SECONDS
        for campaign in journey.campaigns:
            while not _is_paid(api, campaign.number):
                if time.monotonic() > deadline:
                    raise Gone(f"Campaign {campaign.number} is not paid.")
                move_clock(api, END)  # each move lets the schedule look for what is due
                settle(api)
            step.advance()
        _confirm(api)


def settle(api: Api, most_pending: int = 0) -> None:
    """Wait until at most so many events wait to be delivered. Raises Gone when nothing moves for two minutes."""
    least, since = None, time.monotonic()
    while (pending := api.get("/local/backlog")["pending"]) > most_pending:
        if least is None or pending < least:
            least, since = pending, time.monotonic()
        if time.monotonic() - since > STUCK_SECONDS:
            raise Gone(f"{pending} events have been waiting to be delivered for {STUCK_SECONDS:.0f} seconds.")
        time.sleep(POLL_SECONDS)


def move_clock(api: Api, to: datetime) -> None:
    """Move the platform's simulated clock forward; where it is later already, it stays."""
    api.ask("/local/clock", {"now": to})


def post_again(api: Api, baskets: Iterable[Basket], key: str) -> None:
    """Post purchases that were posted before, under a key of their own."""
    api.post("/v1/transactions", {"transactions": list(map(transaction, baskets))}, who="bank", key=key)


def transaction(basket: Basket) -> dict[str, Any]:
    """A basket as the bank posts it."""
    return {
        "transaction_id": basket.basket_id,
        "customer_id": basket.household_id,
        "at": basket.at,
        "currency": CURRENCY,
        "amount": basket.amount_minor,
        "merchant_id": MERCHANT,
        "location_id": basket.store_id,
        "items": [{"product": product, "amount": amount} for product, amount in basket.items],
    }


def _launch(api: Api, launch: Launch) -> None:
    """Move to the beginning and wait until the grants are there; then the campaigns must be live (or over, in a later run)."""
    move_clock(api, launch.at)
    settle(api)
    for campaign in launch.campaigns:
        state = api.get(f"/v1/campaigns/{campaign_id(campaign.number)}", who="ava.audit")["state"]
        if state not in ("live", "ended"):
            raise Unexpected(f"Campaign {campaign.number} did not begin: it is {state}.")


def _report_impressions(api: Api, batch: Batch, number: int) -> None:
    move_clock(api, batch.until)
    if batch.impressions:
        body = {"impressions": list(map(_impression, batch.impressions))}
        api.post("/v1/impressions", body, who="channels", key=f"demo impressions {number}")


def _post_purchases(api: Api, batch: Batch, number: int) -> None:
    settle(api, MOST_PENDING)
    if batch.baskets:
        body = {"transactions": list(map(transaction, batch.baskets))}
        api.post("/v1/transactions", body, who="bank", key=f"demo purchases {number}")


def _impression(shown: Shown) -> dict[str, Any]:
    return {
        "impression_id": shown.impression_id,
        "kind": shown.kind,
        "customer_id": shown.household_id,
        "offer_id": offer_id(shown.coupon.campaign, shown.coupon.upc),
        "channel": shown.channel,
        "placement": CHANNELS[shown.channel],
        "at": shown.at,
    }


def _confirm(api: Api) -> None:
    """The card system says that all credits are paid."""
    results = [
        {name: credit[name] for name in ("credit_id", "currency")} | {"result": "paid", "at": END, "amount": credit["amount_minor"]}
        for credit in statement_credits(api)
    ]
    for start in range(0, len(results), RESULTS_AT_A_TIME):
        some = results[start : start + RESULTS_AT_A_TIME]
        api.post("/v1/payouts/results", {"results": some}, who="card-system", key=f"demo payouts {start}")


def _is_paid(api: Api, number: int) -> bool:
    budget = api.get(f"/v1/campaigns/{campaign_id(number)}/report", who="ava.audit")["budget"]
    return bool(budget["paid_minor"] == budget["spent_minor"])
