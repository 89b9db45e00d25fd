"""Layouts: how a sender writes its records, as data. A layout that is wrong is refused when it is loaded."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from shared.files.kinds import RECORDS, Record
from shared.files.names import Format, Kind
from shared.kernel.iso import COUNTRY_ALPHA3, COUNTRY_NUMBERS, CURRENCY_NUMBERS
from shared.kernel.wire import Currency, Wire
from shared.kernel.zones import Zone

MOST_FIELDS: Final = 200
LONGEST_RECORD: Final = 1 << 20
ZONE: Final = "#zone"
CREDIT: Final = "#credit"
PART: Final = "#part"
LEFT_OUT: Final = "#left_out"
"""What the places of a field are called beside its target, which has no `#`."""

FieldType = Literal["id", "code", "text", "currency", "country", "sign", "minor", "major", "whole", "moment", "bool", "json"]
WORDS: Final = frozenset({"id", "code", "text", "currency", "country", "sign"})
"""What is taken as it is written, or as the value map says."""
AMOUNTS: Final = frozenset({"minor", "major"})
MOMENT: Final = r"^(iso|epoch_s|epoch_ms|epoch_us|(%-?[mdHI]|%[YyjbMSpfz]|[ ,./:T_-]){1,20})$"
TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "currency_numbers": CURRENCY_NUMBERS,
    "country_alpha3": COUNTRY_ALPHA3,
    "country_numbers": COUNTRY_NUMBERS,
}
"""Value maps that layouts name."""
RECODED: Final = frozenset({"utf-16", "utf-16-le", "utf-16-be", "cp932", "gb18030", "big5", "euc-kr"})
"""Encodings in which an end of line or a separator may be a part of another character: what is in them is read as UTF-8."""

Mark = Annotated[str, StringConstraints(pattern=r"^[!-~]([ -~]{0,30}[!-~])?$")]
Target = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+){0,4}$")]
ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f\"]*$")]
OneCharacter = Annotated[str, StringConstraints(pattern=r"^[\x01\t\x1c-\x1f -/:-@\[-`{-~]$")]
Encoding = Literal[
    "utf-8", "iso-8859-1", "iso-8859-2", "iso-8859-5", "iso-8859-7", "iso-8859-9", "iso-8859-15",
    "windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1257",
    "utf-16", "utf-16-le", "utf-16-be", "cp932", "gb18030", "big5", "euc-kr",
]  # fmt: skip
Sign = Literal["+", "-"]
Grouping = Literal[".", ",", " ", "'", "\u2019", "\u00a0", "\u202f"]


class Place(Wire):
    """Where in a record something stands: a column by its name, a cell by its number, or characters by the first and how many."""

    column: ColumnName | None = None
    """The name of the column (csv with a line of names, parquet) or of the member (jsonl); one that begins with `/` leads into inner
    objects (jsonl): `/merchant/name`."""
    position: Annotated[int, Field(ge=1, le=LONGEST_RECORD)] | None = None
    """From 1: the number of the cell (csv) or of the first character (fixed)."""
    width: Annotated[int, Field(ge=1, le=LONGEST_RECORD)] | None = None
    """How many characters (fixed)."""

    @property
    def span(self) -> tuple[int, int]:
        """Of a fixed place: from the first character, from 0, up to, not including, the last."""
        start = (self.position or 1) - 1
        return start, start + (self.width or 0)


class Filled(Place):
    """A place, and how its figures are filled."""

    fill: Annotated[int, Field(ge=1, le=64)] | None = None
    """Figures are filled from the left with zeros up to so many characters, and a whole number (jsonl, parquet) is taken for its figures:
    4 makes 742 the category `0742`."""


class ZonePlace(Place):
    """Where a record names the zone that its clock hangs in: by its IANA name, or as an offset such as `+02:00`."""

    values: Annotated[dict[str, Zone], Field(max_length=1000)] | None = None
    """What each word for a zone means; others are as they stand."""


class LeftOut(Place):
    """Records that are no details: they are neither taken nor rejected, and no totals count them."""

    values: Annotated[list[str], Field(min_length=1, max_length=100)]
    """They have one of these there."""


class LayoutField(Filled):
    """One field of the canonical record, and where and how it is written."""

    target: Target
    """The field of the canonical record, with dots where it is inside another: `attributes.tier`, `locations.0.city`."""
    type: FieldType
    """`id`, `code`, `text`, `currency`, `country`: as it is. `minor`: whole minor units; `major`: a decimal in major units. `sign`: the
    sign of another field's amount, `+` or `-`, of which the value map tells the meaning. `whole`: a whole number. `moment`: a point in
    time. `bool`: true or false. `json`: any shape (jsonl only)."""
    required: bool = False
    """Whether an empty cell is a problem, even where the canonical record would do without."""
    constant: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    """What it is in every record; it is then written nowhere."""
    values: Annotated[dict[str, str], Field(max_length=1000)] | None = None
    """What each value that can be written means; any other one is a problem."""
    table: Literal["currency_numbers", "country_alpha3", "country_numbers"] | None = None
    """A value map that comes with Clo, beside which `values` may tell of more: `currency_numbers` (ISO 4217: 840 is USD),
    `country_alpha3` (ISO 3166-1: DEU is DE), `country_numbers` (276 is DE)."""
    otherwise: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    """What a value means that the value map does not list."""
    of: Target | None = None
    """Of a sign: the field with the amount; it has no place of its own."""
    case: Literal["upper", "lower"] | None = None
    """Letters from A to Z are made large or small, before anything else is done with them."""
    parts: Annotated[list[Filled], Field(max_length=4)] = Field(default_factory=list)
    """Further places whose cells stand behind the first, such as the time behind the day, or what makes an id unique. All are filled
    or none; of `text`, those that are."""
    joint: Annotated[str, StringConstraints(max_length=4, pattern=r"^[ -~]*$")] = " "
    """What stands between the parts."""
    format: Annotated[str, StringConstraints(pattern=MOMENT)] = "iso"
    """Of a moment: `iso` (ISO 8601), `epoch_s`, `epoch_ms` or `epoch_us` (since 1970, UTC), or of these and what stands between: %Y %m %d
    %H %M %S in all their digits, %-m %-d %-H without a zero before, %y (of 1969 to 2068), %b (Jan), %j (day of the year), %I or %-I with
    %p (AM, PM), %f (up to six digits behind the second), %z (+02:00)."""
    zone: Zone | None = None
    """Of a moment: where its clock hangs, if it is written without an offset. Of an hour that comes twice, the first is meant."""
    zone_place: ZonePlace | None = None
    """Of a moment: where its record tells that."""
    decimal_mark: Literal[".", ","] = "."
    """Of an amount in major units."""
    grouping: Grouping | None = None
    """Of an amount in major units: what stands between groups of three figures, where they are grouped."""
    decimals: Annotated[int, Field(ge=0, le=4)] | None = None
    """Of an amount in major units that is written without a mark: so many of its figures are behind it, whatever the currency."""
    signs: Annotated[dict[Annotated[str, StringConstraints(pattern=r"^[!-~]{1,4}$")], Sign], Field(max_length=10)] | None = None
    """Of an amount: what can stand before or behind it, and the sign that this is, such as `-`, `CR`, or `()` for what is in parentheses.
    Nothing is a plus. The amount is taken without its sign, which a field of type `sign` tells."""
    zoned: bool = False
    """Of an amount: its last figure holds the sign as COBOL writes it, `{` and A to I for plus, `}` and J to R for minus."""
    credit: Filled | None = None
    """Of an amount: where it stands if its sign is a minus; of the two places one is filled, or the other is zero."""

    @property
    def is_placed(self) -> bool:
        """Whether it stands somewhere in the record."""
        return self.constant is None and self.type != "sign"

    @property
    def value_map(self) -> Mapping[str, str] | None:
        """What each value means, if that is told."""
        if self.table is None:
            return self.values
        return _added(self.table, frozenset(self.values.items())) if self.values else TABLES[self.table]


@lru_cache(maxsize=1 << 10)
def _added(table: str, values: frozenset[tuple[str, str]]) -> Mapping[str, str]:
    return {**TABLES[table], **dict(values)}


class Header(Wire):
    """The first record of a file."""

    mark: Mark
    file_id: Place | None = None
    """Where it names the file: the file's name up to its sequence."""


