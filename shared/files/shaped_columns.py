"""Columns of cells as their readers read them: the same as `shaping` does one by one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.files.arrays import each, either, matching
from shared.files.layout import LayoutField
from shared.files.shaping import FIGURES, NOUGHT, PLACES_KEPT, ZONED, Cased, Replaced, Shaping, Signed, Step, Ungrouped, Zeros, Zoned

KEPT: Final = pa.decimal128(38, PLACES_KEPT)
TEXT: Final = pa.string()


def shaped_column(shaping: Shaping, cells: Mapping[str, pa.Array], count: int) -> tuple[pa.Array | None, pa.Array | None]:
    """What the reader of a column reads, None where all is empty; and where only some of the parts are filled."""
    array, lacking = _after(cells.get(shaping.field.target), shaping.first), None
    if shaping.credit:
        array = _of_two(array, _after(cells.get(shaping.credit), ()), count)
    if shaping.parts:
        parts = (_after(cells.get(name), steps) for name, steps in shaping.parts)
        array, lacking = _joined([pa.nulls(count, TEXT) if part is None else part for part in (array, *parts)], shaping.field)
    return _after(array, shaping.last), lacking


def _after(array: pa.Array | None, steps: Sequence[Step]) -> pa.Array | None:
    if array is None:
        return None
    text = _as_text(array)
    if pa.types.is_string(text.type):
        for step in steps:
            text = MANY[type(step)](step, text)
    return text


def _as_text(array: pa.Array) -> pa.Array:
    if pa.types.is_integer(array.type) or pa.types.is_date32(array.type):
        return pc.cast(array, TEXT)
    if pa.types.is_decimal(array.type):
        try:
            return pc.cast(pc.cast(array, KEPT), TEXT)
        except pa.ArrowInvalid:  # some have more decimals: each is looked at by itself
            return array
    return array


def _of_two(debit: pa.Array | None, credit: pa.Array | None, count: int) -> pa.Array:
    one, other = (pa.nulls(count, TEXT) if array is None else array for array in (debit, credit))
    if not pa.types.is_string(one.type) or not pa.types.is_string(other.type):
        return pc.if_else(either(one.is_valid(), other.is_valid()), pa.scalar("?"), pa.scalar(None, TEXT))  # the row model reads them
    minus = pc.binary_join_element_wise("-", other, "")
    no_debit, no_credit = (pc.fill_null(pc.match_substring_regex(array, f"^{NOUGHT}$"), fill_value=True) for array in (one, other))
    both = pc.binary_join_element_wise(one, other, " ")
    return pc.if_else(no_credit, pc.coalesce(one, minus), pc.if_else(no_debit, minus, both))


def _joined(texts: Sequence[pa.Array], field: LayoutField) -> tuple[pa.Array, pa.Array | None]:
    some = either(*(text.is_valid() for text in texts))
    if not all(pa.types.is_string(text.type) for text in texts) or not pc.any(some).as_py():
        return pa.nulls(len(texts[0]), TEXT), some
    if field.type == "text":
        joined = pc.binary_join_element_wise(*texts, field.joint, null_handling="skip")
        return pc.if_else(some, joined, pa.scalar(None, TEXT)), None
    joined = pc.binary_join_element_wise(*texts, field.joint)
    return joined, pc.and_(joined.is_null(), some)


def _cased(step: Cased, array: pa.Array) -> pa.Array:
    return pc.ascii_upper(array) if step.case == "upper" else pc.ascii_lower(array)


def _filled(step: Zeros, array: pa.Array) -> pa.Array:
    return pc.if_else(matching(array, f"^{FIGURES}$"), pc.ascii_lpad(array, step.width, "0"), array)


def _zoned(step: Zoned, array: pa.Array) -> pa.Array:
    """The last character is looked up, once for each that there is."""
    fits = matching(array, f"^{ZONED}$")
    last = each(pc.if_else(fits, pc.utf8_slice_codeunits(array, -1), pa.scalar(None, TEXT)), step.one)
    whole = last if step.is_sign else pc.binary_join_element_wise(pc.utf8_slice_codeunits(array, 0, -1), last, "")
    return pc.if_else(fits, whole, array)


def _signed(step: Signed, array: pa.Array) -> pa.Array:
    found = pc.extract_regex(array, f"^{step.pattern}$")
    marks = pc.binary_join_element_wise(pc.struct_field(found, "before"), pc.struct_field(found, "behind"), "")
    sign = each(marks, step.meanings.get)
    return pc.if_else(sign.is_valid(), sign if step.is_sign else pc.struct_field(found, "figures"), array)


def _ungrouped(step: Ungrouped, array: pa.Array) -> pa.Array:
    return pc.if_else(matching(array, f"^{step.pattern}$"), pc.replace_substring(array, step.mark, ""), array)


def _replaced(step: Replaced, array: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(array, f"^{step.pattern}$", step.by.replace(r"\g<1>", r"\1").replace(r"\g<2>", r"\2"))


MANY: Final[Mapping[type[Step], Callable[[Any, pa.Array], pa.Array]]] = {
    Cased: _cased,
    Zeros: _filled,
    Zoned: _zoned,
    Signed: _signed,
    Ungrouped: _ungrouped,
    Replaced: _replaced,
}
