"""The records of a chunk as columns of cells, by format; which records they are, and those that are none of these columns."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, json

from shared.files.arrays import either, is_utf8, longest, text_bytes, without_empty
from shared.files.borders import BREAKS, quote_of, rows
from shared.files.json_schema import schema_of_lines
from shared.files.layout import LONGEST_RECORD
from shared.files.names import Format
from shared.files.way import Way

BLOCK: Final = LONGEST_RECORD
"""Columns of so many bytes of text stay in the processor's caches; a record must fit into a block."""
MOST_GROWTH: Final = 3
"""So many bytes of UTF-8 come of one that is in another encoding, or in none."""
MARK: Final = ""
STRIDE: Final = 1 << 12
"""Lines are counted in pieces of so many bytes."""
NO_NUMBER: Final = re.compile(rb"[:\[,]\s*-?(?:NaN|Inf)")
"""What only some readers take for numbers."""
MOST_NESTED: Final = 64
FEWEST_LINES: Final = 64
"""So many lines of jsonl, of which one does not fit, are left to the row model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Records side by side: columns of cells by targets, null where empty."""

    cells: Mapping[str, pa.Array]
    records: Sequence[int]
    """Which records of the chunk they are, from 0, blank lines left out."""
    suspect: pa.Array | None = None
    """Which of them must be read one by one, None for none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Blocks:
    """The records of a chunk."""

    blocks: list[Block]
    alone: list[int] = field(default_factory=list)
    """Records that have no columns."""


def read_blocks(data: bytes, way: Way) -> Blocks:
    """The records of a chunk of text as columns."""
    return SOURCES[way.layout.format](data, way)


def records_at(data: bytes, way: Way, numbers: Sequence[int], count: int) -> Iterator[tuple[int, bytes]]:
    """Of some of the `count` records of a chunk, in order: how many lines end before each, and the record. Blank lines are no records."""
    before = list(accumulate((data.count(b"\n", at, at + STRIDE) for at in range(0, len(data), STRIDE)), initial=0))
    lines = before[-1] + (not data.endswith(b"\n"))
    if lines == count and (b"\r" not in data or data.count(b"\r") == data.count(b"\r\n")):
        yield from ((number, _line_at(data, number, before)) for number in numbers)  # as nearly always: each record is a line
        return
    records = numbered_records(data, way)
    yield from (records[number] for number in numbers)


def _line_at(data: bytes, number: int, before: Sequence[int]) -> bytes:
    """The line of a number, from 0. `before`: how many lines end before each stride."""
    stride = max(0, bisect_left(before, number) - 1)
    at = stride * STRIDE
    for _ in range(number - before[stride]):
        at = data.find(b"\n", at) + 1
    end = data.find(b"\n", at)
    return data[at : end if end >= 0 else len(data)]


def numbered_records(data: bytes, way: Way) -> list[tuple[int, bytes]]:
    """How many lines end before each record, and the record with its end of line; blank lines left out."""
    quote = quote_of(way.layout)
    if quote is not None and quote in data:
        found = [(record, bool(cells)) for record, cells in rows(data, way.layout)]
    else:
        lines = data.splitlines(keepends=True) if way.layout.format is Format.CSV else [line + b"\n" for line in data.split(b"\n")]
        found = [(line, bool(line.strip(BREAKS))) for line in lines]
    ends = accumulate((record.count(b"\n") for record, _ in found), initial=0)
    return [(before, record) for before, (record, full) in zip(ends, found, strict=False) if full]


def _csv(data: bytes, way: Way) -> Blocks:
    text, undecodable = _as_utf8(data, way)
    misshapen: list[int] = []
    table = _csv_table(text, way, misshapen, BLOCK if text is data else BLOCK * MOST_GROWTH)
    return Blocks(blocks=list(_blocks(table, way, misshapen, undecodable)), alone=misshapen)


def _csv_table(text: bytes, way: Way, misshapen: list[int], block: int) -> pa.Table:
    """The cells of all records but the misshapen, which are numbered; quotes mean what they mean to Python's csv module."""
    names = [str(number) for number in range(way.count)]
    wanted = [str(position) for position in sorted(set(way.positions.values()))]
    if not text or (text.isspace() and not text.strip(BREAKS)):
        return pa.table({name: pa.array([], pa.string()) for name in wanted})

    def skip(row: csv.InvalidRow) -> str:
        misshapen.append(row.number - 1)
        return "skip"

    quote = quote_of(way.layout)
    quoted = quote is not None and quote in text
    return csv.read_csv(
        pa.BufferReader(text),
        csv.ReadOptions(use_threads=False, column_names=names, block_size=block),
        csv.ParseOptions(
            delimiter=way.layout.delimiter,
            quote_char=way.layout.quote if quoted else False,
            double_quote=True,
            newlines_in_values=quoted,
            invalid_row_handler=skip,
        ),
        csv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=["0", *wanted] if way.layout.detail and "0" not in wanted else wanted,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )


