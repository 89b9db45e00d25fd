"""Where records end: after an end of line outside quotes, exactly as Python's csv module sees it."""

import _csv
import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from shared.files.layout import LONGEST_RECORD, Layout
from shared.files.names import Format

NEWLINE: Final = b"\n"
BREAKS: Final = b"\r\n"
ANY_BYTE: Final = "iso-8859-1"
"""Reads any bytes, each as one character."""
END: Final = "\x00"


def quote_of(layout: Layout) -> bytes | None:
    """What may hide an end of line within a record of the layout; None where every line is a record."""
    return layout.quote.encode() if layout.format is Format.CSV and layout.quote else None


def last_border(data: bytes, layout: Layout) -> int:
    """Behind which byte the last whole record ends, of data that begin with a record; 0 where none ends."""
    quote = quote_of(layout)
    if quote is None or quote not in data:
        return data.rfind(NEWLINE) + 1
    pieces = data.split(quote)
    if _quotes_are_regular(pieces, layout.delimiter.encode()):
        return _last_border_outside(pieces, len(data))
    return _last_border_by_csv(data[: data.rfind(NEWLINE) + 1], layout)


def rows(data: bytes, layout: Layout, encoding: str = ANY_BYTE) -> Iterator[tuple[bytes, list[str]]]:
    """Each record of csv data that begin and end with one: its bytes, and its cells; none for a blank line."""
    lines = list(io.StringIO(data.decode(encoding), newline=""))
    reader = _reader(lines, layout)
    before = 0
    for cells in reader:
        yield "".join(lines[before : reader.line_num]).encode(encoding), cells
        before = reader.line_num


def _quotes_are_regular(pieces: Sequence[bytes], delimiter: bytes) -> bool:
    """Whether each quote opens a cell, closes one or is one of two within: then what lies inside and outside takes turns.

    `pieces`: data that begin with a record, split at the quotes.
    """
    breaks = {b"", delimiter, b"\n", b"\r"}
    outside = set(pieces[2:-1:2])
    closing = {*outside, *pieces[len(pieces) - 1 :: 2][: len(pieces) % 2]}
    return (
        {piece[:1] for piece in closing if len(pieces) > 1} <= breaks
        and {piece[-1:] for piece in outside} <= breaks
        and pieces[0][-1:] in breaks
    )


def _last_border_outside(pieces: Sequence[bytes], length: int) -> int:
    end = length
    for number in range(len(pieces) - 1, -1, -1):
        start = end - len(pieces[number])
        if number % 2 == 0 and NEWLINE in pieces[number]:
            return start + pieces[number].rfind(NEWLINE) + 1
        end = start - 1
    return 0


def _last_border_by_csv(data: bytes, layout: Layout) -> int:
    """A line is put behind: if it is a record of its own, so is all before it, else it lies in the quotes of the last one."""
    lines = [*io.StringIO(data.decode(ANY_BYTE), newline=""), END]
    reader = _reader(lines, layout)
    before = start = 0
    for _ in reader:
        start, before = before, reader.line_num
    return sum(map(len, lines[:start]))


def _reader(lines: list[str], layout: Layout) -> "_csv.Reader":
    csv.field_size_limit(LONGEST_RECORD * 2)
    if layout.quote is None:
        return csv.reader(lines, delimiter=layout.delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=layout.delimiter, quotechar=layout.quote)
