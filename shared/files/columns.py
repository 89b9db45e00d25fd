"""From columns of what stands in cells to columns of values. What can't be proven here is left to the row model, value or not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.files.arrays import each, either, longest, matching, text_bytes, without, without_empty
from shared.files.checks import card_numbers, check_of, formulas
from shared.files.clock_columns import LOCAL_MOMENT, UTC_MOMENT, by_clock, by_clocks, iso_texts
from shared.files.clocks import directives
from shared.files.kinds import CURRENCY
from shared.files.layout import LEFT_OUT, WORDS, ZONE, Layout, LayoutField
from shared.files.proven import PROVEN
from shared.files.rows import UNSEARCHED
from shared.files.shaped_columns import shaped_column
from shared.files.way import Way
from shared.kernel.money import DEFAULT_EXPONENT, exponent

TYPES: Final[Mapping[str, pa.DataType]] = {
    **dict.fromkeys(WORDS, pa.string()),
    **dict.fromkeys(("minor", "major", "whole"), pa.int64()),
    "moment": UTC_MOMENT,
    "bool": pa.bool_(),
    "json": pa.string(),
}
LONGEST_NUMBER: Final = 16
MOST: Final = pa.scalar((1 << 63) - 1, pa.uint64())
NUL: Final = "\x00"
DECIMAL: Final = r"^[0-9]{1,13}(\.[0-9]{1,4})?$"
DAY: Final = r"[0-9]{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
TIME: Final = r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
OFFSET: Final = r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
ISO: Final = {UTC_MOMENT: f"^{DAY}{TIME}{OFFSET}$", LOCAL_MOMENT: f"^{DAY}{TIME}$"}
EPOCH_UNITS: Final = {"epoch_s": (1_000_000, 10**11), "epoch_ms": (1_000, 10**14), "epoch_us": (1, 10**17)}
"""Microseconds of a unit, and how many units are reckoned with at most."""
PLACES_KEPT: Final = 4

Read = tuple[pa.Array, pa.Array | None]
"""Values, null where there are none or none can be told; and where something stands that gives none, None for nowhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """What became of some records."""

    accepted: pa.RecordBatch
    """The values of the records that are proven, by targets."""
    open: pa.Array | None
    """Which records are not proven, of all; None for none of them."""


def schema_of(layout: Layout) -> pa.Schema:
    """The columns of accepted records."""
    return pa.schema([(field.target, TYPES[field.type]) for field in layout.fields])


def read_columns(cells: Mapping[str, pa.Array], count: int, way: Way, schema: pa.Schema, suspect: pa.Array | None = None) -> Columns:
    """Read columns of cells: by places, text or as the format has them, null where empty. `suspect` ones are not proven."""
    layout = way.layout
    columns: dict[str, pa.Array] = {}
    said = {name: _said(array, layout) for name, array in cells.items()} if layout.trim or layout.empty else cells
    masks = [suspect, _left_out(said, way)]
    for field in sorted(layout.fields, key=lambda field: field.target != CURRENCY):  # amounts are read by it
        shaping = way.shapings.get(field.target)
        array, lacking = shaped_column(shaping, said, count) if shaping else (said.get(field.target), None)
        array = array if field.constant is None else pa.repeat(field.constant, count)
        beside = _zones(said, field.target, way) if field.type == "moment" else columns.get(CURRENCY)
        columns[field.target], bad = _column(array, field, count, beside, way)
        masks += [lacking, bad]
    proof = PROVEN.get(layout.kind)
    masks.append(proof(columns) if proof else None)
    ordered = pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
    return _sorted_out(ordered, either(*masks))


def _said(array: pa.Array, layout: Layout) -> pa.Array:
    """A column without what stands for nothing."""
    if not pa.types.is_string(array.type):
        return array
    trimmed = pc.utf8_trim(array, characters=" ") if layout.trim else array
    empty = pc.is_in(trimmed, value_set=pa.array(layout.empty, pa.string()))
    return without_empty(pc.if_else(empty, pa.scalar(None, pa.string()), trimmed))


def _left_out(cells: Mapping[str, pa.Array], way: Way) -> pa.Array | None:
    """Records that are no details, which are told from others one by one."""
    said = cells.get(LEFT_OUT)
    if said is None or not pa.types.is_string(said.type):
        return None
    return pc.fill_null(pc.is_in(said, value_set=pa.array(sorted(way.left_out), pa.string())), fill_value=False)


