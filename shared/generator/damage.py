"""Bad lines on demand: what is done to a good record so that it is refused, and with which code."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.files.layout import WORDS, Layout, LayoutField
from shared.files.names import Format, Kind
from shared.files.rejects import Code
from shared.files.writing import Cells, lines_of
from shared.generator.chance import below, bits
from shared.kernel.errors import Invalid

CARD_NUMBER: Final = "4111111111111111"
(WHETHER, HOW) = range(32, 34)
"""What is drawn for."""
SCALE: Final = 1 << 31
HOLDERS: Final = ("customer_id", "card_token")


class NothingToSpoil(Invalid):
    """No record of this layout can be bad in such a way."""

    code = "nothing_to_spoil"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bad:
    """A line that is to be refused, and why."""

    line: int
    field: str
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """One way in which a record is bad."""

    code: Code
    field: str = ""
    cells: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    """What stands in the place of what stood in cells, by targets."""
    line: Callable[[pa.Array], pa.Array] | None = None
    """What becomes of lines (bytes, without their ends)."""


@dataclass(frozen=True, kw_only=True)
class Spoiler:
    """Spoils a share of the records of a file, each in one way."""

    layout: Layout
    share: float
    seed: int
    damages: Sequence[Damage]

    def lines(self, cells: Cells, first_row: int, count: int) -> tuple[pa.Array, list[tuple[int, Damage]]]:
        """Records as lines, bad ones among them; and which rows are bad in which way. `first_row`: from 0, in the file."""
        lines = lines_of(cells, count, self.layout)
        if not self.share:
            return lines, []
        rows = pa.array(range(first_row, first_row + count), pa.int64())
        bad = pc.less(below(bits(rows, WHETHER, self.seed), SCALE), round(self.share * SCALE))
        how = below(bits(rows, HOW, self.seed), len(self.damages))
        lines, found = pc.cast(lines, pa.binary()), []
        for number, damage in enumerate(self.damages):
            mask = pc.and_(bad, pc.equal(how, number))
            places = pc.indices_nonzero(mask)
            if len(places):
                lines = pc.replace_with_mask(lines, mask, self._spoilt(cells, places, damage))
                found += [(first_row + place, damage) for place in places.to_pylist()]
        return lines, sorted(found, key=lambda one: one[0])

    def _spoilt(self, cells: Cells, places: pa.Array, damage: Damage) -> pa.Array:
        good = {target: column.take(places) for target, column in cells.items()}
        bad = {target: pa.array([text] * len(places), pa.string()) for target, text in damage.cells.items()}
        lines = pc.cast(lines_of(good | bad, len(places), self.layout), pa.binary())
        return _and(damage.line(pc.binary_slice(lines, 0, -1)), b"\n") if damage.line else lines


def damages_of(layout: Layout, codes: Sequence[str] = ()) -> list[Damage]:
    """The ways in which records of a layout can be bad; those with some codes where any are named. Raises NothingToSpoil."""
    possible = [*_of_cells(layout), *_of_lines(layout)]
    wanted = [damage for damage in possible if not codes or damage.code.value in codes]
    missing = set(codes) - {damage.code.value for damage in wanted}
    if missing:
        known = ", ".join(sorted({damage.code.value for damage in possible}))
        raise NothingToSpoil(f"No record of {layout.name} can be bad by {', '.join(sorted(missing))}; there are {known}.")
    return wanted


def _of_cells(layout: Layout) -> Iterator[Damage]:
    written = {told.target: told for told in layout.fields if told.constant is None}
    for told in written.values():
        if told.required:
            yield Damage(code=Code.MISSING, field=told.target, cells={told.target: None})
        for code, text in _bad_values(told, layout):
            if told.width is None or len(text) <= told.width:
                yield Damage(code=code, field=told.target, cells={told.target: text})
    holders = [target for target in HOLDERS if target in written]
    if holders and layout.kind is Kind.TRANSACTIONS:
        yield Damage(code=Code.CONTRADICTION, cells=dict.fromkeys(holders))


def _bad_values(told: LayoutField, layout: Layout) -> Iterator[tuple[Code, str]]:
    """What a cell must not hold, and the code of that."""
    if told.target in NEEDED:
        return
    if told.type in WORDS and told.value_map is not None:
        yield Code.NOT_MAPPED, "??"
        return
    if told.type == "major":
        yield Code.DECIMALS, f"1{told.decimal_mark}2345"
    if layout.format is Format.JSONL and (told.type == "bool" or told.format != "iso"):
        return  # there they are no text
    target = PLACE.sub("", told.target)
    yield from OF_TARGET.get(target, ()) if target in OWN_IDS else (*OF_TYPE.get(told.type, ()), *OF_TARGET.get(target, ()))


OF_TYPE: Final[Mapping[str, tuple[tuple[Code, str], ...]]] = {
    "id": ((Code.PATTERN, "-1"),),
    "currency": ((Code.PATTERN, "usd"),),
    "country": ((Code.PATTERN, "us"),),
    "minor": ((Code.AMOUNT, "1e9"),),
    "major": ((Code.AMOUNT, "1e9"),),
    "whole": ((Code.WHOLE, "1.5"),),
    "moment": ((Code.MOMENT, "0000-00-00"),),
    "bool": ((Code.BOOL, "perhaps"),),
    "text": ((Code.FORMULA, "=1+1"), (Code.CARD_NUMBER, f"CARD {CARD_NUMBER}")),
}
NEEDED: Final = frozenset({"terms.reward.basis_points"})
"""Fields without whose value others are wrong as well."""
PLACE: Final = re.compile(r"^locations\.[0-9]+\.")
"""What goes before the fields of a merchant's place."""
OWN_IDS: Final = frozenset({"campaign_id", "credit_id", "offer_id", "redemption_id", "segment_id"})
"""Fields that hold ids of ours."""
OF_TARGET: Final[Mapping[str, tuple[tuple[Code, str], ...]]] = {
    **dict.fromkeys(OWN_IDS, ((Code.INVALID, "-1"),)),
    "action": ((Code.NOT_LISTED, "shrug"),),
    "card_token": ((Code.CARD_NUMBER, CARD_NUMBER),),
    "channel": ((Code.NOT_LISTED, "by_pigeon"),),
    "city": ((Code.LENGTH, "x" * 65),),
    "code": ((Code.NOT_LISTED, "bored"),),
    "kind": ((Code.NOT_LISTED, "gift"),),
    "mcc": ((Code.PATTERN, "54"),),
    "result": ((Code.NOT_LISTED, "lost"),),
    "sequence": ((Code.RANGE, "1000"),),
    "state": ((Code.NOT_LISTED, "pending"),),
    "zone": ((Code.INVALID, "Mars/Olympus"),),
}


