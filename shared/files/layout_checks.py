"""What does not fit together in a layout that is well-formed, each problem with its place."""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from shared.files.clocks import directives
from shared.files.kinds import CURRENCY, RECORDS
from shared.files.layout import AMOUNTS, LEFT_OUT, RECODED, WORDS, Filled, Layout, LayoutField, LeftOut, Place, ZonePlace
from shared.files.names import Format
from shared.kernel.errors import Problem

ROLES: Final = {"y": "Y", "b": "m", "I": "H"}
"""Directives that tell the same as another."""
SIGN_TOLD: Final = frozenset({"kind", "state", "result", "action"})
"""Fields of canonical records that tell what an amount's sign would."""


def problems_of_layout(layout: Layout) -> Iterator[Problem]:
    """Every problem of a layout."""
    if layout.kind not in RECORDS:
        yield Problem(path="/kind", message=f"files of {layout.kind.value} have no canonical record")
        return
    for message in _about_targets(layout):
        yield Problem(path="/fields", message=message)
    for check in (_about_format, _about_overlaps):
        yield from (Problem(path="", message=message) for message in check(layout))
    for number, field in enumerate(layout.fields):
        problems = (*_about_type(field), *_about_place(layout, field))
        yield from (Problem(path=f"/fields/{number}", message=message) for message in problems)
    for path, place in _totals(layout):
        yield from (Problem(path=path, message=message) for message in PLACES[layout.format](layout, place))


def read_only(layout: Layout) -> Iterator[str]:
    """What of a layout only reading knows: by such a one nothing can be written."""
    fields = [field for field in layout.fields if field.constant is None]
    yield from (f"{field.target}: {what} can be read, not written" for field in fields for what, is_said in READ_ONLY if is_said(field))
    others = {
        "encoding": layout.encoding in RECODED,
        "lines_before": layout.lines_before,
        "left_out": layout.left_out,
        "trailer": layout.trailer and (layout.trailer.major or layout.trailer.others_counted),
    }
    yield from (f"{name} as it is told can be read, not written" for name, is_said in others.items() if is_said)


def _about_targets(layout: Layout) -> Iterator[str]:
    targets = [field.target for field in layout.fields]
    known = layout.record.model.model_fields
    yield from (f"{target} is filled twice" for target in sorted(set(targets)) if targets.count(target) > 1)
    yield from (f"{target} is no field of the canonical record" for target in targets if target.split(".")[0] not in known)
    yield from (f"{name} must be filled" for name, field in known.items() if field.is_required() and name not in targets)
    amounts = {field.target: field for field in layout.fields if field.type in AMOUNTS}
    if amounts and CURRENCY not in targets:
        yield "amounts need the currency to be filled"
    signs = [field.of for field in layout.fields if field.type == "sign"]
    yield from (f"{of} is no field with an amount" for of in signs if of is not None and of not in amounts)
    for target, field in amounts.items():
        if (field.signs or field.zoned or field.credit) and target not in signs and not SIGN_TOLD & set(targets):
            yield f"the sign of {target} would be lost: fill a field of type sign"


def _about_format(layout: Layout) -> Iterator[str]:
    if layout.column_names and layout.format is not Format.CSV:
        yield "only csv has a line with the names of columns"
    if layout.detail and layout.format not in {Format.CSV, Format.FIXED}:
        yield "only csv and fixed mark their details"
    if layout.format is Format.PARQUET and (layout.header or layout.trailer):
        yield "parquet has no header and no trailer"
    if layout.format is Format.CSV and layout.quote == layout.delimiter:
        yield "quote and delimiter must differ"
    marks = [told.mark for told in (layout.header, layout.trailer) if told] + ([layout.detail] if layout.detail else [])
    if layout.format is Format.CSV and any(sign in mark for mark in marks for sign in (layout.delimiter, layout.quote) if sign):
        yield "a mark can't hold the delimiter or the quote"
    if layout.trim and layout.format is not Format.CSV:
        yield "only csv has cells with blanks around them that stay if they are not trimmed"
    if layout.lines_before and layout.format is Format.PARQUET:
        yield "parquet has no lines"
    yield from _about_sums(layout)
    if layout.format is not Format.CSV and layout.format is not Format.FIXED and layout.encoding != "utf-8":
        yield f"{layout.format.value} is always UTF-8"


