"""What does not fit together in a layout that is well-formed, each problem with its place."""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from shared.files.kinds import CURRENCY, RECORDS
from shared.files.layout import AMOUNTS, WORDS, Layout, LayoutField, Place
from shared.files.names import Format
from shared.kernel.errors import Problem

DAY_PARTS: Final = frozenset({"%Y", "%m", "%d"})


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


def _about_targets(layout: Layout) -> Iterator[str]:
    targets = [field.target for field in layout.fields]
    known = layout.record.model.model_fields
    yield from (f"{target} is filled twice" for target in sorted(set(targets)) if targets.count(target) > 1)
    yield from (f"{target} is no field of the canonical record" for target in targets if target.split(".")[0] not in known)
    yield from (f"{name} must be filled" for name, field in known.items() if field.is_required() and name not in targets)
    if any(field.type in AMOUNTS for field in layout.fields) and CURRENCY not in targets:
        yield "amounts need the currency to be filled"


def _about_format(layout: Layout) -> Iterator[str]:
    if layout.column_names and layout.format is not Format.CSV:
        yield "only csv has a line with the names of columns"
    if layout.detail and layout.format not in {Format.CSV, Format.FIXED}:
        yield "only csv and fixed mark their details"
    if layout.format is Format.PARQUET and (layout.header or layout.trailer):
        yield "parquet has no header and no trailer"
    if layout.format is Format.CSV and layout.quote == layout.delimiter:
        yield "quote and delimiter must differ"
    if layout.format is not Format.CSV and layout.format is not Format.FIXED and layout.encoding != "utf-8":
        yield f"{layout.format.value} is always UTF-8"


def _about_overlaps(layout: Layout) -> Iterator[str]:
    if layout.format is not Format.FIXED:
        return
    spans = sorted((field.span, field.target) for field in layout.fields if field.constant is None)
    for ((_, stop), before), ((start, _), target) in pairwise(spans):
        if start < stop:
            yield f"{target} begins before {before} ends"
    if layout.length and spans and spans[-1][0][1] > layout.length:
        yield f"{spans[-1][1]} ends after the record does"
    if layout.detail and spans and spans[0][0][0] < len(layout.detail):
        yield f"{spans[0][1]} begins before the mark ends"


def _about_type(field: LayoutField) -> Iterator[str]:
    if field.type != "moment" and (field.zone or field.format != "iso"):
        yield "only moments have a format and a zone"
    if field.type != "major" and field.decimal_mark != ".":
        yield "only amounts in major units have a decimal mark"
    if field.values is not None and field.type not in WORDS | {"bool"}:
        yield "only words have a value map"
    if "%" in field.format:
        directives = [f"%{part[:1]}" for part in field.format.split("%")[1:]]
        if not set(directives) >= DAY_PARTS or len(set(directives)) < len(directives):
            yield "a format must have year, month and day, and nothing twice"
        if field.zone is None:
            yield "a moment without offset needs a zone"


def _about_place(layout: Layout, field: LayoutField) -> Iterator[str]:
    placed = (field.column, field.position, field.width) != (None, None, None)
    if field.constant is not None:
        yield from ("a constant is written nowhere",) if placed else ()
    else:
        yield from PLACES[layout.format](layout, field)
    if field.type == "json" and layout.format is not Format.JSONL:
        yield "only jsonl has values of any shape"


def _totals(layout: Layout) -> Iterator[tuple[str, Place]]:
    """Where header and trailer tell something."""
    if layout.header and layout.header.file_id:
        yield "/header/file_id", layout.header.file_id
    if layout.trailer:
        told = {name: getattr(layout.trailer, name) for name in ("record_count", "entry_hash", "sums")}
        yield from ((f"/trailer/{name}", place) for name, place in told.items() if place)


def _csv_place(layout: Layout, place: Place) -> Iterator[str]:
    named = layout.column_names and isinstance(place, LayoutField)
    if place.width is not None or (place.column is None) == (place.position is None):
        yield "csv asks for a column or a position"
    if (place.column is not None) and not named:
        yield "a column is found by its name only where a line has the names; say its position"
    if place.position is not None and named:
        yield "say the name of the column"
    if place.position and layout.cells and isinstance(place, LayoutField) and place.position > layout.cells:
        yield "there are fewer cells"


def _fixed_place(_layout: Layout, place: Place) -> Iterator[str]:
    if place.position is None or place.width is None or place.column is not None:
        yield "fixed asks for a position and a width"


def _named_place(_layout: Layout, place: Place) -> Iterator[str]:
    if place.column is None or place.position is not None or place.width is not None:
        yield "jsonl and parquet ask for a column, the name of a member"


PLACES: Final[Mapping[Format, Callable[[Layout, Place], Iterator[str]]]] = {
    Format.CSV: _csv_place,
    Format.FIXED: _fixed_place,
    Format.JSONL: _named_place,
    Format.PARQUET: _named_place,
}
