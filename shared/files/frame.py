"""What stands around the details of a file: its header, the names of its columns, and the trailer with its control totals."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from shared.files.borders import rows
from shared.files.json_objects import read_object
from shared.files.layout import Layout, Place, Trailer
from shared.files.names import Format
from shared.files.splitting import Splitter
from shared.files.way import Way
from shared.kernel.errors import Invalid, Problem
from shared.kernel.money import exponent


class FrameBroken(Invalid):
    """The file's header, names of columns or trailer are not as its layout says."""

    code = "frame_broken"


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a trailer says that the details come to; None where it does not say."""

    count: int | None
    entry_hash: int | None
    sums: Mapping[str, int] | None
    """Minor units by currency."""


def way_of(splitter: Splitter) -> Way:
    """How the details are read, as soon as the first chunk is there. Raises FrameBroken for the names of columns."""
    layout = splitter.layout
    if not layout.column_names:
        return Way(layout=layout)
    names = tuple(name.strip(" ") if layout.trim else name for name in _cells(splitter.names or b"", layout))
    problems = tuple(_problem("/names", message) for message in islice(_about_names(names, layout), MOST_PROBLEMS))
    if problems:
        raise FrameBroken(problems=problems)
    return Way(layout=layout, names=names)


def read_header(splitter: Splitter, file_id: str) -> None:
    """Check the header, where the layout has one. Raises FrameBroken when it is another record's, or another file's."""
    header = splitter.layout.header
    if header is None:
        return
    record = _Record.of(splitter.header or b"", splitter.layout)
    problems = [] if record.mark == header.mark else [_problem("/header", f"must begin with {header.mark}")]
    if not problems and header.file_id and record.at(header.file_id) != file_id:
        problems = [_problem("/header/file_id", f"must be {file_id}, as the file's name says")]
    if problems:
        raise FrameBroken(problems=tuple(problems))


def read_trailer(splitter: Splitter) -> Said | None:
    """The control totals of the trailer, once the last chunk was cut; None of a layout without one. Raises FrameBroken."""
    trailer = splitter.layout.trailer
    if trailer is None:
        return None
    record = _Record.of(splitter.trailer or b"", splitter.layout)
    if record.mark != trailer.mark:
        raise FrameBroken(problems=(_problem("/trailer", f"the last record must begin with {trailer.mark}: the file may be cut off"),))
    counted = _figures(record.at(trailer.record_count)) if trailer.record_count else None
    count = None if counted is None or counted < trailer.others_counted else counted - trailer.others_counted
    entry_hash = _figures(record.at(trailer.entry_hash)) if trailer.entry_hash else None
    sums = _sums(record.at(trailer.sums), trailer) if trailer.sums else None
    problems = [_problem("/trailer/record_count", "must be a whole number")] if trailer.record_count and count is None else []
    problems += [_problem("/trailer/entry_hash", "must be a whole number")] if trailer.entry_hash and entry_hash is None else []
    problems += [_problem("/trailer/sums", SUMS_MUST_BE)] if trailer.sums and sums is None else []
    if problems:
        raise FrameBroken(problems=tuple(problems))
    return Said(count=count, entry_hash=entry_hash, sums=sums)


def _major_sum(text: str, currency: str, trailer: Trailer) -> int | None:
    """A sum in major units as whole minor ones."""
    plain = text.replace(trailer.grouping or "", "").replace(trailer.decimal_mark, ".")
    whole, _, fraction = plain.partition(".")
    digits = exponent(currency)
    if fraction[digits:].strip("0") or not (whole + fraction).isdigit():
        return None
    return _figures(whole + fraction[:digits].ljust(digits, "0"))


SUMS_MUST_BE: Final = "must be pairs of currency and minor units (USD:1234 EUR:500), or a whole number where the layout says the currency"
LONGEST_SUM: Final = 24
MOST_COLUMNS: Final = 1_000
MOST_PROBLEMS: Final = 100


def _problem(path: str, message: str) -> Problem:
    return Problem(path=path, message=message)


def _about_names(names: tuple[str, ...], layout: Layout) -> Iterator[str]:
    if len(names) > MOST_COLUMNS:
        yield f"there are more than {MOST_COLUMNS:,} columns"
        return
    wanted = list(dict.fromkeys(str(place.column) for place in layout.places.values()))
    yield from (f"there is no column {name}" for name in wanted if name not in names)
    yield from (f"column {name} is there twice" for name in sorted(set(names)) if name in wanted and names.count(name) > 1)
    if layout.other_columns == "refuse":
        details = names[1:] if layout.detail else names
        yield from (f"no field has the column {name!r}" for name in details if name not in wanted)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Record:
    """A header or a trailer, its parts by their places."""

    mark: str
    at: Callable[[Place], str]

    @classmethod
    def of(cls, line: bytes, layout: Layout) -> "_Record":
        return RECORDS[layout.format](line, layout)


def _cells(line: bytes, layout: Layout) -> list[str]:
    try:
        found = list(rows(line.decode(layout.read_as).encode(), layout, "utf-8"))
    except UnicodeDecodeError:
        return []
    return found[0][1] if found else []


def _csv_record(line: bytes, layout: Layout) -> _Record:
    cells = ["", *_cells(line, layout)]

    def at(place: Place) -> str:
        position = place.position or 0
        return cells[position] if position < len(cells) else ""

    return _Record(mark=cells[1] if len(cells) > 1 else "", at=at)


def _fixed_record(line: bytes, layout: Layout) -> _Record:
    text = line.decode(layout.read_as, errors="replace")
    marks = [told.mark for told in (layout.header, layout.trailer) if told]
    mark = next((mark for mark in marks if text.startswith(mark)), "")
    return _Record(mark=mark, at=lambda place: text[slice(*place.span)].strip(" "))


def _json_record(line: bytes, layout: Layout) -> _Record:
    members = read_object(line.decode(errors="replace")) or {}
    return _Record(mark=str(members.get(layout.mark_column, "")), at=lambda place: str(members.get(str(place.column), "")))


RECORDS: Final[Mapping[Format, Callable[[bytes, Layout], _Record]]] = {
    Format.CSV: _csv_record,
    Format.FIXED: _fixed_record,
    Format.JSONL: _json_record,
}


def _figures(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_SUM else None


def _sums(text: str, trailer: Trailer) -> dict[str, int] | None:
    """Sums by currency, or None of what is none; nothing at all is no sum of any currency."""
    currency = trailer.currency
    if currency and trailer.major:
        minor = _major_sum(text, currency, trailer)
        return None if minor is None else {currency: minor}
    pairs = [(currency, text)] if currency else [(code, figures) for code, _, figures in (pair.partition(":") for pair in text.split())]
    sums = {code: _figures(figures) for code, figures in pairs}
    if len(sums) < len(pairs) or any(figures is None for figures in sums.values()):
        return None
    return {code: figures for code, figures in sums.items() if figures is not None}
