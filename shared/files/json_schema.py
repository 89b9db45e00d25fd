"""What columns lines of JSON are read as: as the layout has them, and where others may stand for them, as the first lines do."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from shared.files.json_objects import read_wide_object
from shared.files.layout import WORDS, LayoutField, Place
from shared.files.way import Way

FIRST_LINES: Final = 20
EXACT: Final = pa.decimal128(38, 10)
TEXT: Final = pa.string()


def schema_of_lines(lines: Sequence[bytes], way: Way) -> pa.Schema:
    """The members that are read, objects within objects; those of any shape are left out."""
    found = list(_objects(lines)) if way.shapings or way.layout.other_columns == "ignore" else []
    tree: dict[str, Any] = {}
    for name, steps in way.members.items():
        kind = _kind(way.places[name], [_at(one, steps) for one in found])
        if kind == EXACT and any(_as_text(steps[-1]).search(line) for line in lines):
            kind = TEXT  # of text some is taken for a number there that is none here
        at = tree
        for step in steps[:-1]:
            at = at.setdefault(step, {})
            if not isinstance(at, dict):
                return pa.schema([])  # a member and what lies within it: none of the lines will fit
        if kind is not None:
            at.setdefault(steps[-1], kind)
    return pa.schema(list(_fields(tree)))


def _as_text(name: str) -> re.Pattern[bytes]:
    """A member that holds text."""
    return re.compile(b'"' + re.escape(name.encode()) + b'"\\s*:\\s*"')


def _objects(lines: Sequence[bytes]) -> Iterator[dict[str, object]]:
    for line in islice(lines, FIRST_LINES):
        found = read_wide_object(line.decode(errors="replace"))
        if found is not None:
            yield found


def _at(members: object, steps: Sequence[str]) -> object:
    for step in steps:
        members = members.get(step) if isinstance(members, dict) else None
    return members


def _fields(tree: dict[str, Any]) -> Iterator[pa.Field]:
    for name, kind in tree.items():
        yield pa.field(name, pa.struct(list(_fields(kind))) if isinstance(kind, dict) else kind)


def _kind(told: Place, values: list[object]) -> pa.DataType | None:
    """What a member holds; None for any shape."""
    usual = _usual(told)
    value = next((value for value in values if value is not None), None)
    if usual is None or value is None:
        return usual
    if isinstance(told, LayoutField) and told.type == "major" and isinstance(value, int | Decimal):
        return EXACT
    if type(value) is int and not (isinstance(told, LayoutField) and told.type == "bool"):
        return pa.int64()
    return pa.string() if isinstance(value, str) else usual


def _usual(told: Place) -> pa.DataType | None:
    if not isinstance(told, LayoutField):
        return pa.string()
    if told.type == "json":
        return None
    if told.type in WORDS or (told.type == "moment" and told.format == "iso") or "%" in told.format or told.type == "major":
        return pa.string()
    return pa.bool_() if told.type == "bool" else pa.int64()
