"""From what stands in a cell to the value of a field, one at a time. What columns do for many must give the same."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from shared.files.clocks import iso_of, zone_of
from shared.files.layout import WORDS, LayoutField
from shared.files.rejects import Code
from shared.kernel.money import exponent

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
DIGITS: Final = re.compile(r"[0-9]{1,16}")
DECIMAL: Final = {".": re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,4}))?"), ",": re.compile(r"([0-9]{1,13})(?:,([0-9]{1,4}))?")}
FORMULA: Final = tuple("=+-@")
BOOLS: Final = {"true": True, "false": False}
UNITS: Final = {"epoch_s": "seconds", "epoch_ms": "milliseconds", "epoch_us": "microseconds"}


class Unreadable(ValueError):
    """A cell does not hold what its field must have."""

    def __init__(self, code: Code) -> None:
        """The code tells why."""
        self.code = code
        super().__init__(code.value)


def read_value(field: LayoutField, raw: object, beside: str) -> object:
    """The value of a field: text, whole minor units, a number, a moment in UTC, a truth.

    `beside`: of an amount the record's currency, of a moment the zone that its record names. Raises Unreadable.
    """
    return READERS[field.type](field, raw, beside)


def _text(raw: object) -> str:
    if type(raw) is not str:
        raise Unreadable(Code.NOT_TEXT)
    if "\x00" in raw:
        raise Unreadable(Code.NUL)
    return raw


def _mapped(field: LayoutField, raw: object) -> str:
    text = _text(raw)
    meanings = field.value_map
    if meanings is None:
        return text
    meaning = meanings.get(text, field.otherwise)
    if meaning is None:
        raise Unreadable(Code.NOT_MAPPED)
    return meaning


def _words(field: LayoutField, raw: object, _currency: str) -> str:
    text = _mapped(field, raw)
    if field.type == "text" and text.startswith(FORMULA):
        raise Unreadable(Code.FORMULA)
    return text


def _number(raw: object, code: Code) -> int:
    if type(raw) is int:
        return raw
    if type(raw) is not str or not DIGITS.fullmatch(raw):
        raise Unreadable(code)
    return int(raw)


def _minor(_field: LayoutField, raw: object, _currency: str) -> int:
    return _number(raw, Code.AMOUNT)


def _whole(_field: LayoutField, raw: object, _currency: str) -> int:
    return _number(raw, Code.WHOLE)


def _major(field: LayoutField, raw: object, currency: str) -> int:
    text = str(raw) if type(raw) is int else raw
    found = DECIMAL[field.decimal_mark].fullmatch(text) if type(text) is str else None
    if not found:
        raise Unreadable(Code.AMOUNT)
    whole, fraction = found[1], found[2] or ""
    digits = exponent(currency)
    if fraction[digits:].strip("0"):
        raise Unreadable(Code.DECIMALS)
    return int(whole + fraction[:digits].ljust(digits, "0"))


def _moment(field: LayoutField, raw: object, told_zone: str) -> datetime:
    zone = told_zone or field.zone
    try:
        if field.format in UNITS:
            return EPOCH + timedelta(**{UNITS[field.format]: _number(raw, Code.MOMENT)})
        if isinstance(raw, datetime):
            return _in_utc(raw, zone)
        if isinstance(raw, date):
            return _in_utc(datetime.combine(raw, time()), zone)
        text = _text(raw)
        return _in_utc(_iso(text if field.format == "iso" else iso_of(text, field.format)), zone)
    except Unreadable:
        raise
    except (ValueError, OverflowError) as error:
        raise Unreadable(Code.MOMENT) from error


def _iso(text: str | None) -> datetime:
    if text is None or not text.isascii():
        raise Unreadable(Code.MOMENT)
    return datetime.fromisoformat(text)


def _in_utc(moment: datetime, zone: str | None) -> datetime:
    """A moment with its offset, or by the zone's clock: of a time that comes twice the first, one that never came is refused."""
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    clock = zone_of(zone) if zone else None
    if clock is None:
        raise Unreadable(Code.MOMENT)
    utc = moment.replace(tzinfo=clock).astimezone(UTC)
    if utc.astimezone(clock).replace(tzinfo=None) != moment:
        raise Unreadable(Code.CLOCK)
    return utc


def _bool(field: LayoutField, raw: object, _currency: str) -> bool:
    if type(raw) is bool:
        return raw
    text = _mapped(field, raw)
    if text not in BOOLS:
        raise Unreadable(Code.BOOL)
    return BOOLS[text]


def _json(_field: LayoutField, raw: object, _currency: str) -> object:
    return raw


Reader = Callable[[LayoutField, object, str], object]
READERS: Final[Mapping[str, Reader]] = {
    **dict.fromkeys(WORDS, _words),
    "minor": _minor,
    "major": _major,
    "whole": _whole,
    "moment": _moment,
    "bool": _bool,
    "json": _json,
}