class Trailer(Wire):
    """The last record of a file, with its control totals."""

    mark: Mark
    record_count: Place | None = None
    others_counted: Annotated[int, Field(ge=0, le=100)] = 0
    """How many records it counts that are no details, such as 2 for header and trailer."""
    entry_hash: Place | None = None
    sums: Place | None = None
    """What the amounts come to in minor units: `USD:1234 EUR:500`; a number alone where `currency` is said here."""
    currency: Currency | None = None
    major: bool = False
    """Whether the sum of the one currency is written as a decimal in major units."""
    decimal_mark: Literal[".", ","] = "."
    """Of a sum in major units."""
    grouping: Grouping | None = None
    """Of a sum in major units, as of amounts."""


class Layout(Wire):
    """How the files of a kind and format are written, by some senders or all."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    kind: Kind
    format: Format
    schema_version: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}(\.[0-9]{1,4})?$")] = "1"
    """As the manifest says it."""
    senders: list[str] = Field(default_factory=list)
    """Whose files it is of; of everybody's who has no layout of their own where the list is empty."""
    encoding: Encoding = "utf-8"
    delimiter: OneCharacter = ","
    quote: OneCharacter | None = '"'
    """What stands around cells with delimiters or ends of lines in them; null: cells have none."""
    column_names: bool = False
    """Whether a line with the names of the columns goes before the details (csv)."""
    lines_before: Annotated[int, Field(ge=0, le=20)] = 0
    """How many lines go before all others and say nothing, such as titles."""
    trim: bool = False
    """Whether blanks around cells, and around the names of columns, are left out (csv); of fixed width they always are."""
    empty: Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=20)]], Field(max_length=10)] = Field(
        default_factory=list
    )
    """What stands in cells that say nothing, such as `NULL`."""
    left_out: LeftOut | None = None
    """Records that are no details."""
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
        positions = [place.position or 0 for place in self.places.values()]
        ends = [place.span[1] for place in self.places.values()]
        return self.cells or max(positions, default=0), self.length or max(ends, default=0)

    @property
    def places(self) -> Mapping[str, Place]:
        """All places of a record that are read: a field's first by its target, its others by that and what they are."""
        named = {field.target: field for field in self.fields if field.is_placed}
        places: dict[str, Place] = dict(named)
        for target, field in named.items():
            others = {ZONE: field.zone_place, CREDIT: field.credit, **{f"{PART}{at}": part for at, part in enumerate(field.parts, 1)}}
            places |= {f"{target}{what}": place for what, place in others.items() if place}
        return places | ({LEFT_OUT: self.left_out} if self.left_out else {})

    @property
    def read_as(self) -> str:
        """The encoding of the records once they are cut."""
        return "utf-8" if self.encoding in RECODED else self.encoding

    @property
    def record(self) -> Record:
        """The canonical record."""
        return RECORDS[self.kind]
