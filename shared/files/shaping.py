"""From what stands in cells to what readers read: zeros filled in, signs and groups taken off, parts joined.

What does not fit is left as it stands: its reader tells that it is none.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from string import ascii_lowercase, ascii_uppercase
from typing import Final

from shared.files.layout import CREDIT, PART, Filled, Layout, LayoutField
from shared.files.rejects import Code
from shared.files.values import Unreadable

FIGURES: Final = "[0-9]{1,64}"
AMOUNT: Final = "[0-9](?:[0-9.,' \u2019\u00a0\u202f]*[0-9])?"
"""What figures of an amount may look like, signs left out."""
NOUGHT: Final = "[0.,]+"
ZONED: Final = "[0-9]*[0-9A-R{}]"
ZONED_FIGURES: Final = {
    **{figure: (figure, "+") for figure in "0123456789"},
    **{character: (str(figure), "+") for figure, character in enumerate("{ABCDEFGHI")},
    **{character: (str(figure), "-") for figure, character in enumerate("}JKLMNOPQR")},
}
PARENTHESES: Final = "()"
CASES: Final = {
    "upper": str.maketrans(ascii_lowercase, ascii_uppercase),
    "lower": str.maketrans(ascii_uppercase, ascii_lowercase),
}
PLACES_KEPT: Final = 4
MOST_FIGURES: Final = 20
"""Of a decimal that is written out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cased:
    """Letters made large or small."""

    case: str

    def one(self, text: str) -> str:
        """A text so."""
        return text.translate(CASES[self.case])


@dataclass(frozen=True, kw_only=True, slots=True)
class Zeros:
    """Figures filled from the left."""

    width: int

    def one(self, text: str) -> str:
        """A text so."""
        return text.rjust(self.width, "0") if re.fullmatch(FIGURES, text) else text


