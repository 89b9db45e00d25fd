"""The year as a page and as a summary on the terminal, both from what the platform says."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from demo import made_up, timeline
from demo.checks import Check
from demo.figures import Answer, Figures
from demo.journey import CURRENCY, ZONE, Journey
from shared.kernel.money import to_decimal
from shared.reports import page

TITLE: Final = "Clo on The Complete Journey"
FUNNEL: Final = {
    "granted": "an offer given to a household",
    "served": "impressions, made up",
    "viewed": "impressions, made up",
    "clicked": "impressions, made up",
    "purchased": "grants completed by a purchase",
    "redeemed": "with a reward that the budget covered",
    "paid": "credited to a card",
}


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that there is to tell."""

    journey: Journey
    figures: Figures
    checks: Sequence[Check]
    recall: float
    main_job: Mapping[str, float]
    checking: Mapping[str, float]
    """Seconds of each step."""


def summary(story: Story) -> dict[str, Any]:
    """The outcome for a script: seconds of each step, and the checks."""
    return {
        "main_job_seconds": dict(story.main_job),
        "checking_seconds": dict(story.checking),
        "recall": story.recall,
        "checks": [{"name": c.name, "expected": str(c.expected), "actual": str(c.actual), "ok": c.ok} for c in story.checks],
    }


def write_page(story: Story) -> str:
    """The report as one HTML page."""
    return page.render(
        page.PageData(
            title=TITLE,
            summary=_summary(story),
            as_of=timeline.END,
            made_up=made_up.NOTICES,
            headline=_headline(story),
            checks=tuple(page.Check(name=c.name, ok=c.ok, detail=f"expected {c.expected}; found {c.actual}") for c in story.checks),
            funnel=tuple(
                page.FunnelStep(name=name.capitalize(), count=_total(story.figures, "funnel", name), note=note)
                for name, note in FUNNEL.items()
            ),
            campaigns=tuple(_campaign(number, report) for number, report in story.figures.reports.items()),
            refusals=_refusals(story.figures),
            balance=_balance(story.figures),
            timings=_page_timings(story),
        )
    )


def print_summary(story: Story, console: Console) -> None:
    """What a person wants to know, on the terminal."""
    console.print(_facts(story))
    console.print(_campaigns(story))
    console.print(_checks(story.checks))
    console.print(_timings("Main job", story.main_job))
    console.print(_timings("Checks and second run", story.checking))
    for notice in made_up.NOTICES:
        console.print(notice, style="italic")


def slowest(seconds: Mapping[str, float]) -> tuple[str, float]:
    """The step that took longest and its share of all."""
    name = max(seconds, key=seconds.__getitem__)
    return name, seconds[name] / (sum(seconds.values()) or 1)


def _summary(story: Story) -> str:
    journey = story.journey
    return (
        f"{len(journey.households):,} households, {len(journey.stores)} shops, {len(journey.baskets):,} baskets of one year,"
        f" {len(journey.campaigns)} campaigns and {len(journey.coupons):,} offers, driven through the public HTTP interface."
    )


def _headline(story: Story) -> tuple[page.Figure, ...]:
    figures, holding = story.figures, sum(check.ok for check in story.checks)
    lines = sum(len(basket.items) for basket in story.journey.baskets)
    paid = page.amount(_total(figures, "budget", "paid_minor"), CURRENCY)
    recall_note = "of real coupon redemptions: that day's baskets hold a product of the coupon"
    return (
        page.Figure(label="Checks", value=f"{holding} of {len(story.checks)}", note="hold"),
        page.Figure(label="Grants", value=f"{_total(figures, 'funnel', 'granted'):,}", note="offers given to households"),
        page.Figure(label="Purchases", value=f"{len(story.journey.baskets):,}", note=f"{lines:,} basket lines"),
        page.Figure(label="Redemptions", value=f"{_total(figures, 'funnel', 'redeemed'):,}", note="completed and covered by a budget"),
        page.Figure(label="Cashback paid", value=paid, unit=CURRENCY, note="as statement credits"),
        page.Figure(label="Recall with scope", value=f"{story.recall:.1%}", note=recall_note),
    )