def _zones(cells: Mapping[str, pa.Array], target: str, way: Way) -> pa.Array | None:
    """The zones that records name for a moment."""
    told = cells.get(f"{target}{ZONE}") if target in way.zones else None
    if told is None or not pa.types.is_string(told.type):
        return None
    return each(told, lambda word: way.zones[target].get(word, word))


def _sorted_out(batch: pa.RecordBatch, bad: pa.Array | None) -> Columns:
    if bad is None or not pc.any(bad).as_py():
        return Columns(accepted=batch, open=None)
    return Columns(accepted=without(batch, bad), open=bad)


def _column(array: pa.Array | None, field: LayoutField, count: int, beside: pa.Array | None, way: Way) -> Read:
    """`beside`: of a moment the zones that records name, else their currencies."""
    is_required = field.target in way.required
    if array is None or array.null_count == count:
        return pa.nulls(count, TYPES[field.type]), pa.repeat(True, count) if is_required and count else None  # noqa: FBT003
    missing = array.is_null() if is_required and array.null_count else None
    if "." in field.target or field.type == "json":
        return pa.nulls(count, TYPES[field.type]), either(missing, array.is_valid())
    values, unread = READERS[field.type](array, field, beside)
    size = longest(values)
    written = array if field.value_map or not pa.types.is_string(values.type) else values
    card = None if field.type in UNSEARCHED or field.constant else card_numbers(written, size if written is values else longest(written))
    checked = check_of(way.layout.record.model, field.target)(values, size)
    return values, either(missing, card, unread, checked)


def _unread(array: pa.Array, values: pa.Array) -> pa.Array | None:
    """Where something stands of which there is no value."""
    return pc.and_(values.is_null(), array.is_valid()) if values.null_count > array.null_count else None


def _none(array: pa.Array, kind: pa.DataType) -> Read:
    return pa.nulls(len(array), kind), array.is_valid()


def _mapped(array: pa.Array, field: LayoutField) -> pa.Array:
    known = field.value_map
    if known is None:
        return array
    return each(array, lambda written: known.get(written, None if NUL in written else field.otherwise))


def _words(array: pa.Array, field: LayoutField, _currency: pa.Array | None) -> Read:
    if not pa.types.is_string(array.type):
        return _none(array, pa.string())
    values = _mapped(array, field)
    return values, either(_unread(array, values), formulas(values) if field.type == "text" else None)


def _whole(array: pa.Array, _field: LayoutField, _currency: pa.Array | None) -> Read:
    if pa.types.is_integer(array.type):
        array = _only(array, pc.less_equal(array, MOST)) if pa.types.is_uint64(array.type) else array
        negative = pc.fill_null(pc.less(array, 0), fill_value=False)
        return pc.cast(array, pa.int64()), negative if pc.any(negative).as_py() else None
    if not pa.types.is_string(array.type):
        return _none(array, pa.int64())
    return _integers(array)


def _integers(array: pa.Array) -> Read:
    if text_bytes(array).isdigit() and longest(array) <= LONGEST_NUMBER:
        return pc.cast(array, pa.int64()), None
    good = pc.and_(pc.ascii_is_decimal(array), pc.less_equal(pc.binary_length(array), LONGEST_NUMBER))
    bad = pc.invert(pc.fill_null(good, fill_value=True))
    return pc.cast(_only(array, pc.invert(bad)), pa.int64()), bad


def _only(array: pa.Array, wanted: pa.Array) -> pa.Array:
    return pc.if_else(wanted, array, pa.scalar(None, array.type))


def _major(array: pa.Array, field: LayoutField, currency: pa.Array | None) -> Read:
    if not pa.types.is_string(array.type):
        return _none(array, pa.int64())
    if field.decimal_mark == ",":
        dotted = pc.and_(pc.invert(pc.match_substring(array, ".")), array.is_valid())
        plain = pc.replace_substring(_only(array, dotted), ",", ".")
    else:
        plain = array
    plain = _only(plain, matching(plain, DECIMAL))
    exact = pc.multiply(pc.cast(plain, pa.decimal128(18, PLACES_KEPT)), pa.scalar(Decimal(10**PLACES_KEPT), pa.decimal128(5, 0)))
    parts = pc.cast(exact, pa.int64())
    divisors = _divisors(currency, len(array))
    minor = pc.divide(parts, divisors)
    values = _only(minor, pc.fill_null(pc.equal(pc.multiply(minor, divisors), parts), fill_value=False))
    return values, _unread(array, values)


