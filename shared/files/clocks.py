"""Moments as layouts write them: by a format of directives, made into ISO 8601; and zones by their names."""

import re
from collections.abc import Mapping
from datetime import UTC, date, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

FIGURES: Final = {"Y": 4, "y": 2, "m": 2, "d": 2, "j": 3, "H": 2, "I": 2, "M": 2, "S": 2}
PIECES: Final[Mapping[str, str]] = {
    **{name: f"[0-9]{{{width}}}" for name, width in FIGURES.items()},
    **{f"-{name}": "[0-9]{1,2}" for name in "mdHI"},
    "b": "[A-Za-z]{3}",
    "p": "[AaPp][Mm]",
    "f": "[0-9]{1,6}",
    "z": "(?:Z|[+-][0-9]{2}:?[0-9]{2})",
}
"""What stands for each directive."""
WIDTHS: Final = FIGURES | {"b": 3, "p": 2}
"""How wide those are that always are as wide."""
MONTHS: Final = {
    name: f"{number:02}" for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}  # fmt: skip
PIVOT: Final = 69
"""From this year on, years of two digits are of the last century."""
OFFSET: Final = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
MOST_HOURS: Final = 14
FRACTION: Final = 6

Pieces = Mapping[str, str]
"""What stands for the directives of a format, by their letters."""


def directives(form: str) -> list[str]:
    """The directives of a format, such as `Y` and `-m`."""
    return re.findall(r"%(-?[A-Za-z])", form)


def iso_of(text: str, form: str) -> str | None:
    """A moment by a format, as ISO 8601 has it; None where the text is none. Whether there is such a day is not looked at."""
    found = re.compile(pattern_of(form)).fullmatch(text)
    if not found:
        return None
    pieces = found.groupdict()
    day, hour = day_of(pieces), hour_of(pieces)
    if day is None or hour is None:
        return None
    return f"{day}T{hour}:{pieces.get('M', '00')}:{pieces.get('S', '00')}{_fraction(pieces.get('f'))}{pieces.get('z', '')}"


def day_of(pieces: Pieces) -> str | None:
    """The day of the pieces of a moment: `2026-01-12`; None where there is no such month or day of the year."""
    year = pieces.get("Y") or f"{19 if int(pieces['y']) >= PIVOT else 20}{pieces['y']}"
    if "j" in pieces:
        return _day_of_year(int(year), int(pieces["j"]))
    month = MONTHS.get(pieces["b"].lower()) if "b" in pieces else pieces["m"].rjust(2, "0")
    return month and f"{year}-{month}-{pieces['d'].rjust(2, '0')}"


def _day_of_year(year: int, number: int) -> str | None:
    if year < 1 or number < 1:
        return None
    found = date(year, 1, 1).toordinal() + number - 1
    return date.fromordinal(found).isoformat() if found <= date(year, 12, 31).toordinal() else None


def hour_of(pieces: Pieces) -> str | None:
    """The hour of the pieces of a moment, of 24: `15`; None where one of twelve is none."""
    if "p" not in pieces:
        return pieces.get("H", "00").rjust(2, "0")
    hour = int(pieces["I"])
    noon = 12
    return f"{hour % noon + noon * (pieces['p'].lower() == 'pm'):02}" if 1 <= hour <= noon else None


def _fraction(figures: str | None) -> str:
    return f".{figures.ljust(FRACTION, '0')}" if figures else ""


@cache
def pattern_of(form: str) -> str:
    """The pattern of a format, with a group for each directive by its letter."""
    first, pairs = split_format(form)
    return re.escape(first) + "".join(f"(?P<{name[-1]}>{PIECES[name]}){re.escape(behind)}" for name, behind in pairs)


def split_format(form: str) -> tuple[str, list[tuple[str, str]]]:
    """What stands before the first directive, and each directive with what stands behind it."""
    first, *rest = re.split(r"%(-?[A-Za-z])", form)
    return first, list(zip(rest[::2], rest[1::2], strict=True))


@lru_cache(maxsize=1 << 10)
def zone_of(name: str) -> tzinfo | None:
    """A zone by its IANA name, or by its offset from UTC; None where there is none."""
    if name == "Z":
        return UTC
    found = OFFSET.fullmatch(name)
    if found:
        ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
        wrong = ahead > timedelta(hours=MOST_HOURS) or int(found[3]) > 59  # noqa: PLR2004  (minutes)
        return None if wrong else timezone(-ahead if found[1] == "-" else ahead)
    return ZoneInfo(name) if name in _names() else None


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())