def _blocks(table: pa.Table, way: Way, misshapen: list[int], undecodable: set[int]) -> Iterator[Block]:
    gone = set(misshapen)
    numbers: Sequence[int] = range(table.num_rows + len(gone))
    if gone:
        numbers = [number for number in numbers if number not in gone]
    start = 0
    for batch in table.to_batches():
        records = numbers[start : start + batch.num_rows]
        start += batch.num_rows
        cells = {name: batch.column(str(position)) for name, position in way.positions.items()}
        marks = batch.column("0") if way.layout.detail else None
        yield Block(cells=cells, records=records, suspect=_suspect(marks, way, records, undecodable))


def _suspect(marks: pa.Array | None, way: Way, records: Sequence[int], undecodable: set[int]) -> pa.Array | None:
    """Records without the mark of a detail, and those that are no text."""
    broken = pa.array([number in undecodable for number in records]) if undecodable else None
    return either(broken, _without_mark(marks, way.layout.detail or "") if marks is not None else None)


def _without_mark(marks: pa.Array, mark: str) -> pa.Array | None:
    if not marks.null_count and text_bytes(marks) == mark.encode() * len(marks) and longest(marks) == len(mark):
        return None
    return pc.fill_null(pc.not_equal(marks, mark), fill_value=True)


def _as_utf8(data: bytes, way: Way) -> tuple[bytes, set[int]]:
    """The data in UTF-8, and which records are not in the layout's encoding."""
    encoding = way.layout.read_as
    if data.isascii() or (encoding == "utf-8" and is_utf8(data)):
        return data, set()
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode(encoding, errors="replace")
        records = enumerate(numbered_records(data, way))
        return text.encode(), {number for number, (_, record) in records if not _is_text(record, encoding)}
    return text.encode(), set()


