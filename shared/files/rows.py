"""One record at a time through the row model: the law for what is taken, and the one place that tells why something is not."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from shared.files.borders import rows
from shared.files.json_objects import Twice, read_object, read_wide_object
from shared.files.layout import LEFT_OUT, ZONE, Layout, LayoutField
from shared.files.names import Format
from shared.files.rejects import Code, Fault
from shared.files.shaping import shaped
from shared.files.values import Unreadable, read_value
from shared.files.way import Way
from shared.kernel.cards import SHORTEST, find_card_number
from shared.kernel.wire import Wire

Cells = dict[str, object]
"""What stands in a record, by the names of its places; what is empty is left out."""
MOST_FAULTS: Final = 20
UNSEARCHED: Final = frozenset({"moment", "bool"})
"""What no card number can be in."""


class Refusal(Exception):
    """A record is not taken."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """All that is wrong with it."""
        self.faults = tuple(faults)[:MOST_FAULTS]
        super().__init__(len(self.faults))


class LeftOut(Exception):
    """A record is no detail: it is passed over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A record that is taken."""

    record: Wire
    """As the row model has it."""
    values: Mapping[str, object]
    """What was written, by targets: text, numbers, moments in UTC, truths; of `json` any shape."""


def read_record(record: bytes, way: Way) -> Row:
    """A record as the row model has it. Raises Refusal with every fault, LeftOut for what is no detail."""
    return read_cells(cells_of(record, way), way)


def cells_of(record: bytes, way: Way) -> Cells:
    """What stands in a record of text. Raises Refusal where that can't be told, LeftOut for what is no detail."""
    try:
        text = record.decode(way.layout.read_as)
    except UnicodeDecodeError as error:
        raise Refusal([Fault(field="", code=Code.ENCODING)]) from error
    return said_in(CELLS[way.layout.format](text, way), way)


def said_in(cells: Cells, way: Way) -> Cells:
    """Cells without those that are empty. Raises LeftOut for what is no detail."""
    trimmed = {name: raw.strip(" ") if way.layout.trim and isinstance(raw, str) else raw for name, raw in cells.items()}
    _pass_over(trimmed.get(LEFT_OUT), way)
    nothing = (None, "", *way.layout.empty)
    return {name: raw for name, raw in trimmed.items() if not (raw is None or isinstance(raw, str)) or raw not in nothing}


def read_cells(cells: Cells, way: Way) -> Row:
    """The record of its cells as the row model has it. Raises Refusal with every fault."""
    layout = way.layout
    values, faults = _values(cells, way)
    if not any(fault.code is Code.MISSING for fault in faults):
        faulty = {fault.field for fault in faults}
        try:
            made = layout.record.model.model_validate_json(json.dumps(nested(values), default=_as_json))
        except ValidationError as error:
            faults += [fault for fault in _faults(error, cells) if fault.field not in faulty and not (faulty and not fault.field)]
        except RecursionError:
            faults.append(Fault(field="", code=Code.UNREADABLE))
        else:
            if not faults:
                return Row(record=made, values=values)
    raise Refusal(faults)


def _values(cells: Cells, way: Way) -> tuple[dict[str, object], list[Fault]]:
    values: dict[str, object] = {}
    faults: list[Fault] = []
    currency = _currency(cells, way)
    for field in way.layout.fields:
        target, raw = field.target, cells.get(field.target)
        try:
            raw = _raw(cells, field, way)
            if raw is None:
                faults += [Fault(field=target, code=Code.MISSING)] if field.required else []
            elif field.type not in UNSEARCHED and _holds_card_number(raw):
                faults.append(Fault(field=target, code=Code.CARD_NUMBER, value=raw))
            else:
                values[target] = read_value(field, raw, _zone(cells, target, way) if field.type == "moment" else currency)
        except Unreadable as error:
            faults.append(Fault(field=target, code=error.code, value=raw))
    return values, faults


def _raw(cells: Cells, field: LayoutField, way: Way) -> object:
    """What its reader reads of a field."""
    shaping = way.shapings.get(field.target)
    return shaped(shaping, cells) if shaping else cells.get(field.target, field.constant)


def _currency(cells: Cells, way: Way) -> str:
    """The record's currency as far as it can be told: an amount in major units is read by it."""
    try:
        return str(read_value(way.currency, _raw(cells, way.currency, way), "")) if way.currency else ""
    except Unreadable:
        return ""


def _zone(cells: Cells, target: str, way: Way) -> str:
    """The zone that a record names for a moment."""
    if target not in way.zones:
        return ""
    word = cells.get(f"{target}{ZONE}")
    return way.zones[target].get(word, word) if isinstance(word, str) else ""


def _as_json(value: object) -> object:
    """What JSON of Python's does not know: moments, and decimals within shapes, which the row model judges as the floats that they are."""
    return value.isoformat() if isinstance(value, datetime) else float(str(value))


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
    _pass_over(cells[at].strip(" ") if 0 <= (at := way.positions.get(LEFT_OUT, -1)) < len(cells) else None, way)
    _same_length(len(cells), way.count)
    _same_mark(cells[0], way.layout)
    return {name: cells[position] for name, position in way.positions.items()}


def _pass_over(said: object, way: Way) -> None:
    """Records of other kinds may have other shapes: whether it is one is seen first."""
    if isinstance(said, str) and said in way.left_out:
        raise LeftOut


def _fixed_cells(text: str, way: Way) -> Cells:
    line = text.rstrip("\r\n")
    if way.layout.left_out:
        _pass_over(line[slice(*way.layout.left_out.span)].strip(" "), way)
    _same_length(len(line), way.length)
    _same_mark(line[: len(way.layout.detail or "")], way.layout)
    return {name: line[slice(*place.span)].strip(" ") for name, place in way.places.items()}


def _same_length(found: int, expected: int) -> None:
    if found != expected:
        raise Refusal([Fault(field="", code=Code.TOO_FEW_CELLS if found < expected else Code.TOO_MANY_CELLS, value=found)])


def _same_mark(found: str, layout: Layout) -> None:
    if layout.detail and found != layout.detail:
        raise Refusal([Fault(field="", code=Code.MARK, value=found)])


def _json_cells(text: str, way: Way) -> Cells:
    members = read_wide_object(text) if way.layout.other_columns == "ignore" else read_object(text)
    if members is None:
        raise Refusal([Fault(field="", code=Code.UNREADABLE)])
    found = {name: _at(members, steps) for name, steps in way.members.items()}
    _pass_over(found.get(LEFT_OUT), way)
    unknown = [name for name in members if name not in way.known_members]
    if unknown and way.layout.other_columns == "refuse":
        raise Refusal([Fault(field="", code=Code.UNKNOWN_MEMBER, value=name) for name in unknown])
    return found


def _at(members: object, steps: Sequence[str]) -> object:
    for step in steps:
        if isinstance(members, Twice) and step in members.names:
            raise Refusal([Fault(field="", code=Code.UNREADABLE)])
        members = members.get(step) if isinstance(members, dict) else None
    return members


CELLS: Final[Mapping[Format, Callable[[str, Way], Cells]]] = {
    Format.CSV: _csv_cells,
    Format.FIXED: _fixed_cells,
    Format.JSONL: _json_cells,
}