def _divisors(currency: pa.Array | None, count: int) -> pa.Array:
    """How many ten-thousandths of a major unit a minor one is."""
    usual = 10 ** (PLACES_KEPT - DEFAULT_EXPONENT)
    if currency is None or not pa.types.is_string(currency.type):
        return pa.repeat(pa.scalar(usual, pa.int64()), count)
    encoded = pc.dictionary_encode(currency)
    known = [10 ** (PLACES_KEPT - exponent(code)) for code in encoded.dictionary.to_pylist()]
    return pc.fill_null(pa.array(known, pa.int64()).take(encoded.indices), usual)


def _bool(array: pa.Array, field: LayoutField, _currency: pa.Array | None) -> Read:
    if pa.types.is_boolean(array.type):
        return array, None
    if not pa.types.is_string(array.type):
        return _none(array, pa.bool_())
    written = _mapped(array, field)
    known = pc.is_in(written, value_set=pa.array(["true", "false"]))
    values = _only(pc.equal(written, "true"), known)
    return values, _unread(array, values)


def _moment(array: pa.Array, field: LayoutField, zones: pa.Array | None) -> Read:
    if field.format in EPOCH_UNITS:
        return _since_epoch(array, field)
    if pa.types.is_timestamp(array.type) or pa.types.is_date32(array.type):
        return _typed_moment(array, field, zones)
    if not pa.types.is_string(array.type):
        return _none(array, UTC_MOMENT)
    has_offset = "z" in directives(field.format) if field.format != "iso" else not (field.zone or field.zone_place)
    read = _cast(array if field.format == "iso" else iso_texts(array, field.format), UTC_MOMENT if has_offset else LOCAL_MOMENT)
    values = read if has_offset else _in_utc(read, field, zones)
    return values, _unread(array, values)


def _in_utc(local: pa.Array, field: LayoutField, zones: pa.Array | None) -> pa.Array:
    """What clocks showed, by the zones that records name, else by the field's; null where neither is told."""
    by_field = by_clock(local, field.zone) if field.zone else pa.nulls(len(local), UTC_MOMENT)
    return by_field if zones is None else pc.if_else(zones.is_valid(), by_clocks(local, zones), by_field)


def _since_epoch(array: pa.Array, field: LayoutField) -> Read:
    unit, most = EPOCH_UNITS[field.format]
    numbers, bad = _whole(array, field, None)
    small = _only(numbers, pc.fill_null(pc.less_equal(numbers, most), fill_value=False))
    values = pc.multiply(small, unit).view(UTC_MOMENT)
    return values, either(bad, _unread(array, values))


def _typed_moment(array: pa.Array, field: LayoutField, zones: pa.Array | None) -> Read:
    is_local = pa.types.is_date32(array.type) or array.type.tz is None
    whole = pc.floor_temporal(array, unit="microsecond") if pa.types.is_timestamp(array.type) and array.type.unit == "ns" else array
    try:
        moments = pc.cast(whole, LOCAL_MOMENT if is_local else UTC_MOMENT)
    except pa.ArrowInvalid:  # beyond the calendar
        return _none(array, UTC_MOMENT)
    values = _in_utc(moments, field, zones) if is_local else moments
    return values, _unread(array, values)


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Moments of text as ISO 8601 has it; null where it may be none."""
    try:
        return pc.cast(array, kind)
    except pa.ArrowInvalid:
        wanted = _only(array, matching(array, ISO[kind]))
    try:
        return pc.cast(wanted, kind)
    except pa.ArrowInvalid:
        return pa.nulls(len(array), kind)


Reader = Callable[[pa.Array, LayoutField, pa.Array | None], Read]
READERS: Final[Mapping[str, Reader]] = {
    **dict.fromkeys(WORDS, _words),
    "minor": _whole,
    "major": _major,
    "whole": _whole,
    "moment": _moment,
    "bool": _bool,
}
