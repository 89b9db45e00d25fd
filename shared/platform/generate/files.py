"""The reference page of files: names, manifest, layouts and codes, each from what the code itself reads them with."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, get_args

from shared.files.layout import Filled, Header, Layout, LayoutField, LeftOut, Place, Trailer, ZonePlace
from shared.files.library import load
from shared.files.manifest import Manifest
from shared.files.names import READERS
from shared.files.rejects import Code
from shared.kernel.wire import Wire

Table = Callable[[tuple[str, ...], Iterable[tuple[str, ...]]], str]

NAME: Final = (
    "`<kind>_<sender>_<day>_<sequence>_<scope>_r<revision>.<ending>`, such as `transactions_mybank_20260112_0001_delta_r1.csv.gz`. "
    "Beside it lies its manifest, `<name>.manifest.json`, which is written last."
)
LAYOUTS: Final = (
    "A layout is a JSON file: how a sender writes the records of a kind. A sender's own goes before the one for everybody. "
    "These come with Clo; the columns stand in any order where a line has their names."
)


def sections(table: Table) -> Iterator[str]:
    """The sections of the page."""
    yield "## Names"
    yield NAME
    yield table(("part", "must be"), ((name, must_be) for name, (_, must_be) in READERS.items()))
    yield "## Manifest"
    yield _doc(Manifest)
    yield _fields(Manifest, table)
    yield "## Layouts"
    yield LAYOUTS
    for layout in load().layouts.values():
        yield f"### {layout.name}"
        yield _frame(layout)
        yield table(("field", "where", "type", "required"), (_written(field) for field in layout.fields))
    yield "## A layout of one's own"
    for model in TITLES:
        yield f"### {TITLES[model]}"
        yield _doc(model)
        yield _fields(model, table)
    yield "## Why a record is not taken"
    yield table(("code", "in words"), ((f"`{code.value}`", code.sentence) for code in Code))


TITLES: Final[dict[type[Wire], str]] = {
    Layout: "Layout",
    LayoutField: "Field",
    Place: "Place",
    Filled: "Place that is filled with zeros",
    ZonePlace: "Place of a zone",
    LeftOut: "Records that are left out",
    Header: "Header",
    Trailer: "Trailer",
}


def _doc(model: type[Wire]) -> str:
    return (model.__doc__ or "").strip()


def _fields(model: type[Wire], table: Table) -> str:
    inherited = {name for base in model.__mro__[1:] for name in getattr(base, "model_fields", {})}
    told = {name: field for name, field in model.model_fields.items() if name not in inherited}
    return table(
        ("name", "default", "meaning"),
        (
            (f"`{name}`", _default(field), " ".join((field.description or _choices(field.annotation)).split()))
            for name, field in told.items()
        ),
    )


def _default(field: Any) -> str:  # noqa: ANN401  (pydantic's FieldInfo)
    if field.is_required():
        return "needed"
    default = field.get_default(call_default_factory=True)
    return f"`{default}`" if default not in (None, {}, []) else ""


def _choices(annotation: Any) -> str:  # noqa: ANN401  (any hint)
    choices = [choice for choice in get_args(annotation) if isinstance(choice, str)]
    return ", ".join(f"`{choice}`" for choice in choices)


def _frame(layout: Layout) -> str:
    said = [f"{layout.kind.value} as {layout.format.value}, version {layout.schema_version}"]
    if layout.header:
        named = f" with the file id ({_place(layout.header.file_id)})" if layout.header.file_id else ""
        said.append(f"header `{layout.header.mark}`{named}")
    if layout.column_names:
        said.append("a line with the names of the columns")
    if layout.detail:
        said.append(f"each detail marked `{layout.detail}`")
    if layout.trailer:
        totals = {name: getattr(layout.trailer, name) for name in ("record_count", "entry_hash", "sums")}
        places = ", ".join(f"{name} ({_place(place)})" for name, place in totals.items() if place)
        said.append(f"trailer `{layout.trailer.mark}` with {places}")
    return "; ".join(said) + "."


def _written(field: LayoutField) -> tuple[str, ...]:
    where = f"always `{field.constant}`" if field.constant is not None else _place(field)
    return f"`{field.target}`", where, field.type, "yes" if field.required else ""


def _place(place: Place) -> str:
    if place.column is not None:
        return f"`{place.column}`"
    if place.width is None:
        return f"cell {place.position}"
    return f"characters {place.span[0] + 1} to {place.span[1]}"
