"""The report as one self-contained HTML page: plain values in, text out. It asks nothing of the network and runs no script."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from shared.kernel.money import to_decimal
from shared.reports.charts import Bar, Burn, bars, burn_down

MINUS: Final = "\N{MINUS SIGN}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One of the figures at the top, written out."""

    label: str
    value: str
    unit: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """Something that must hold, and whether it does."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FunnelStep:
    """One step from grants to money paid; `note` says what is counted."""

    name: str
    count: int
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BurnPoint:
    """What a campaign had spent, in minor units, by the end of a day in its own zone."""

    day: date
    spent_minor: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CampaignRow:
    """One campaign. Amounts in minor units; `first_day` and `last_day` are in its own zone, and so is `ran_dry_at`."""

    name: str
    state: str
    currency: str
    first_day: date
    last_day: date
    approved_minor: int
    reserved_minor: int
    spent_minor: int
    left_minor: int
    paid_minor: int
    granted: int
    redeemed: int
    refused: int
    ran_dry_at: datetime | None = None
    burn: tuple[BurnPoint, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalRow:
    """How often a reason kept a purchase from earning."""

    code: str
    sentence: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BalanceRow:
    """One kind of account in the trial balance of a currency, and whether account and postings agree."""

    currency: str
    kind: str
    debit_minor: int
    credit_minor: int
    agrees: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """How long a step of the work took; `note` says how much it did."""

    step: str
    seconds: float
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageData:
    """All that the page shows; a part that is empty is left out."""

    title: str
    summary: str
    as_of: datetime
    made_up: tuple[str, ...] = ()
    headline: tuple[Figure, ...] = ()
    checks: tuple[Check, ...] = ()
    funnel: tuple[FunnelStep, ...] = ()
    campaigns: tuple[CampaignRow, ...] = ()
    refusals: tuple[RefusalRow, ...] = ()
    balance: tuple[BalanceRow, ...] = ()
    timings: tuple[Timing, ...] = ()


def render(data: PageData) -> str:
    """The whole page. Every word that comes from outside is escaped."""
    currencies = {row.currency for row in data.campaigns}
    return TEMPLATES.get_template("page.html").render(
        data=data,
        failed=sum(not check.ok for check in data.checks),
        funnel_chart=_funnel_chart(data.funnel),
        burn_charts=[_burn_chart(index, row) for index, row in enumerate(data.campaigns)],
        refusal_chart=_refusal_chart(data.refusals),
        timing_chart=_timing_chart(data.timings),
        balances=_by_currency(data.balance),
        one_currency=next(iter(currencies)) if len(currencies) == 1 else None,
        seconds=sum(timing.seconds for timing in data.timings),
    )


def number(value: int) -> str:
    """A whole number with separators: 1,234,567."""
    return f"{value:,}".replace("-", MINUS)


def amount(minor: int, currency: str) -> str:
    """An exact amount in major units: 1,234.56."""
    return f"{Decimal(to_decimal(minor, currency)):,f}".replace("-", MINUS)


def money(minor: int, currency: str) -> str:
    """An exact amount in major units with its currency: 1,234.56 USD."""
    return f"{amount(minor, currency)} {currency}"


def share(part: float, whole: float) -> str:
    """A part of a whole in per cent, with as many digits as help: 61 %, 2.4 %, 0.03 %."""
    if not whole:
        return "\N{EN DASH}"
    percent = 100 * part / whole
    digits = 0 if percent >= 10 or not percent else 1 if percent >= 1 else 2  # noqa: PLR2004
    return f"{percent:.{digits}f} %".replace("-", MINUS)


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y, %H:%M}"


def _words(code: str) -> str:
    return code.replace("_", " ").capitalize()


def _duration(seconds: float) -> str:
    whole = timedelta(seconds=round(seconds))
    return f"{seconds:.1f} s" if whole < timedelta(minutes=1) else f"{whole.seconds // 60} min {whole.seconds % 60:02d} s"


def _funnel_chart(steps: Sequence[FunnelStep]) -> Markup:
    rows = [Bar(label=step.name, value=step.count, text=number(step.count)) for step in steps]
    told = ", ".join(f"{step.name} {number(step.count)}" for step in steps)
    return bars("funnel", "From offer to cashback", told, rows)


def _burn_chart(index: int, row: CampaignRow) -> Markup:
    spent, approved, left = (money(minor, row.currency) for minor in (row.spent_minor, row.approved_minor, row.left_minor))
    told = f"Approved {approved}, spent {spent}, left {left}."
    burn = Burn(
        first=min([row.first_day, *(point.day for point in row.burn)]),
        last=max([row.last_day, *(point.day for point in row.burn)]),
        approved_minor=row.approved_minor,
        left=[(point.day, row.approved_minor - point.spent_minor) for point in row.burn],
        dry=row.ran_dry_at.date() if row.ran_dry_at else None,
    )
    if row.ran_dry_at:
        told += f" Ran dry on {_moment(row.ran_dry_at)}."
    return burn_down(f"burn-{index}", f"Budget left of {row.name}", told, burn)


def _refusal_chart(refusals: Sequence[RefusalRow]) -> Markup:
    rows = [Bar(label=_words(row.code), value=row.count, text=number(row.count)) for row in refusals]
    told = ", ".join(f"{_words(row.code)} {number(row.count)}" for row in refusals)
    return bars("refusals", "Reasons of refusal", told, rows)


def _timing_chart(timings: Sequence[Timing]) -> Markup:
    rows = [Bar(label=row.step, value=row.seconds, text=_duration(row.seconds)) for row in timings]
    told = ", ".join(f"{row.step} {_duration(row.seconds)}" for row in timings)
    return bars("timings", "Where the time went", told, rows)


def _by_currency(balance: Sequence[BalanceRow]) -> list[dict[str, Any]]:
    tables = []
    for currency in sorted({row.currency for row in balance}):
        kinds = [row for row in balance if row.currency == currency]
        debit_minor, credit_minor = sum(row.debit_minor for row in kinds), sum(row.credit_minor for row in kinds)
        balanced = debit_minor == credit_minor and all(row.agrees for row in kinds)
        tables.append({"currency": currency, "rows": kinds, "debit_minor": debit_minor, "credit_minor": credit_minor, "balanced": balanced})
    return tables


def _templates() -> Environment:
    templates = Environment(
        autoescape=True, loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    filters = {"number": number, "amount": amount, "share": share, "day": _day, "moment": _moment, "words": _words, "duration": _duration}
    templates.filters.update(filters)
    return templates


TEMPLATES: Final = _templates()