@dataclass(frozen=True, kw_only=True, slots=True)
class Zoned:
    """Figures of which the last holds the sign: the figures, or the sign alone."""

    is_sign: bool

    def one(self, text: str) -> str:
        """A text so."""
        if not re.fullmatch(ZONED, text):
            return text
        figure, sign = ZONED_FIGURES[text[-1]]
        return sign if self.is_sign else text[:-1] + figure


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """Figures with a mark before or behind them, or none, which is a plus: the figures, or the sign alone."""

    pattern: str
    """With groups for `before`, `figures` and `behind`."""
    meanings: Mapping[str, str]
    is_sign: bool

    def one(self, text: str) -> str:
        """A text so."""
        found = re.fullmatch(self.pattern, text)
        sign = self.meanings.get((found["before"] or "") + (found["behind"] or "")) if found else None
        return text if not found or not sign else sign if self.is_sign else found["figures"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ungrouped:
    """Figures without what stands between groups of them."""

    mark: str
    pattern: str

    def one(self, text: str) -> str:
        """A text so."""
        return text.replace(self.mark, "") if re.fullmatch(self.pattern, text) else text


@dataclass(frozen=True, kw_only=True, slots=True)
class Replaced:
    """A text of a pattern made into another, with its groups."""

    pattern: str
    by: str

    def one(self, text: str) -> str:
        """A text so."""
        found = re.fullmatch(self.pattern, text)
        return found.expand(self.by) if found else text


Step = Cased | Zeros | Zoned | Signed | Ungrouped | Replaced
"""Something that is done with the text of a cell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shaping:
    """How what stands in the places of a field becomes what its reader reads."""

    field: LayoutField
    """Whose places are read: of a sign the amount's."""
    first: tuple[Step, ...]
    parts: tuple[tuple[str, tuple[Step, ...]], ...]
    """The further places by their names, and what is done there."""
    last: tuple[Step, ...]
    """What is done with all of it."""

    @property
    def credit(self) -> str | None:
        """The place of what is a minus, if there is one."""
        return f"{self.field.target}{CREDIT}" if self.field.credit else None


def shapings_of(layout: Layout) -> dict[str, Shaping]:
    """How the fields of a layout are shaped, by targets; those are left out that their readers read as they stand."""
    fields = {field.target: field for field in layout.fields}
    shapings = {target: _shaping(fields[field.of] if field.of else field, field) for target, field in fields.items()}
    return {target: shaping for target, shaping in shapings.items() if fields[target].constant is None and _does_anything(shaping)}


def shaped(shaping: Shaping, cells: Mapping[str, object]) -> object:
    """What the reader of a field reads in a record, of its cells by their places; None of what is empty. Raises Unreadable."""
    raw = _after(cells.get(shaping.field.target), shaping.first)
    if shaping.credit:
        raw = _of_two(raw, _as_text(cells.get(shaping.credit)))
    if shaping.parts:
        raw = _joined([raw, *(_after(cells.get(name), steps) for name, steps in shaping.parts)], shaping.field)
    return _after(raw, shaping.last)


def _shaping(source: LayoutField, field: LayoutField) -> Shaping:
    return Shaping(
        field=source,
        first=tuple(_of_place(source, source)),
        parts=tuple((f"{source.target}{PART}{at}", tuple(_of_place(source, part))) for at, part in enumerate(source.parts, 1)),
        last=tuple(_of_value(source, is_sign=field.type == "sign")),
    )


def _does_anything(shaping: Shaping) -> bool:
    return bool(shaping.first or shaping.parts or shaping.last) or shaping.field.type == "major"


def _of_place(field: LayoutField, place: Filled) -> Iterator[Step]:
    if field.case:
        yield Cased(case=field.case)
    if place.fill:
        yield Zeros(width=place.fill)


def _of_value(field: LayoutField, *, is_sign: bool) -> Iterator[Step]:
    """What is done with an amount, in this order."""
    if field.zoned:
        yield Zoned(is_sign=is_sign)
    elif field.signs or field.credit:
        yield from _signed((field.signs or {}) | ({"-": "-"} if field.credit else {}), is_sign=is_sign)
    if field.type == "major" and not is_sign:
        if field.grouping:
            group, mark = re.escape(field.grouping), re.escape(field.decimal_mark)
            yield Ungrouped(mark=field.grouping, pattern=f"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+(?:{mark}[0-9]*)?")
        if field.decimals:
            pattern = f"([0-9]{{0,16}})([0-9]{{{field.decimals}}})"
            yield Replaced(pattern=pattern, by=rf"\g<1>{field.decimal_mark}\g<2>")


def _signed(signs: Mapping[str, str], *, is_sign: bool) -> Iterator[Step]:
    if PARENTHESES in signs:
        yield Replaced(pattern=rf"\(({AMOUNT})\)", by=rf"{PARENTHESES}\g<1>")
    known = "|".join(re.escape(mark) for mark in sorted(signs, key=len, reverse=True))
    pattern = f"(?:(?P<before>{known}) ?)?(?P<figures>{AMOUNT})(?: ?(?P<behind>{known}))?"
    yield Signed(pattern=pattern, meanings={"": "+", **signs}, is_sign=is_sign)


def _after(raw: object, steps: tuple[Step, ...]) -> object:
    text = _as_text(raw)
    if isinstance(text, str):
        for step in steps:
            text = step.one(text)
    return text


def _as_text(raw: object) -> object:
    """Whole numbers, exact decimals and days as text."""
    if type(raw) is int or (isinstance(raw, date) and not isinstance(raw, datetime)):
        return str(raw)
    return _decimal_text(raw) if isinstance(raw, Decimal) else raw


def _decimal_text(number: Decimal) -> str:
    """Up to four decimals, behind which noughts do no harm, are written out; anything else is left as it is."""
    places = number.as_tuple().exponent
    if not isinstance(places, int) or abs(number.adjusted()) > MOST_FIGURES:
        return str(number)
    kept = number if places >= -PLACES_KEPT else number.quantize(Decimal(1).scaleb(-PLACES_KEPT))
    return f"{kept or abs(kept):f}" if kept == number else str(number)  # nought has no sign


def _of_two(debit: object, credit: object) -> object:
    """What stands in two places of which one is filled, or the other is nought: of the second with a minus."""
    if credit is None or debit is None:
        return debit if credit is None else f"-{credit}"
    if re.fullmatch(NOUGHT, str(credit)):
        return debit
    return f"-{credit}" if re.fullmatch(NOUGHT, str(debit)) else f"{debit} {credit}"


def _joined(pieces: list[object], field: LayoutField) -> object:
    said = [piece for piece in pieces if piece is not None]
    if not said:
        return None
    if len(said) < len(pieces) and field.type != "text":
        raise Unreadable(Code.MISSING)
    if not all(isinstance(piece, str) for piece in said):
        raise Unreadable(Code.NOT_TEXT)
    return field.joint.join(map(str, said))