def _of_lines(layout: Layout) -> Iterator[Damage]:
    if layout.detail:
        yield Damage(code=Code.MARK, line=lambda lines: pc.binary_replace_slice(lines, 0, 1, b"?"))
    if layout.encoding == "utf-8":
        yield Damage(code=Code.ENCODING, line=lambda lines: _and(lines, b"\xff"))
    yield from LINES[layout.format](layout)


def _csv(layout: Layout) -> Iterator[Damage]:
    delimiter = layout.delimiter.encode()
    first = (layout.detail or "x").encode()
    yield Damage(code=Code.TOO_FEW_CELLS, line=lambda lines: pa.array([first + delimiter + b"x"] * len(lines), pa.binary()))
    yield Damage(code=Code.TOO_MANY_CELLS, line=lambda lines: _and(lines, delimiter + b"x"))


def _fixed(_layout: Layout) -> Iterator[Damage]:
    yield Damage(code=Code.TOO_FEW_CELLS, line=lambda lines: pc.binary_slice(lines, 0, -1))
    yield Damage(code=Code.TOO_MANY_CELLS, line=lambda lines: _and(lines, b"x"))


def _jsonl(layout: Layout) -> Iterator[Damage]:
    yield Damage(code=Code.UNREADABLE, line=lambda lines: pc.binary_slice(lines, 0, -1))
    if layout.other_columns == "refuse":
        yield Damage(code=Code.UNKNOWN_MEMBER, line=lambda lines: _and(pc.binary_slice(lines, 0, -1), b',"surprise":1}'))


def _and(lines: pa.Array, end: bytes) -> pa.Array:
    return pc.binary_join_element_wise(lines, pa.scalar(end), pa.scalar(b""))


LINES: Final[Mapping[Format, Callable[[Layout], Iterator[Damage]]]] = {Format.CSV: _csv, Format.FIXED: _fixed, Format.JSONL: _jsonl}
