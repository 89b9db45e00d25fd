"""From columns of values to the text of a file as its layout writes it: the way back from reading."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import lru_cache, partial
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from shared.files.arrays import by_value, decoded, each, iso_text, json_text, longest, text_bytes
from shared.files.clock_columns import LOCAL_MOMENT, QUARTER
from shared.files.kinds import CURRENCY
from shared.files.layout import WORDS, Layout, LayoutField, Place
from shared.files.layout_checks import read_only
from shared.files.names import Format
from shared.files.totals import Totals
from shared.files.values import EPOCH
from shared.kernel.errors import Invalid, Problem
from shared.kernel.money import DEFAULT_EXPONENT, exponent

Columns = Mapping[str, pa.Array]
"""Values by targets: text, whole numbers, moments in UTC, truths, and of `json` its text; a target that is left out is empty."""
Cells = Mapping[str, pa.Array]
"""Text by targets, as it stands in the record but for what a format puts around it; null where empty."""
EPOCH_PARTS: Final = {"epoch_s": "s", "epoch_ms": "ms", "epoch_us": "us"}
BREAKS: Final = ("\n", "\r")
LONGEST_MOMENT: Final = 26


class Unwritable(Invalid):
    """A value does not fit where its layout writes it."""

    code = "unwritable"


def cells_of(columns: Columns, layout: Layout) -> Cells:
    """What stands in the cells of some records. A value that the value map of its field has no word for is left out.

    A moment is written by the clock of its zone where the layout has a format for it: of an hour that comes twice it reads as the first.
    """
    currency = _currency(columns, layout)
    told = [field for field in layout.fields if field.constant is None and field.target in columns]
    return {field.target: WRITERS[field.type](columns[field.target], field, currency) for field in told}


def _currency(columns: Columns, layout: Layout) -> pa.Array | None:
    constant = next((field.constant for field in layout.fields if field.target == CURRENCY), None)
    return columns.get(CURRENCY) if constant is None else pa.repeat(constant, len(next(iter(columns.values()))))


def lines_of(cells: Cells, count: int, layout: Layout) -> pa.Array:
    """Some records as lines, each with its end. Raises Unwritable of a value that is wider than its place (fixed)."""
    return joined(quoted(cells, layout), count, layout)


def quoted(cells: Cells, layout: Layout) -> Cells:
    """The cells of a csv with what they need around them; those of other formats as they are."""
    if layout.format is not Format.CSV:
        return cells
    return {target: by_value(column, partial(_quoted_cells, layout=layout)) for target, column in cells.items()}


def joined(cells: Cells, count: int, layout: Layout) -> pa.Array:
    """Some records as lines, of cells that have what they need around them."""
    return LINES[layout.format]({target: decoded(column) for target, column in cells.items()}, count, layout)


def encoded(lines: pa.Array, layout: Layout) -> bytes:
    """The bytes of lines; what the layout's encoding has no character for becomes `?`."""
    data = text_bytes(lines)
    return data if layout.encoding == "utf-8" or data.isascii() else data.decode().encode(layout.encoding, "replace")


def head(layout: Layout, file_id: str) -> bytes:
    """What goes before the details: the header and the names of the columns, where the layout has them.

    Raises Unwritable of a layout that can be read alone.
    """
    problems = tuple(Problem(path="", message=message) for message in read_only(layout))
    if problems:
        raise Unwritable(problems=problems)
    header = layout.header
    records = [_record(layout, header.mark, [(header.file_id, file_id)])] if header else []
    if layout.column_names:
        names = [str(field.column) for field in layout.fields if field.constant is None]
        marked = ["record", *names] if layout.detail else names
        records.append(layout.delimiter.join(_quoted(name, layout) for name in marked))
    return "".join(f"{record}\n" for record in records).encode(layout.encoding)


def tail(layout: Layout, totals: Totals) -> bytes:
    """What goes behind the details: the trailer, where the layout has one."""
    trailer = layout.trailer
    if trailer is None:
        return b""
    sums = {trailer.currency: totals.sums.get(trailer.currency, 0)} if trailer.currency else totals.sums
    said = " ".join(str(minor) if trailer.currency else f"{code}:{minor}" for code, minor in sorted(sums.items()))
    told = [(trailer.record_count, str(totals.count)), (trailer.entry_hash, f"{totals.entry_hash:010}"), (trailer.sums, said)]
    return f"{_record(layout, trailer.mark, told)}\n".encode(layout.encoding)


def _record(layout: Layout, mark: str, told: list[tuple[Place | None, str]]) -> str:
    return RECORDS[layout.format](layout, mark, [(place, text) for place, text in told if place])


def _csv_record(layout: Layout, mark: str, told: list[tuple[Place, str]]) -> str:
    cells = [mark, *([""] * (max((place.position or 1 for place, _ in told), default=1) - 1))]
    for place, text in told:
        cells[(place.position or 1) - 1] = text
    return layout.delimiter.join(cells)


