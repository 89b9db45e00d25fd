"""Cells that a spreadsheet would run are made text before they are written."""

from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.files.arrays import by_value, matching, text_bytes
from shared.files.layout import WORDS, Layout
from shared.files.names import Format

FORMULA: Final = r"^[=+\-@\t\r]"
STARTS: Final = b"=+-@\t\r"
TEXT: Final = "'"


def neutral(cells: Mapping[str, pa.Array], layout: Layout) -> dict[str, pa.Array]:
    """The cells of a csv with an apostrophe before text that begins as a formula does. Numbers and moments stay what they are."""
    words = {field.target for field in layout.fields if field.type in WORDS} if layout.format is Format.CSV else set()
    return {target: by_value(column, _neutral) if target in words else column for target, column in cells.items()}


def _neutral(column: pa.Array) -> pa.Array:
    data = text_bytes(column)
    if not any(start in data for start in STARTS):
        return column
    return pc.if_else(matching(column, FORMULA), pc.binary_join_element_wise(TEXT, column, ""), column)