def _about_sums(layout: Layout) -> Iterator[str]:
    trailer = layout.trailer
    if trailer and trailer.major and (trailer.currency is None or trailer.sums is None):
        yield "a sum in major units is of one currency: say which, and where it stands"
    if trailer and not trailer.major and (trailer.grouping or trailer.decimal_mark != "."):
        yield "only a sum in major units has a decimal mark and groups"
    if trailer and trailer.grouping == trailer.decimal_mark:
        yield "groups and decimals of a sum need different marks"


def _about_overlaps(layout: Layout) -> Iterator[str]:
    if layout.format is not Format.FIXED:
        return
    spans = sorted((place.span, name) for name, place in layout.places.items() if name != LEFT_OUT)
    for ((_, stop), before), ((start, _), target) in pairwise(spans):
        if start < stop:
            yield f"{target} begins before {before} ends"
    if layout.length and spans and spans[-1][0][1] > layout.length:
        yield f"{spans[-1][1]} ends after the record does"
    if layout.detail and spans and spans[0][0][0] < len(layout.detail):
        yield f"{spans[0][1]} begins before the mark ends"


def _about_type(field: LayoutField) -> Iterator[str]:
    yield from (message for message, types, is_said in OPTIONS if is_said(field) and field.type not in types)
    yield from (message for message, is_so in CONTRADICTIONS if is_so(field))
    if "%" in field.format:
        yield from _about_directives(field)


def _is_sign(field: LayoutField) -> bool:
    return field.type == "sign"


Said = Callable[[LayoutField], bool]
PLAIN_WORDS: Final = WORDS - {"sign"}
OPTIONS: Final[tuple[tuple[str, frozenset[str], Said], ...]] = (
    ("only moments have a format and a zone", frozenset({"moment"}), lambda field: bool(field.zone or field.format != "iso")),
    ("only moments have a place with a zone", frozenset({"moment"}), lambda field: field.zone_place is not None),
    ("only amounts in major units have a decimal mark", frozenset({"major"}), lambda field: field.decimal_mark != "."),
    ("only amounts in major units have groups", frozenset({"major"}), lambda field: field.grouping is not None),
    ("only amounts in major units have a number of decimals", frozenset({"major"}), lambda field: field.decimals is not None),
    ("only amounts have a sign", AMOUNTS, lambda field: bool(field.signs or field.zoned or field.credit)),
    ("only words have a value map", WORDS | {"bool"}, lambda field: field.value_map is not None),
    ("only words have large and small letters", PLAIN_WORDS | {"bool"}, lambda field: field.case is not None),
    ("only words and moments are filled with zeros", PLAIN_WORDS | {"moment"}, lambda field: field.fill is not None),
    ("only words and moments have parts", PLAIN_WORDS | {"moment"}, lambda field: bool(field.parts)),
    ("only a sign is of an amount", frozenset({"sign"}), lambda field: field.of is not None),
)
"""What some types have alone."""
CONTRADICTIONS: Final[tuple[tuple[str, Said], ...]] = (
    ("a sign is of an amount, and a value map tells what it means", lambda field: _is_sign(field) and not (field.of and field.value_map)),
    ("what other values mean is told beside a value map", lambda field: field.otherwise is not None and field.value_map is None),
    ("groups and decimals need different marks", lambda field: field.grouping == field.decimal_mark),
    ("an amount with a number of decimals has no groups", lambda field: field.decimals is not None and field.grouping is not None),
    ("an amount has its sign in its last figure or beside it", lambda field: field.zoned and bool(field.signs or field.credit)),
    ("moments since 1970 have no parts", lambda field: field.format.startswith("epoch") and bool(field.parts)),
)


