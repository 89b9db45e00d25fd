"""One record at a time through the row model: the law for what is taken, and the one place that tells why something is not."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from pydantic import ValidationError

from shared.files.borders import rows
from shared.files.json_objects import read_object
from shared.files.kinds import CURRENCY
from shared.files.layout import Layout, LayoutField
from shared.files.names import Format
from shared.files.rejects import Code, Fault
from shared.files.values import Unreadable, read_value
from shared.kernel.cards import SHORTEST, find_card_number
from shared.kernel.wire import Wire

Cells = dict[str, object]
"""What stands in a record, by the target of its field; what is empty is left out."""
MOST_FAULTS: Final = 20
UNSEARCHED: Final = frozenset({"moment", "bool"})
"""What no card number can be in."""


class Refusal(Exception):
    """A record is not taken."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """All that is wrong with it."""
        self.faults = tuple(faults)[:MOST_FAULTS]
        super().__init__(len(self.faults))


@dataclass(frozen=True, kw_only=True)
class Way:
    """How records are read: the layout, and in which order the columns stand where the file itself names them."""

    layout: Layout
    names: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many cells a record of csv has."""
        return len(self.names) if self.layout.column_names else self.layout.shape[0]

    @cached_property
    def positions(self) -> Mapping[str, int]:
        """Which cell of csv, from 0, holds what a target is filled from."""
        written = [told for told in self.layout.fields if told.constant is None]
        if self.layout.column_names:
            return {told.target: self.names.index(str(told.column)) for told in written}
        return {told.target: (told.position or 1) - 1 for told in written}

    @cached_property
    def members(self) -> Mapping[str | None, str]:
        """Which target is filled from a member or column of a name."""
        return {told.column: told.target for told in self.layout.fields if told.constant is None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A record that is taken."""

    record: Wire
    """As the row model has it."""
    values: Mapping[str, object]
    """What was written, by targets: text, numbers, moments in UTC, truths; of `json` any shape."""


def read_record(record: bytes, way: Way) -> Row:
    """A record as the row model has it. Raises Refusal with every fault."""
    return read_cells(cells_of(record, way), way.layout)


def cells_of(record: bytes, way: Way) -> Cells:
    """What stands in a record of text. Raises Refusal where that can't be told."""
    try:
        text = record.decode(way.layout.encoding)
    except UnicodeDecodeError as error:
        raise Refusal([Fault(field="", code=Code.ENCODING)]) from error
    read = CELLS[way.layout.format](text, way)
    return {target: raw for target, raw in read.items() if raw is not None and raw != ""}


def read_cells(cells: Cells, layout: Layout) -> Row:
    """The record of its cells as the row model has it. Raises Refusal with every fault."""
    values, faults = _values(cells, layout)
    if not any(fault.code is Code.MISSING for fault in faults):
        faulty = {fault.field for fault in faults}
        try:
            made = layout.record.model.model_validate_json(json.dumps(nested(values), default=datetime.isoformat))
        except ValidationError as error:
            faults += [fault for fault in _faults(error, cells) if fault.field not in faulty and not (faulty and not fault.field)]
        except RecursionError:
            faults.append(Fault(field="", code=Code.UNREADABLE))
        else:
            if not faults:
                return Row(record=made, values=values)
    raise Refusal(faults)


def _values(cells: Cells, layout: Layout) -> tuple[dict[str, object], list[Fault]]:
    values: dict[str, object] = {}
    faults: list[Fault] = []
    currency = _currency(cells, next((field for field in layout.fields if field.target == CURRENCY), None))
    for field in layout.fields:
        target = field.target
        raw = cells.get(target, field.constant)
        if raw is None:
            faults += [Fault(field=target, code=Code.MISSING)] if field.required else []
            continue
        if field.type not in UNSEARCHED and _holds_card_number(raw):
            faults.append(Fault(field=target, code=Code.CARD_NUMBER, value=raw))
            continue
        try:
            values[target] = read_value(field, raw, currency)
        except Unreadable as error:
            faults.append(Fault(field=target, code=error.code, value=raw))
    return values, faults


def _currency(cells: Cells, field: LayoutField | None) -> str:
    """The record's currency as far as it can be told: an amount in major units is read by it."""
    try:
        return str(read_value(field, cells.get(CURRENCY, field.constant), "")) if field else ""
    except Unreadable:
        return ""


def _holds_card_number(raw: object) -> bool:
    text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, default=str)
    return len(text) >= SHORTEST and find_card_number(text.encode(errors="replace")) is not None


