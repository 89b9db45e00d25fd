"""Records are scanned by their cells, each different value once, and only lines with a cell that may hold something are looked at as lines.

That is as good as looking at every line where something stands between the cells that no rule reaches across: what a rule finds in the line
lies within one cell. Where nothing such stands, all lines are looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.exports.guard import Guard
from shared.exports.kinds import TOKENS
from shared.files.arrays import decoded, matching, text_bytes
from shared.files.layout import Layout, LayoutField
from shared.files.names import Format

REACHED_ACROSS: Final = frozenset(" \t._-+()/@%")
"""Beside letters and digits, what may stand within what the rules find, whatever the portfolio's names are."""
UTF_8: Final = "utf-8"
ISO: Final = "iso"
NONE: Final = pa.array([], pa.uint64())


def shown(layout: Layout) -> Layout:
    """How records of a layout are shown to the guard."""
    return layout.model_copy(update={"format": Format.CSV, "column_names": True}) if layout.format is Format.PARQUET else layout


@dataclass(frozen=True, kw_only=True, slots=True)
class Scanner:
    """Scans the records of a layout."""

    guard: Guard
    layout: Layout
    """As records are shown to the guard: of Parquet, as a csv would have them."""
    tokens: bool
    """Whether ids are written as tokens."""

    @property
    def by_cells(self) -> bool:
        """Whether no rule reaches from one cell into the next."""
        layout = self.layout
        between = {layout.delimiter, layout.quote or layout.delimiter}
        mark = pa.array([layout.detail or ""])
        apart = not between & (REACHED_ACROSS | self.guard.in_names) and not self.guard.search(mark)
        return layout.format is Format.CSV and layout.encoding == UTF_8 and apart

    def suspects(self, columns: Mapping[str, pa.Array], cells: Mapping[str, pa.Array]) -> pa.Array:
        """The numbers of the records, from 0, of which a cell may hold what may not leave. `columns`: what the cells were written from."""
        fields = {told.target: told for told in self.layout.fields}
        found = [
            self._suspects(column) for target, column in cells.items() if not self._is_harmless(fields[target], columns[target], column)
        ]
        return pc.unique(pa.concat_arrays([NONE, *found])).sort()

    def _suspects(self, cells: pa.Array) -> pa.Array:
        if not pa.types.is_dictionary(cells.type) or len(cells.dictionary) > len(cells):
            return pc.indices_nonzero(matching(decoded(cells), self.guard.may_be))
        values = pc.indices_nonzero(matching(cells.dictionary, self.guard.may_be))
        return pc.indices_nonzero(pc.is_in(cells.indices, value_set=pc.cast(values, cells.indices.type))) if len(values) else NONE

    def _is_harmless(self, field: LayoutField, column: pa.Array, cells: pa.Array) -> bool:
        """Whether no rule can find anything in cells, for what they were written from and how they look."""
        written = cells.dictionary if pa.types.is_dictionary(cells.type) else cells
        if field.target in TOKENS and self.tokens:
            return text_bytes(written).isalpha() and not self.guard.names_numbers
        if pa.types.is_timestamp(column.type) and field.format == ISO:
            return not self.guard.names_numbers
        return not self.guard.can_hold(written)