def _total(figures: Figures, part: str, name: str) -> int:
    return sum(report[part][name] for report in figures.reports.values())


def _campaign(number: int, report: Answer) -> page.CampaignRow:
    campaign, budget, funnel = report["campaign"], report["budget"], report["funnel"]
    zone = ZoneInfo(campaign["zone"])
    last_moment = datetime.fromisoformat(campaign["ends_at"]) - timeline.TICK
    dry = budget["ran_dry_at"]
    return page.CampaignRow(
        name=f"Campaign {number}",
        state=campaign["state"],
        currency=campaign["currency"],
        first_day=datetime.fromisoformat(campaign["starts_at"]).astimezone(zone).date(),
        last_day=last_moment.astimezone(zone).date(),
        granted=funnel["granted"],
        redeemed=funnel["redeemed"],
        refused=sum(refusal["count"] for refusal in report["refusals"]),
        ran_dry_at=datetime.fromisoformat(dry).astimezone(zone) if dry else None,
        burn=tuple(page.BurnPoint(day=date.fromisoformat(day["day"]), spent_minor=day["spent_minor"]) for day in report["burn_down"]),
        **{name: budget[name] for name in ("approved_minor", "reserved_minor", "spent_minor", "left_minor", "paid_minor")},
    )


def _refusals(figures: Figures) -> tuple[page.RefusalRow, ...]:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for report in figures.reports.values():
        for refusal in report["refusals"]:
            counts[refusal["reason"], refusal["sentence"]] += refusal["count"]
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return tuple(page.RefusalRow(code=code, sentence=sentence, count=count) for (code, sentence), count in ordered)


def _balance(figures: Figures) -> tuple[page.BalanceRow, ...]:
    names = ("kind", "debit_minor", "credit_minor", "agrees")
    return tuple(
        page.BalanceRow(currency=currency["currency"], **{name: account[name] for name in names})
        for currency in figures.balance["currencies"]
        for account in currency["accounts"]
    )


def _facts(story: Story) -> Table:
    table = Table(title=TITLE, title_justify="left", show_header=False)
    for figure in _headline(story):
        table.add_row(figure.label, f"{figure.value} {figure.unit}".rstrip(), figure.note)
    return table


def _campaigns(story: Story) -> Table:
    columns = ("Campaign", "State", "Approved", "Spent", "Left", "Grants", "Redeemed", "Ran dry")
    table = Table(*columns, title=f"Campaigns ({CURRENCY}; budgets are made up)", title_justify="left")
    for number, report in story.figures.reports.items():
        table.add_row(*_row_of_campaign(number, report))
    return table


def _row_of_campaign(number: int, report: dict[str, Any]) -> tuple[str, ...]:
    budget, funnel, dry = report["budget"], report["funnel"], report["budget"]["ran_dry_at"]
    return (
        str(number),
        report["campaign"]["state"],
        *(to_decimal(budget[name], CURRENCY) for name in ("approved_minor", "spent_minor", "left_minor")),
        f"{funnel['granted']:,}",
        f"{funnel['redeemed']:,}",
        f"{datetime.fromisoformat(dry).astimezone(ZoneInfo(ZONE)):%d %b %Y %H:%M}" if dry else "",
    )


def _checks(checks: Sequence[Check]) -> Table:
    table = Table("", "Check", "Expected", "Found", title="Checks", title_justify="left")
    for check in checks:
        table.add_row("holds" if check.ok else "FAILS", check.name, check.expected, check.actual, style="green" if check.ok else "bold red")
    return table


def _page_timings(story: Story) -> tuple[page.Timing, ...]:
    parts = {"main job": story.main_job, "checks": story.checking}
    return tuple(page.Timing(step=name, seconds=spent, note=part) for part, seconds in parts.items() for name, spent in seconds.items())


def _timings(title: str, seconds: Mapping[str, float]) -> Table:
    name, share = slowest(seconds)
    table = Table("Step", "Seconds", title=title, title_justify="left", show_footer=True)
    for step, spent in seconds.items():
        table.add_row(step, f"{spent:.1f}")
    table.columns[0].footer = f"In all; slowest: {name}, {share:.0%}"
    table.columns[1].footer = f"{sum(seconds.values()):.1f}"
    return table