def nested(values: Mapping[str, object]) -> dict[str, Any]:
    """Values by targets with dots as one shape: `locations.0.city` is the city of the first of its locations."""
    shape: dict[str, Any] = {}
    for target, value in values.items():
        *way, last = target.split(".")
        at = shape
        for part in way:
            at = at.setdefault(part, {})
        at[last] = value
    inner = {target.split(".")[0] for target in values if "." in target}
    return {name: _listed(value) if name in inner else value for name, value in shape.items()}


def _listed(value: Any) -> Any:  # noqa: ANN401  (any JSON)
    if not isinstance(value, dict) or not value:
        return value
    inner = {name: _listed(item) for name, item in value.items()}
    return [inner[name] for name in sorted(inner, key=int)] if all(name.isdigit() for name in inner) else inner


def _faults(error: ValidationError, cells: Cells) -> Iterator[Fault]:
    for detail in error.errors(include_url=False, include_input=False):
        place = ".".join(map(str, detail["loc"]))
        field = place if place in cells else place.split(".")[0]
        if detail["type"] == "value_error":
            code, note = Code.INVALID if field else Code.CONTRADICTION, detail["msg"].removeprefix("Value error, ")
            yield Fault(field=field, code=code, value=cells.get(field), note=note)
        else:
            yield Fault(field=field, code=CODES.get(detail["type"], Code.INVALID), value=cells.get(field))


CODES: Final[Mapping[str, Code]] = {
    "missing": Code.MISSING,
    "amount": Code.AMOUNT,
    "moment": Code.MOMENT,
    "string_pattern_mismatch": Code.PATTERN,
    "string_too_long": Code.LENGTH,
    "string_too_short": Code.LENGTH,
    "too_long": Code.LENGTH,
    "too_short": Code.LENGTH,
    "literal_error": Code.NOT_LISTED,
    "greater_than_equal": Code.RANGE,
    "less_than_equal": Code.RANGE,
    "json_invalid": Code.UNREADABLE,
    "string_type": Code.NOT_TEXT,
}


def _csv_cells(text: str, way: Way) -> Cells:
    found = list(rows(text.encode(), way.layout, "utf-8"))
    cells: Sequence[str] = found[0][1] if found else []
    _same_length(len(cells), way.count)
    _same_mark(cells[0], way.layout)
    return {target: cells[position] for target, position in way.positions.items()}


def _fixed_cells(text: str, way: Way) -> Cells:
    line = text.rstrip("\r\n")
    _same_length(len(line), way.layout.shape[1])
    _same_mark(line[: len(way.layout.detail or "")], way.layout)
    return {field.target: line[slice(*field.span)].strip(" ") for field in way.layout.fields if field.constant is None}


def _same_length(found: int, expected: int) -> None:
    if found != expected:
        raise Refusal([Fault(field="", code=Code.TOO_FEW_CELLS if found < expected else Code.TOO_MANY_CELLS, value=found)])


def _same_mark(found: str, layout: Layout) -> None:
    if layout.detail and found != layout.detail:
        raise Refusal([Fault(field="", code=Code.MARK, value=found)])


def _json_cells(text: str, way: Way) -> Cells:
    members = read_object(text)
    if members is None:
        raise Refusal([Fault(field="", code=Code.UNREADABLE)])
    unknown = [name for name in members if name not in way.members]
    if unknown and way.layout.other_columns == "refuse":
        raise Refusal([Fault(field="", code=Code.UNKNOWN_MEMBER, value=name) for name in unknown])
    return {way.members[name]: value for name, value in members.items() if name in way.members}


CELLS: Final[Mapping[Format, Callable[[str, Way], Cells]]] = {
    Format.CSV: _csv_cells,
    Format.FIXED: _fixed_cells,
    Format.JSONL: _json_cells,
}
