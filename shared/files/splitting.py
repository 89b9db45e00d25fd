"""Cutting a stream of bytes into chunks of whole records, with memory bounded by the chunk."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from shared.files.borders import BREAKS, NEWLINE, last_border, quote_of
from shared.files.layout import LONGEST_RECORD, Layout
from shared.kernel.errors import Invalid

CHUNK_BYTES: Final = 8 << 20
BOM: Final = b"\xef\xbb\xbf"
CHUNK_LINES: Final = 1 << 17
"""What is held of each line, when it is read, bounds them: lines of a few bytes are many more than 8 MiB of any others."""
STRIDE: Final = 1 << 16
STRANGERS: Final = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "a zip archive",
    b"PAR1": "Parquet",
    b"-----BEGIN PGP": "encrypted",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet or another document",
    b"%PDF": "PDF",
    b"<?xml": "XML",
    b"<html": "a web page",
    b"<!DOCTYPE": "a web page",
}
"""What no text of a layout begins with."""
HEAD_LINES: Final = 2
"""The header, and the names of the columns."""


class NoText(Invalid):
    """The file is not what its name and layout say."""

    code = "no_text"


class Unsplittable(Invalid):
    """The file can't be cut into records from a line on."""

    def __init__(self, line: int) -> None:
        """The line where the record begins, from 1."""
        self.line = line
        super().__init__(f"{(type(self).__doc__ or '').rstrip('.')}: line {line}.")


class RecordTooLong(Unsplittable):
    """A record is longer than 1 MiB."""

    code = "record_too_long"


class QuoteNeverCloses(Unsplittable):
    """A quote opens and never closes."""

    code = "quote_never_closes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """Whole records that follow each other. Of a plain file its range is enough to find it again."""

    number: int
    """From 1."""
    start: int
    """Its first byte in the plain data."""
    first_line: int
    """From 1, in the file."""
    lines: int
    data: bytes = field(repr=False)

    @property
    def stop(self) -> int:
        """The byte after its last."""
        return self.start + len(self.data)


@dataclass(kw_only=True, slots=True)
class Splitter:
    """Cuts one file. What stands around the details is kept aside, and whole once the chunks are."""

    layout: Layout
    size: int = CHUNK_BYTES
    """A chunk is about as long: a record longer, or shorter where the file ends."""
    longest: int = LONGEST_RECORD
    """A record that is longer ends the file."""
    header: bytes | None = None
    """The first record, of a layout that has a header."""
    names: bytes | None = None
    """The line with the names of the columns, of a layout that has one."""
    trailer: bytes | None = None
    """The last record, of a layout that has a trailer."""
    _parts: list[bytes] = field(default_factory=list)
    """Whole records of the next chunk."""
    _whole: int = 0
    """So many bytes they are."""
    _lines: int = 0
    """So many lines they are."""
    _rest: bytes = b""
    """What was read, from `_at` on not yet found to be whole records."""
    _at: int = 0
    _start: int = 0
    _line: int = 1
    _number: int = 0

    def split(self, blocks: Iterable[bytes]) -> Iterator[Chunk]:
        """The chunks of the details, in order. `blocks`: the plain data in pieces of any size.

        Raises NoText of what is no text, RecordTooLong or QuoteNeverCloses where a record that begins in a line has no end in reach.
        """
        begun = False
        for block in blocks:
            self._rest, self._at = self._rest[self._at :] + block, 0
            begun = begun or (self._unread >= (HEAD_LINES + self.layout.lines_before) * self.longest + len(BOM) and self._begin())
            if begun:
                yield from self._whole_chunks()
        if not begun:
            self._begin()
        yield from self._end()

    @property
    def _unread(self) -> int:
        return len(self._rest) - self._at

    def _whole_chunks(self) -> Iterator[Chunk]:
        """Chunks as far as windows are full: they are the same in whatever pieces the data come."""
        while True:
            if self._is_full:
                if not self._more_follows():
                    return
                yield from self._cut(b"".join(self._parts), self._lines)
            elif self._unread >= self.longest:
                self._advance()
            else:
                return

    @property
    def _is_full(self) -> bool:
        return self._whole >= self.size or self._lines >= CHUNK_LINES

    def _begin(self) -> bool:
        for mark, what in STRANGERS.items():
            if self._rest.startswith(mark):
                raise NoText(f"The file is {what}, and its name and layout don't say so.")
        if self._rest.startswith(BOM):
            self._skip(len(BOM))
        for _ in range(self.layout.lines_before):
            self._line_ahead()
        self.header = self._line_ahead() if self.layout.header else None
        self.names = self._line_ahead() if self.layout.column_names else None
        return True

    def _line_ahead(self) -> bytes:
        end = self._rest.find(NEWLINE, self._at, self._at + self.longest) + 1 or len(self._rest)
        if end - self._at > self.longest:
            raise RecordTooLong(self._line)
        line = self._rest[self._at : end]
        self._skip(len(line))
        self._line += line.count(NEWLINE)
        return line.rstrip(BREAKS)

    def _skip(self, count: int) -> None:
        self._at += count
        self._start += count

    def _advance(self) -> None:
        """Take the next records for whole, as far as the longest that one may be reaches."""
        end = self._at + self.longest
        lines = self._rest.count(NEWLINE, self._at, end)
        window = self._rest[self._at : end if lines <= CHUNK_LINES else self._end_of_lines()]
        border = last_border(window, self.layout)
        if not border and lines > CHUNK_LINES:
            window = self._rest[self._at : end]
            border = last_border(window, self.layout)
        if not border:
            raise self._endless(window)
        self._parts.append(window[:border])
        self._whole += border
        self._lines += lines - self._rest.count(NEWLINE, self._at + border, end)
        self._at += border

    def _end_of_lines(self) -> int:
        """How far so many lines go as a chunk may have, of more."""
        lines, at = 0, self._at
        while lines <= CHUNK_LINES:
            lines += self._rest.count(NEWLINE, at, at + STRIDE)
            at += STRIDE
        return min(at, self._at + self.longest)

    def _more_follows(self) -> bool:
        """Whether what follows is not the last record, so that the trailer is kept back; without bound for nothing but blank lines."""
        return not self.layout.trailer or bool(self._rest[self._at :].strip(BREAKS)) or self._unread > 2 * self.longest

    def _end(self) -> Iterator[Chunk]:
        unended = self._unread > 0 and not self._rest.endswith(NEWLINE)
        self._rest += NEWLINE * unended
        while self._unread:
            if self._is_full and self._rest[self._at :].strip(BREAKS):
                yield from self._cut(b"".join(self._parts), self._lines)
            self._advance()
        data = b"".join(self._parts)
        details, lines = len(data) - unended, self._lines
        if self.layout.trailer:
            details = data.rstrip(BREAKS).rfind(NEWLINE) + 1  # its record has no quotes
            lines -= data.count(NEWLINE, details)
            self.trailer = data[details:].strip(BREAKS)
        yield from self._cut(data[:details], lines)

    def _cut(self, data: bytes, lines: int) -> Iterator[Chunk]:
        if data and not (data.isspace() and not data.strip(BREAKS)):
            self._number += 1
            yield Chunk(number=self._number, start=self._start, first_line=self._line, lines=lines, data=data)
        self._start += len(data)
        self._line += lines
        self._parts, self._whole, self._lines = [], 0, 0

    def _endless(self, data: bytes) -> Unsplittable:
        quote = quote_of(self.layout)
        quoted = quote is not None and quote in data and NEWLINE in data
        return (QuoteNeverCloses if quoted else RecordTooLong)(self._line + self._lines)