def _about_directives(field: LayoutField) -> Iterator[str]:
    found = [name[-1] for name in directives(field.format)]
    roles = [ROLES.get(name, name) for name in found]
    day = {"Y", "j"} if "j" in roles else {"Y", "m", "d"}
    if not set(roles) >= day or len(set(roles)) < len(roles) or ("j" in roles and {"m", "d"} & set(roles)):
        yield "a format must have year, month and day, and nothing twice"
    if ("I" in found) != ("p" in found):
        yield "an hour of twelve needs AM or PM"
    if re.search(r"%(-[mdHI]|f)%[^pz]", field.format):
        yield "what has not always as many figures needs something behind it"
    if field.zone is None and field.zone_place is None and "z" not in found:
        yield "a moment without offset needs a zone"


def _about_place(layout: Layout, field: LayoutField) -> Iterator[str]:
    others = [*field.parts, *(place for place in (field.zone_place, field.credit) if place)]
    if not field.is_placed:
        placed = (field.column, field.position, field.width) != (None, None, None) or bool(others)
        yield from (f"a {'sign' if _is_sign(field) else 'constant'} is written nowhere",) if placed else ()
    else:
        yield from (message for place in (field, *others) for message in PLACES[layout.format](layout, place))
    if field.type == "json" and layout.format is not Format.JSONL:
        yield "only jsonl has values of any shape"


def _totals(layout: Layout) -> Iterator[tuple[str, Place]]:
    """Where header and trailer tell something, and what tells that a record is no detail."""
    if layout.left_out:
        yield "/left_out", layout.left_out
    if layout.header and layout.header.file_id:
        yield "/header/file_id", layout.header.file_id
    if layout.trailer:
        told = {name: getattr(layout.trailer, name) for name in ("record_count", "entry_hash", "sums")}
        yield from ((f"/trailer/{name}", place) for name, place in told.items() if place)


def _csv_place(layout: Layout, place: Place) -> Iterator[str]:
    of_details = isinstance(place, Filled | ZonePlace | LeftOut)
    named = layout.column_names and of_details
    if place.width is not None or (place.column is None) == (place.position is None):
        yield "csv asks for a column or a position"
    if (place.column is not None) and not named:
        yield "a column is found by its name only where a line has the names; say its position"
    if place.position is not None and named:
        yield "say the name of the column"
    if place.position and layout.cells and of_details and place.position > layout.cells:
        yield "there are fewer cells"


def _fixed_place(_layout: Layout, place: Place) -> Iterator[str]:
    if place.position is None or place.width is None or place.column is not None:
        yield "fixed asks for a position and a width"


def _named_place(layout: Layout, place: Place) -> Iterator[str]:
    if place.column is None or place.position is not None or place.width is not None:
        yield "jsonl and parquet ask for a column, the name of a member"
    elif layout.format is Format.PARQUET and place.column.startswith("/"):
        yield "only jsonl has inner objects"
    elif place.column.startswith("/") and "" in place.column.split("/")[1:]:
        yield "a way into inner objects has the name of a member behind each /"


PLACES: Final[Mapping[Format, Callable[[Layout, Place], Iterator[str]]]] = {
    Format.CSV: _csv_place,
    Format.FIXED: _fixed_place,
    Format.JSONL: _named_place,
    Format.PARQUET: _named_place,
}
READ_ONLY: Final[tuple[tuple[str, Said], ...]] = (
    ("a sign", lambda field: bool(field.type == "sign" or field.signs or field.zoned or field.credit)),
    ("what is filled, or in letters of one case", lambda field: bool(field.fill or field.case)),
    ("what stands in parts", lambda field: bool(field.parts or field.zone_place)),
    ("a number of decimals", lambda field: field.decimals is not None),
    ("an inner member", lambda field: (field.column or "").startswith("/")),
    ("such a format", lambda field: not set(directives(field.format)) <= set("YmdHMS")),
)
