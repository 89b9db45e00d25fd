"""The report page of a running platform, filled from its database."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from shared.platform.call import Call
from shared.reports import service
from shared.reports.api import CampaignReport, CurrencyBalance, TrialBalance
from shared.reports.page import (
    BalanceRow,
    BurnPoint,
    CampaignRow,
    Check,
    Figure,
    FunnelStep,
    PageData,
    RefusalRow,
    amount,
    money,
    number,
    render,
    share,
)

MOST_CAMPAIGNS: Final = 200
TITLE: Final = "Offers, redemptions and the money they move"
SUMMARY: Final = "Every campaign on this platform, from the offers given to customers to the cashback credited to their cards."
STEPS: Final = {
    "granted": ("Granted", "offers given to a customer"),
    "served_to": ("Served", "customers reached, per offer"),
    "viewed_by": ("Viewed", "customers reached, per offer"),
    "clicked_by": ("Clicked", "customers reached, per offer"),
    "activated": ("Activated", "grants activated by the customer"),
    "purchased": ("Purchased", "grants completed by purchases"),
    "redeemed": ("Redeemed", "redemptions with a reward"),
    "pending": ("Pending", "of these, not cleared yet, or in part"),
    "paid": ("Paid", "redemptions credited to a card"),
}


def page(call: Call) -> str:
    """The newest campaigns as they are now; a friendly word where there are none yet."""
    return render(page_data(call))


def page_data(call: Call) -> PageData:
    """What the page shows."""
    reports = sorted(service.all_reports(call, most=MOST_CAMPAIGNS), key=lambda report: (report.campaign.starts_at, report.campaign.name))
    balance = service.trial_balance(call)
    return PageData(
        title=TITLE,
        summary=SUMMARY,
        as_of=balance.as_of,
        headline=_headline(reports) if reports else (),
        checks=_checks(reports, balance) if reports else (),
        funnel=_funnel(reports) if reports else (),
        campaigns=tuple(map(campaign_row, reports)),
        refusals=_refusals(reports),
        balance=tuple(row for currency in balance.currencies for row in _balance(currency)),
    )


def campaign_row(report: CampaignReport) -> CampaignRow:
    """One campaign as the page shows it, in its own zone."""
    campaign, budget, zone = report.campaign, report.budget, ZoneInfo(report.campaign.zone)
    return CampaignRow(
        name=campaign.name,
        state=campaign.state,
        currency=campaign.currency,
        first_day=campaign.starts_at.astimezone(zone).date(),
        last_day=(campaign.ends_at - timedelta(microseconds=1)).astimezone(zone).date(),
        approved_minor=budget.approved_minor,
        reserved_minor=budget.reserved_minor,
        spent_minor=budget.spent_minor,
        left_minor=budget.left_minor,
        paid_minor=budget.paid_minor,
        granted=report.funnel.granted,
        redeemed=report.funnel.redeemed,
        refused=sum(refusal.count for refusal in report.refusals),
        ran_dry_at=budget.ran_dry_at.astimezone(zone) if budget.ran_dry_at else None,
        burn=tuple(BurnPoint(day=day.day, spent_minor=day.spent_minor) for day in report.burn_down),
    )


def _headline(reports: Sequence[CampaignReport]) -> tuple[Figure, ...]:
    currencies = sorted({report.campaign.currency for report in reports})
    granted, redeemed = (sum(getattr(report.funnel, step) for report in reports) for step in ("granted", "redeemed"))
    dry = sum(report.budget.ran_dry_at is not None for report in reports)
    return (
        *(_earned([report for report in reports if report.campaign.currency == currency], currency) for currency in currencies),
        Figure(label="Grants", value=number(granted), note=f"in {number(len(reports))} campaigns"),
        Figure(label="Redemptions", value=number(redeemed), note=f"{share(redeemed, granted)} of grants"),
        Figure(label="Campaigns run dry", value=number(dry), note=f"of {number(len(reports))}"),
    )


def _earned(reports: Sequence[CampaignReport], currency: str) -> Figure:
    spent, approved = (sum(getattr(report.budget, name) for report in reports) for name in ("spent_minor", "approved_minor"))
    return Figure(label="Cashback earned", value=amount(spent, currency), unit=currency, note=f"of {money(approved, currency)} approved")


def _checks(reports: Sequence[CampaignReport], balance: TrialBalance) -> tuple[Check, ...]:
    proven = [_is_proven(report) for report in reports]
    within = [report.budget.spent_minor + report.budget.reserved_minor <= report.budget.approved_minor for report in reports]
    books = [f"{c.currency}: {amount(c.debit_minor, c.currency)} = {amount(c.credit_minor, c.currency)}" for c in balance.currencies]
    return (
        Check(name="The ledger balances", ok=balance.balanced, detail="; ".join(books) + "." if books else "Nothing is posted yet."),
        Check(name="Spent is the sum of postings and of redemptions", ok=all(proven), detail=_held(proven)),
        Check(name="No campaign spends more than was approved", ok=all(within), detail=_held(within)),
    )


def _posted(report: CampaignReport) -> int:
    return report.burn_down[-1].spent_minor if report.burn_down else 0


def _is_proven(report: CampaignReport) -> bool:
    """Whether what is spent is what was posted, and with what is reserved all that redemptions cost."""
    spent, reserved = report.budget.spent_minor, report.budget.reserved_minor
    return spent == _posted(report) and spent + reserved == _redeemed(report)


def _redeemed(report: CampaignReport) -> int:
    """What is promised, earned and written off of what the campaign's budget bears."""
    funnel, budget = report.funnel, report.budget
    return funnel.reward_minor + funnel.written_off_minor - funnel.goodwill_minor + budget.honoured_minor


def _held(held: Sequence[bool]) -> str:
    return f"{number(sum(held))} of {number(len(held))} campaigns."


def _funnel(reports: Sequence[CampaignReport]) -> tuple[FunnelStep, ...]:
    totals = {step: sum(getattr(report.funnel, step) for report in reports) for step in STEPS}
    return tuple(FunnelStep(name=name, count=totals[step], note=note) for step, (name, note) in STEPS.items())


def _refusals(reports: Sequence[CampaignReport]) -> tuple[RefusalRow, ...]:
    counts: Counter[str] = Counter()
    for report in reports:
        for refusal in report.refusals:
            counts[refusal.reason] += refusal.count
    return tuple(RefusalRow(code=code, sentence=service.sentence(code), count=count) for code, count in counts.most_common())


def _balance(currency: CurrencyBalance) -> tuple[BalanceRow, ...]:
    return tuple(
        BalanceRow(currency=currency.currency, kind=a.kind, debit_minor=a.debit_minor, credit_minor=a.credit_minor, agrees=a.agrees)
        for a in currency.accounts
    )