def _fixed_record(layout: Layout, mark: str, told: list[tuple[Place, str]]) -> str:
    line = mark.ljust(layout.shape[1])
    for place, text in told:
        start, stop = place.span
        if len(text) > stop - start:
            raise Unwritable(f"{text!r} is wider than the {stop - start} characters of its place.")
        line = line.ljust(stop)[:start] + text.ljust(stop - start) + line[stop:]
    return line


def _json_record(layout: Layout, mark: str, told: list[tuple[Place, str]]) -> str:
    return json.dumps({layout.mark_column: mark} | {str(place.column): text for place, text in told})


RECORDS: Final[Mapping[Format, Callable[[Layout, str, list[tuple[Place, str]]], str]]] = {
    Format.CSV: _csv_record,
    Format.FIXED: _fixed_record,
    Format.JSONL: _json_record,
}


def _words(column: pa.Array, field: LayoutField, _currency: pa.Array | None) -> pa.Array:
    meanings = field.value_map
    if meanings is None:
        return column
    words = {meaning: word for word, meaning in reversed(list(meanings.items()))}
    return each(column, words.get)


def _whole(column: pa.Array, _field: LayoutField, _currency: pa.Array | None) -> pa.Array:
    return pc.cast(column, pa.string())


def _major(column: pa.Array, field: LayoutField, currency: pa.Array | None) -> pa.Array:
    """Exact decimals, with as many places as each currency has."""
    codes = pc.dictionary_encode(currency)
    known = pa.array([exponent(code) for code in codes.dictionary.to_pylist()], pa.int64())
    digits = pc.fill_null(known.take(codes.indices), DEFAULT_EXPONENT)
    by_places = {places: _decimals(column, places, field.decimal_mark) for places in pc.unique(digits).to_pylist()}
    if len(by_places) == 1:
        return by_places.popitem()[1]
    return pc.coalesce(*(pc.if_else(pc.equal(digits, places), some, None) for places, some in by_places.items()))


def _decimals(column: pa.Array, digits: int, mark: str) -> pa.Array:
    if not digits:
        return pc.cast(column, pa.string())
    whole = pc.divide(column, 10**digits)
    fraction = pc.subtract(column, pc.multiply(whole, 10**digits))
    return pc.binary_join_element_wise(pc.cast(whole, pa.string()), pc.ascii_lpad(pc.cast(fraction, pa.string()), digits, "0"), mark)


def _bool(column: pa.Array, field: LayoutField, currency: pa.Array | None) -> pa.Array:
    return _words(pc.cast(column, pa.string()), field, currency)


def _moment(column: pa.Array, field: LayoutField, _currency: pa.Array | None) -> pa.Array:
    if field.format in EPOCH_PARTS:
        return pc.cast(
            pc.cast(column.view(LOCAL_MOMENT), pa.timestamp(EPOCH_PARTS[field.format]), safe=False).view(pa.int64()), pa.string()
        )
    moments = column.view(LOCAL_MOMENT)
    if field.format == "iso":
        return pc.binary_replace_slice(iso_text(moments), LONGEST_MOMENT, LONGEST_MOMENT, "Z")  # behind the last character
    seconds = pc.cast(_by_clock(moments, str(field.zone)), pa.timestamp("s"), safe=False)
    return pc.strftime(seconds, field.format)


