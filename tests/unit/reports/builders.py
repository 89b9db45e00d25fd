"""A page's data as a long run would fill it."""

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from shared.reports.page import (
    BalanceRow,
    BurnPoint,
    CampaignRow,
    Check,
    Figure,
    FunnelStep,
    PageData,
    RefusalRow,
    Timing,
    amount,
    money,
    number,
)

ZONE = ZoneInfo("America/New_York")


def burn(first: date, days: int, spent_minor: int, seed: int = 1) -> tuple[BurnPoint, ...]:
    random = Random(seed)
    weights = [random.random() for _ in range(days)]
    shares = [sum(weights[: n + 1]) / sum(weights) for n in range(days)]
    return tuple(BurnPoint(day=first + timedelta(days=n), spent_minor=round(spent_minor * share)) for n, share in enumerate(shares))


def campaign_row(number: int = 1, **overrides: Any) -> CampaignRow:
    first = date(2017, 1, 5) + timedelta(days=11 * number)
    values: dict[str, Any] = {
        "name": f"Campaign {number}",
        "state": "ended",
        "currency": "USD",
        "first_day": first,
        "last_day": first + timedelta(days=39),
        "approved_minor": 1_200_000,
        "reserved_minor": 0,
        "spent_minor": 811_250,
        "left_minor": 388_750,
        "paid_minor": 811_250,
        "granted": 29_636,
        "redeemed": 1_622,
        "refused": 404,
        "burn": burn(first, 40, 811_250, number),
    }
    return CampaignRow(**values | overrides)


def dry_row(number: int = 2, **overrides: Any) -> CampaignRow:
    whole = campaign_row(number)
    at = datetime.combine(whole.first_day + timedelta(days=9 + 5 * (number % 6)), datetime.min.time(), ZONE).replace(hour=18, minute=4)
    spent = whole.approved_minor - 37
    dry = {"spent_minor": spent, "left_minor": 37, "paid_minor": spent, "ran_dry_at": at}
    return campaign_row(number, **dry | {"burn": burn(whole.first_day, (at.date() - whole.first_day).days + 1, spent, number)} | overrides)


def page_data(**overrides: Any) -> PageData:
    rows = tuple(dry_row(n) if n in (3, 8, 13, 18) else campaign_row(n) for n in range(1, 28))
    spent, approved = sum(row.spent_minor for row in rows), sum(row.approved_minor for row in rows)
    values: dict[str, Any] = {
        "title": "The Complete Journey, one year of offers",
        "summary": "2,469 households and 155,848 baskets with 1,469,307 lines went through the public interface in time order; "
        "27 campaigns turned purchases into cashback.",
        "as_of": datetime(2018, 1, 15, 12, tzinfo=UTC),
        "made_up": (
            "Budgets and rewards: chosen with a fixed seed, the data holds none.",
            "Impressions: drawn with a fixed seed on three channels.",
        ),
        "headline": (
            Figure(label="Cashback earned", value=amount(spent, "USD"), unit="USD", note="of " + money(approved, "USD") + " approved"),
            Figure(label="Paid to cards", value=amount(spent, "USD"), unit="USD", note="43,781 statement credits"),
            Figure(label="Grants", value=number(800_199), note="to 1,584 households"),
            Figure(label="Redemptions", value=number(43_781), note="5.5 % of grants"),
            Figure(label="Campaigns run dry", value="4", note="of 27"),
        ),
        "checks": (
            Check(name="The ledger balances", ok=True, detail="USD: debits 48,218.22 = credits 48,218.22."),
            Check(name="Spent = postings = redemptions <= approved", ok=True, detail="27 of 27 campaigns."),
            Check(name="No customer is over a limit", ok=True, detail="43,781 redemptions of 800,199 grants looked at."),
            Check(name="Impressions are counted once", ok=True, detail="120,034 sent, 12,003 of them twice; 120,034 counted."),
            Check(name="Real coupon redemptions were targeted", ok=True, detail="2,102 of 2,102."),
            Check(name="Real coupon redemptions lie inside the window", ok=True, detail="2,102 of 2,102, read in America/New_York."),
            Check(name="A second run changes nothing", ok=True, detail="0 rows differ after the same input again."),
        ),
        "funnel": tuple(
            FunnelStep(name=name, count=count, note=note)
            for name, count, note in (
                ("Granted", 800_199, "offers given to a customer"),
                ("Served", 402_118, "customers and offers with an impression"),
                ("Viewed", 171_930, ""),
                ("Clicked", 40_202, ""),
                ("Activated", 88_310, ""),
                ("Redeemed", 43_781, "redemptions with a reward"),
                ("Paid", 43_781, "credited to a card"),
            )
        ),
        "campaigns": rows,
        "refusals": (
            RefusalRow(code="progress_below_threshold", sentence="The purchase counts; more is needed.", count=61_204),
            RefusalRow(code="already_completed", sentence="The grant completes once and was completed earlier.", count=20_877),
            RefusalRow(code="not_activated", sentence="The offer asks for an activation and was never activated.", count=9_310),
            RefusalRow(code="outside_window", sentence="The purchase was made before the window opened or after it closed.", count=3_041),
            RefusalRow(code="budget_exhausted", sentence="The approved budget could not cover this reward.", count=2_204),
        ),
        "balance": (
            BalanceRow(currency="USD", kind="funding", debit_minor=approved, credit_minor=0),
            BalanceRow(currency="USD", kind="available", debit_minor=spent, credit_minor=approved),
            BalanceRow(currency="USD", kind="reserved", debit_minor=spent, credit_minor=spent),
            BalanceRow(currency="USD", kind="payable", debit_minor=spent, credit_minor=spent),
            BalanceRow(currency="USD", kind="paid", debit_minor=0, credit_minor=spent),
        ),
        "timings": (
            Timing(step="Customers and merchants", seconds=3.2, note="2,469 customers, 457 locations"),
            Timing(step="Campaigns, offers and grants", seconds=31.8, note="1,197 offers, 800,199 grants"),
            Timing(step="Impressions", seconds=9.4, note="120,034 impressions"),
            Timing(step="Purchases", seconds=88.6, note="155,848 baskets"),
            Timing(step="Payouts", seconds=6.1, note="43,781 statement credits"),
        ),
    }
    return PageData(**values | overrides)
