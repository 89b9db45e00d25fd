"""The headers of the pages of a Parquet column: what each says of its size is known before anything is made room for.

They are Thrift in its compact protocol; only whole numbers in them are of interest.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from shared.kernel.errors import Invalid

LONGEST_HEADER: Final = 1 << 16
DEEPEST: Final = 8
MOST_SHIFT: Final = 63
STOP: Final = 0
TRUE, FALSE, BYTE, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
NUMBERS: Final = frozenset({4, 5, 6})
LONG_LIST: Final = 15
PLAIN_SIZE, PACKED_SIZE = 2, 3
DATA, DICTIONARY, DATA_V2 = 5, 7, 8
"""Fields of the header of a page; of the header of its kind, 1 is the number of values, and these are its encoding."""
ENCODING: Final = {DATA: 2, DICTIONARY: 2, DATA_V2: 4}
VALUES: Final = 1

Fields = Mapping[int, "int | Fields"]


class PageUnreadable(Invalid):
    """A page has no header that can be read."""

    code = "page_unreadable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """What the header of a page says."""

    plain_size: int
    packed_size: int
    values: int
    encoding: int | None
    is_dictionary: bool


def pages(file: BinaryIO, start: int, stop: int) -> Iterator[Page]:
    """The pages of a column from byte `start` to `stop`. Raises PageUnreadable where one has no header or goes nowhere."""
    while start < stop:
        file.seek(start)
        fields, length = read_struct(file.read(min(LONGEST_HEADER, stop - start)))
        page = _page(fields)
        yield page
        start += length + page.packed_size


def read_struct(data: bytes) -> tuple[Fields, int]:
    """The whole numbers and structs of a Thrift struct by their fields, and how many bytes it takes. Raises PageUnreadable."""
    reader = _Reader(data)
    try:
        return reader.struct(), reader.at
    except (IndexError, ValueError) as error:
        raise PageUnreadable from error


def _page(fields: Fields) -> Page:
    plain, packed = fields.get(PLAIN_SIZE), fields.get(PACKED_SIZE)
    kind = next((kind for kind in ENCODING if kind in fields), None)
    header = fields.get(kind, {}) if kind is not None else {}
    if not isinstance(plain, int) or not isinstance(packed, int) or isinstance(header, int) or plain < 0 or packed < 0:
        raise PageUnreadable
    values, encoding = header.get(VALUES, 0), header.get(ENCODING[kind]) if kind is not None else None
    if not isinstance(values, int) or values < 0 or isinstance(encoding, Mapping):
        raise PageUnreadable
    return Page(plain_size=plain, packed_size=packed, values=values, encoding=encoding, is_dictionary=kind == DICTIONARY)


class _Reader:
    """Reads on from a place. Raises IndexError where the data end, ValueError for what is no Thrift."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def struct(self, depth: int = 0) -> dict[int, "int | Fields"]:
        if depth > DEEPEST:
            raise ValueError(depth)
        fields: dict[int, int | Fields] = {}
        field = 0
        while (head := self._byte()) != STOP:
            field = field + (head >> 4) if head >> 4 else self._number()
            value = self._value(head & 15, depth)
            if value is not None:
                fields[field] = value
        return fields

    def _value(self, kind: int, depth: int) -> "int | Fields | None":
        if kind in NUMBERS:
            return self._number()
        if kind == STRUCT:
            return self.struct(depth + 1)
        if kind not in SKIPPED:
            raise ValueError(kind)
        SKIPPED[kind](self, depth)
        return None

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _natural(self) -> int:
        number = shift = 0
        while shift <= MOST_SHIFT:
            byte = self._byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004  (the bit that says that more follows)
                return number
            shift += 7
        raise ValueError(shift)

    def _number(self) -> int:
        number = self._natural()
        return (number >> 1) ^ -(number & 1)

    def skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise IndexError(self.at)

    def skip_text(self) -> None:
        self.skip(self._natural())

    def skip_list(self, depth: int) -> None:
        if depth > DEEPEST:
            raise ValueError(depth)
        head = self._byte()
        count = self._natural() if head >> 4 == LONG_LIST else head >> 4
        for _ in range(count):
            if head & 15 in {TRUE, FALSE}:
                self.skip(1)
            else:
                self._value(head & 15, depth + 1)


SKIPPED: Final[Mapping[int, Callable[[_Reader, int], None]]] = {
    TRUE: lambda _reader, _depth: None,
    FALSE: lambda _reader, _depth: None,
    BYTE: lambda reader, _depth: reader.skip(1),
    DOUBLE: lambda reader, _depth: reader.skip(8),
    BINARY: lambda reader, _depth: reader.skip_text(),
    LIST: lambda reader, depth: reader.skip_list(depth),
    SET: lambda reader, depth: reader.skip_list(depth),
}