def _by_clock(moments: pa.Array, zone: str) -> pa.Array:
    """What the clocks of a zone showed."""
    quarters = pc.dictionary_encode(pc.floor_temporal(moments, 15, "minute").view(pa.int64()))
    ahead = pa.array([_ahead(start // QUARTER, zone) for start in quarters.dictionary.to_pylist()], pa.int64())
    return pc.add(moments.view(pa.int64()), ahead.take(quarters.indices)).view(LOCAL_MOMENT)


@lru_cache(maxsize=1 << 16)
def _ahead(quarter: int, zone: str) -> int:
    """By how many microseconds a zone's clock is ahead of UTC in a quarter of an hour since 1970."""
    offset = (EPOCH + timedelta(microseconds=quarter * QUARTER)).astimezone(ZoneInfo(zone)).utcoffset()
    return round((offset or timedelta()) / timedelta(microseconds=1))


Writer = Callable[[pa.Array, LayoutField, pa.Array | None], pa.Array]
WRITERS: Final[Mapping[str, Writer]] = {
    **dict.fromkeys(WORDS, _words),
    "minor": _whole,
    "major": _major,
    "whole": _whole,
    "moment": _moment,
    "bool": _bool,
    "json": _words,
}


def _csv_lines(cells: Cells, count: int, layout: Layout) -> pa.Array:
    written = [field for field in layout.fields if field.constant is None]
    if layout.column_names:
        places = dict(enumerate(written, start=1 if layout.detail else 0))
    else:
        places = {(field.position or 1) - 1: field for field in written}
    width = len(places) + bool(layout.detail) if layout.column_names else layout.shape[0]
    row = [_csv_cell(cells.get(places[place].target)) if place in places else "" for place in range(width)]
    if layout.detail:
        row[0] = layout.detail
    row[-1] = f"{row[-1]}\n" if isinstance(row[-1], str) else pc.binary_join_element_wise(pc.fill_null(row[-1], ""), "\n", "")
    pieces = _together(row, layout.delimiter)
    if len(pieces) == 1 and isinstance(pieces[0], str):
        return pa.repeat(pieces[0], count)
    return pc.binary_join_element_wise(*pieces, layout.delimiter, null_handling="replace", null_replacement="")


def _together(pieces: list[pa.Array | str], between: str) -> list[pa.Array | str]:
    """Text that follows text as one piece."""
    together: list[pa.Array | str] = []
    for piece in pieces:
        if isinstance(piece, str) and together and isinstance(together[-1], str):
            together[-1] += between + piece
        else:
            together.append(piece)
    return together


def _csv_cell(column: pa.Array | None) -> pa.Array | str:
    return "" if column is None or column.null_count == len(column) else column


def _quoted_cells(column: pa.Array, layout: Layout) -> pa.Array:
    data = text_bytes(column)
    if not any(mark.encode() in data for mark in _marks(layout)):
        return column
    return each(column, lambda text: _quoted(text, layout))


def _marks(layout: Layout) -> tuple[str, ...]:
    return (layout.delimiter, *BREAKS, *([layout.quote] if layout.quote else []))


def _quoted(text: str, layout: Layout) -> str:
    """A cell with what it needs around it; where a layout has no quotes, blanks stand for what would break the record."""
    quote = layout.quote
    if not any(mark in text for mark in _marks(layout)):
        return text
    if quote is None:
        return "".join(" " if character in _marks(layout) else character for character in text)
    return quote + text.replace(quote, quote * 2) + quote


def _fixed_lines(cells: Cells, count: int, layout: Layout) -> pa.Array:
    pieces: list[pa.Array | str] = [layout.detail or ""]
    at = len(layout.detail or "")
    for field in sorted((field for field in layout.fields if field.constant is None), key=lambda field: field.span):
        start, stop = field.span
        pieces += [" " * (start - at), _padded(cells.get(field.target), field)]
        at = stop
    return _joined([*pieces, " " * (layout.shape[1] - at), "\n"], count)


def _padded(column: pa.Array | None, field: LayoutField) -> pa.Array | str:
    width = field.width or 0
    if column is None or column.null_count == len(column):
        return " " * width
    if longest(column) > width:
        wide = pc.greater(pc.utf8_length(column), width)
        if field.type != "text" and pc.any(wide).as_py():
            raise Unwritable(f"A value of {field.target} is wider than the {width} characters of its place.")
        column = pc.utf8_slice_codeunits(column, 0, width)
    padded = (pc.ascii_rpad if text_bytes(column).isascii() else pc.utf8_rpad)(column, width, " ")
    return pc.fill_null(padded, " " * width) if padded.null_count else padded


def _json_lines(cells: Cells, count: int, layout: Layout) -> pa.Array:
    pieces: list[pa.Array | str] = []
    for field in layout.fields:
        column = cells.get(field.target)
        if field.constant is not None or column is None or column.null_count == len(column):
            continue
        quote = "" if _is_bare(field) else '"'
        before, value = f',"{field.column}":{quote}', column if _is_bare(field) else json_text(column)
        pieces += [pc.binary_join_element_wise(before, value, quote, "")] if column.null_count else [before, value, quote]
    return pc.binary_replace_slice(_joined([*pieces, "}\n"], count), 0, 1, "{")  # the first comma


def _is_bare(field: LayoutField) -> bool:
    """Whether JSON has the value without quotes."""
    return field.type in {"minor", "whole", "json"} or (field.type == "bool" and field.values is None) or field.format in EPOCH_PARTS


def _joined(pieces: list[pa.Array | str], count: int) -> pa.Array:
    """Pieces side by side, in each of `count` lines; null is nothing."""
    together = _together(pieces, "")
    arrays = [pa.repeat(piece, count) if isinstance(piece, str) else piece for piece in together if not isinstance(piece, str) or piece]
    return pc.binary_join_element_wise(*arrays, "", null_handling="skip")


LINES: Final[Mapping[Format, Callable[[Cells, int, Layout], pa.Array]]] = {
    Format.CSV: _csv_lines,
    Format.FIXED: _fixed_lines,
    Format.JSONL: _json_lines,
}