def _is_text(record: bytes, encoding: str) -> bool:
    try:
        record.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _fixed(data: bytes, way: Way) -> Blocks:
    text, undecodable = _as_utf8(data, way)
    lines = [line for line in text.replace(b"\r\n", b"\n").split(b"\n") if line.strip(BREAKS)]
    blocks = []
    size = max(1, BLOCK // (way.layout.shape[1] + 1))
    for start in range(0, len(lines), size):
        records = range(start, min(start + size, len(lines)))
        blocks.append(_fixed_block(pa.array(lines[start : start + size], pa.string()), way, records, undecodable))
    return Blocks(blocks=blocks)


def _fixed_block(lines: pa.Array, way: Way, records: Sequence[int], undecodable: set[int]) -> Block:
    length, mark = way.layout.shape[1], way.layout.detail or ""
    plain = pc.all(pc.string_is_ascii(lines)).as_py()
    wrong = pc.not_equal(pc.binary_length(lines) if plain else pc.utf8_length(lines), length)
    if undecodable:
        wrong = pc.or_(wrong, pa.array([number in undecodable for number in records]))
    if mark:
        wrong = pc.or_(wrong, pc.invert(pc.starts_with(lines, mark)))
    whole = pc.cast(lines, pa.binary()) if plain else lines
    cells = {}
    for name, place in way.places.items():
        part = pc.binary_slice(whole, *place.span) if plain else pc.utf8_slice_codeunits(whole, *place.span)
        cells[name] = without_empty(pc.utf8_trim(pc.cast(part, pa.string()), characters=" "))
    return Block(cells=cells, records=records, suspect=wrong if pc.any(wrong).as_py() else None)


def _jsonl(data: bytes, way: Way) -> Blocks:
    lines = [line for line in data.split(b"\n") if line.strip(BREAKS)]
    alone = _odd_lines(data, lines, way)
    numbers: Sequence[int] = range(len(lines))
    if alone:
        odd = set(alone)
        numbers = [number for number in numbers if number not in odd]
        lines = [lines[number] for number in numbers]
    others = "ignore" if way.layout.other_columns == "ignore" else "error"
    reading = json.ParseOptions(explicit_schema=schema_of_lines(lines, way), unexpected_field_behavior=others)
    blocks: list[Block] = []
    for start, some in _fitting(lines, reading, 0):
        if isinstance(some, int):
            alone += numbers[start : start + some]
        else:
            blocks += _json_blocks(some, way, numbers[start : start + some.num_rows])
    return Blocks(blocks=blocks, alone=alone)


def _odd_lines(data: bytes, lines: Sequence[bytes], way: Way) -> list[int]:
    """Lines that columns are not asked of: with members of any shape, escapes, what is no number everywhere, bytes that are no text."""
    marks = [b"\\u", *(f'"{told.column}"'.encode() for told in way.layout.fields if told.type == "json")]
    found = [mark for mark in marks if mark in data]
    is_text, has_others = is_utf8(data), NO_NUMBER.search(data)
    if not found and is_text and not has_others:
        return []
    return [
        number
        for number, line in enumerate(lines)
        if any(mark in line for mark in found) or (has_others and NO_NUMBER.search(line)) or not (is_text or _is_text(line, "utf-8"))
    ]


def _fitting(lines: list[bytes], reading: json.ParseOptions, start: int) -> Iterator[tuple[int, Any]]:
    """Tables of lines that all fit into the columns, and how many lines there are where some do not; with the first line's number."""
    if not lines:
        return
    table = _json_table(lines, reading)
    if table is not None:
        yield start, table
    elif len(lines) <= FEWEST_LINES:
        yield start, len(lines)
    else:
        half = len(lines) // 2
        yield from _fitting(lines[:half], reading, start)
        yield from _fitting(lines[half:], reading, start + half)


def _json_table(lines: list[bytes], reading: json.ParseOptions) -> pa.Table | None:
    """The lines as columns; None where one is no object of its own with these members at most, or one of very many others."""
    if not all(line.startswith(b"{") and line.rstrip(BREAKS).endswith(b"}") and _is_shallow(line) for line in lines):
        return None
    try:
        table = json.read_json(
            pa.BufferReader(b"\n".join(lines)),
            json.ReadOptions(use_threads=False, block_size=max(BLOCK, 2 * max(map(len, lines)))),
            reading,
        )
    except pa.ArrowInvalid:
        return None
    return table if table.num_rows == len(lines) else None


def _is_shallow(line: bytes) -> bool:
    """Whether it can't be nested so deeply that arrow's reader has no end of it."""
    return line.count(b"{") + line.count(b"[") <= MOST_NESTED


def _json_blocks(table: pa.Table, way: Way, numbers: Sequence[int]) -> Iterator[Block]:
    start = 0
    for batch in table.to_batches():
        yield Block(cells=_by_target(batch, way), records=numbers[start : start + batch.num_rows])
        start += batch.num_rows


def _by_target(batch: pa.RecordBatch, way: Way) -> dict[str, pa.Array]:
    there = set(batch.schema.names)
    return {name: _as_text(_member(batch, steps)) for name, steps in way.members.items() if steps[0] in there}


def _member(batch: pa.RecordBatch, steps: Sequence[str]) -> pa.Array:
    found = batch.column(steps[0])
    for step in steps[1:]:
        found = pc.struct_field(found, step)
    return found


def _as_text(array: pa.Array) -> pa.Array:
    """Text of any make as text, null where empty; anything else as it is."""
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    return without_empty(pc.cast(array, pa.string())) if pa.types.is_large_string(kind) or pa.types.is_string(kind) else array


def parquet_block(batch: pa.RecordBatch, way: Way) -> Block:
    """Records of parquet."""
    return Block(cells=_by_target(batch, way), records=range(batch.num_rows))


SOURCES: Final[Mapping[Format, Callable[[bytes, Way], Blocks]]] = {Format.CSV: _csv, Format.FIXED: _fixed, Format.JSONL: _jsonl}
