"""Charts as SVG text: pure functions, no script, colours from the page's style sheet. Every word in them is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup

BARS_WIDTH: Final = 440
BAR_ROW: Final = 42
BAR_THICKNESS: Final = 10
LEAST_BAR: Final = 2  # a small number is still a number

BURN_WIDTH, BURN_HEIGHT = 264, 112
BURN_TOP, BURN_FLOOR = 8, 88  # what lies below the floor is for the dates
LABEL_ROOM: Final = 52  # a word beside the mark turns to its left side when there is less room at the right


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar: its length, and the words above it, left and right."""

    label: str
    value: float
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Burn:
    """A budget over time: from the first to the last day, what was left after each day that changed it; the day it ran dry."""

    first: date
    last: date
    approved_minor: int
    left: Sequence[tuple[date, int]]
    dry: date | None = None


def bars(key: str, title: str, description: str, rows: Sequence[Bar]) -> Markup:
    """Horizontal bars from nothing, one under the other, all on one scale. `key` tells the charts of a page apart."""
    most = max((row.value for row in rows), default=0) or 1
    parts = [_bar(row, index * BAR_ROW, row.value / most) for index, row in enumerate(rows)]
    return _svg(key, title, description, BARS_WIDTH, max(len(rows), 1) * BAR_ROW - 8, parts, "bars")


def burn_down(key: str, title: str, description: str, burn: Burn) -> Markup:
    """What is left of a budget as steps down from what was approved, with a mark where it ran dry."""
    days = max((burn.last - burn.first).days, 1)

    def across(day: date) -> float:
        return round(min(max((day - burn.first).days / days, 0), 1) * BURN_WIDTH, 1)

    def up(minor: int) -> float:
        share = min(max(minor / burn.approved_minor, 0), 1) if burn.approved_minor else 0
        return round(BURN_FLOOR - share * (BURN_FLOOR - BURN_TOP), 1)

    steps = "".join(f"H{across(day)}V{up(left)}" for day, left in burn.left)
    line = f"M0 {up(burn.approved_minor)}{steps}H{BURN_WIDTH}"
    parts = [
        Markup('<line class="limit" x1="0" x2="{}" y1="{}" y2="{}"/>').format(BURN_WIDTH, BURN_TOP, BURN_TOP),
        Markup('<path class="area" d="{}V{}H0Z"/><path class="line" d="{}"/>').format(line, BURN_FLOOR, line),
        Markup('<line class="floor" x1="0" x2="{}" y1="{}" y2="{}"/>').format(BURN_WIDTH, BURN_FLOOR, BURN_FLOOR),
        Markup('<text class="axis" x="0" y="{}">{}</text>').format(BURN_HEIGHT - 8, _day(burn.first)),
        Markup('<text class="axis" x="{}" y="{}" text-anchor="end">{}</text>').format(BURN_WIDTH, BURN_HEIGHT - 8, _day(burn.last)),
    ]
    if burn.dry:
        parts.append(_dry(across(burn.dry)))
    return _svg(key, title, description, BURN_WIDTH, BURN_HEIGHT, parts, "burn")


def _bar(row: Bar, top: int, share: float) -> Markup:
    width = max(round(share * BARS_WIDTH, 1), LEAST_BAR if row.value else 0)
    return Markup(
        '<text class="label" x="0" y="{y}">{label}</text><text class="value" x="{end}" y="{y}" text-anchor="end">{text}</text>'
        '<rect class="track" x="0" y="{bar}" width="{end}" height="{thick}" rx="2"/>'
        '<rect class="bar" x="0" y="{bar}" width="{width}" height="{thick}" rx="2"/>'
    ).format(y=top + 14, label=row.label, end=BARS_WIDTH, text=row.text, bar=top + 21, width=width, thick=BAR_THICKNESS)


def _dry(x: float) -> Markup:
    left_side = x > BURN_WIDTH - LABEL_ROOM
    return Markup(
        '<line class="dry" x1="{x}" x2="{x}" y1="{top}" y2="{floor}"/><circle class="dry" cx="{x}" cy="{floor}" r="3.5"/>'
        '<text class="dry" x="{at}" y="{y}" text-anchor="{anchor}">ran dry</text>'
    ).format(x=x, top=BURN_TOP, floor=BURN_FLOOR, at=x + (-6 if left_side else 6), y=BURN_TOP + 12, anchor="end" if left_side else "start")


def _svg(key: str, title: str, description: str, width: int, height: int, parts: Sequence[Markup], kind: str) -> Markup:
    head = Markup(
        '<svg class="chart {}" role="img" viewBox="0 0 {} {}" aria-labelledby="{key}-title {key}-desc">'
        '<title id="{key}-title">{}</title><desc id="{key}-desc">{}</desc>'
    ).format(kind, width, height, title, description, key=key)
    return head + Markup("").join(parts) + Markup("</svg>")


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
