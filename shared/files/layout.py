"""Layouts: how a sender writes its records, as data. A layout that is wrong is refused when it is loaded."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from shared.files.kinds import RECORDS, Record
from shared.files.names import Format, Kind
from shared.kernel.wire import Currency, Wire
from shared.kernel.zones import Zone

MOST_FIELDS: Final = 200
LONGEST_RECORD: Final = 1 << 20

FieldType = Literal["id", "code", "text", "currency", "country", "minor", "major", "whole", "moment", "bool", "json"]
WORDS: Final = frozenset({"id", "code", "text", "currency", "country"})
"""What is taken as it is written, or as the value map says."""
AMOUNTS: Final = frozenset({"minor", "major"})
MOMENT: Final = r"^(iso|epoch_s|epoch_ms|(%[YmdHMS]|[ ./:T_-]){1,20})$"

Mark = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,16}$")]
Target = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+){0,4}$")]
ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f\"]*$")]
OneCharacter = Annotated[str, StringConstraints(pattern=r"^[\t -/:-@\[-`{-~]$")]


class Place(Wire):
    """Where in a record something stands: a column by its name, a cell by its number, or characters by the first and how many."""

    column: ColumnName | None = None
    """The name of the column (csv with a line of names, parquet) or of the member (jsonl)."""
    position: Annotated[int, Field(ge=1, le=LONGEST_RECORD)] | None = None
    """From 1: the number of the cell (csv) or of the first character (fixed)."""
    width: Annotated[int, Field(ge=1, le=LONGEST_RECORD)] | None = None
    """How many characters (fixed)."""

    @property
    def span(self) -> tuple[int, int]:
        """Of a fixed place: from the first character, from 0, up to, not including, the last."""
        start = (self.position or 1) - 1
        return start, start + (self.width or 0)


class LayoutField(Place):
    """One field of the canonical record, and where and how it is written."""

    target: Target
    """The field of the canonical record, with dots where it is inside another: `attributes.tier`, `locations.0.city`."""
    type: FieldType
    """`id`, `code`, `text`, `currency`, `country`: as it is. `minor`: whole minor units; `major`: a decimal in major units. `whole`:
    a whole number. `moment`: a point in time. `bool`: true or false. `json`: any shape (jsonl only)."""
    required: bool = False
    """Whether an empty cell is a problem, even where the canonical record would do without."""
    constant: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    """What it is in every record; it is then written nowhere."""
    values: Annotated[dict[str, str], Field(max_length=1000)] | None = None
    """What each value that can be written means; any other one is a problem."""
    format: Annotated[str, StringConstraints(pattern=MOMENT)] = "iso"
    """Of a moment: `iso` (ISO 8601), `epoch_s` or `epoch_ms` (since 1970, UTC), or of %Y %m %d %H %M %S and what stands between."""
    zone: Zone | None = None
    """Of a moment: where its clock hangs, if it is written without an offset. Of an hour that comes twice, the first is meant."""
    decimal_mark: Literal[".", ","] = "."
    """Of an amount in major units."""


class Header(Wire):
    """The first record of a file."""

    mark: Mark
    file_id: Place | None = None
    """Where it names the file: the file's name up to its sequence."""


class Trailer(Wire):
    """The last record of a file, with its control totals."""

    mark: Mark
    record_count: Place
    entry_hash: Place | None = None
    sums: Place | None = None
    """What the amounts come to in minor units: `USD:1234 EUR:500`; a number alone where `currency` is said here."""
    currency: Currency | None = None


class Layout(Wire):
    """How the files of a kind and format are written, by some senders or all."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    kind: Kind
    format: Format
    schema_version: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4})?$")] = "1"
    """As the manifest says it."""
    senders: list[str] = Field(default_factory=list)
    """Whose files it is of; of everybody's who has no layout of their own where the list is empty."""
    encoding: Literal["utf-8", "iso-8859-1", "iso-8859-15", "windows-1252"] = "utf-8"
    delimiter: OneCharacter = ","
    quote: OneCharacter | None = '"'
    """What stands around cells with delimiters or ends of lines in them; null: cells have none."""
    column_names: bool = False
    """Whether a line with the names of the columns goes before the details (csv)."""
    other_columns: Literal["refuse", "ignore"] = "refuse"
    """What is done about columns and members that no field names."""
    cells: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many cells a detail has (csv without names)."""
    length: Annotated[int, Field(ge=1, le=LONGEST_RECORD)] | None = None
    """How many characters a detail has (fixed)."""
    header: Header | None = None
    detail: Mark | None = None
    """What every detail begins with: its first cell (csv) or characters (fixed)."""
    trailer: Trailer | None = None
    mark_column: ColumnName = "record"
    """The member that holds the mark of header and trailer (jsonl)."""
    fields: Annotated[list[LayoutField], Field(min_length=1, max_length=MOST_FIELDS)]

    @property
    def shape(self) -> tuple[int, int]:
        """How many cells (csv without names) and characters (fixed) a detail has."""
        positions = [field.position or 0 for field in self.fields]
        ends = [field.span[1] for field in self.fields]
        return self.cells or max(positions), self.length or max(ends)

    @property
    def record(self) -> Record:
        """The canonical record."""
        return RECORDS[self.kind]
