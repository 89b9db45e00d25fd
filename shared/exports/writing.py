"""A part of an export: records of customers who may be told of, tokens in place of ids, lines as the layout has them, scanned, kept."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from events.files import ExportPartReady, ExportPartsDone
from shared.audiences import cards
from shared.exports import finishing, store
from shared.exports.cells import neutral
from shared.exports.guard import Hit, guard_of
from shared.exports.kinds import EXPORTED, TOKENS, Exported
from shared.exports.model import Export, Part, State
from shared.exports.places import Places, places_of, work_prefix
from shared.exports.planning import CUSTOMER
from shared.exports.scanning import UTF_8, Scanner, shown
from shared.exports.tables import schema_of, slice_of
from shared.exports.tokens import Tokens
from shared.exports.told_once import first_told
from shared.files.arrays import text_bytes
from shared.files.columns import TYPES
from shared.files.kinds import CURRENCY
from shared.files.layout import Layout
from shared.files.names import Format
from shared.files.parsing import totals_of
from shared.files.places import clear, read_whole
from shared.files.spans import Rows, opened, read_rows
from shared.files.stores.protocol import ObjectStore
from shared.files.totals import Totals
from shared.files.writing import cells_of, encoded, joined, quoted
from shared.kernel.errors import Broken, NotFound
from shared.kernel.ids import EXPORT
from shared.platform.call import Call

PARTS: Final = "parts"
CARD: Final = "card_token"
AT: Final = "at"
SLICE: Final = 64_000
"""Records of a slice. What a part comes to is never held as a whole."""
DIFFERENT: Final = pa.dictionary(pa.int32(), pa.string())
"""Text as numbers of the different values."""
NO_CONSENT: Final = "no consent, or never to be targeted"
HOLDER_UNKNOWN: Final = "nobody is known to hold the card"


@dataclass(kw_only=True)
class Making:
    """A part while it is made, slice by slice: what was written so far comes to this."""

    scanner: Scanner
    layout: Layout
    exported: Exported
    tokens: Tokens | None
    told_first: pa.Array | None = None
    """Which of its records are told here and nowhere before; None for all."""
    lines: int = 0
    read: int = 0
    holder_unknown: int = 0
    totals: Totals = field(default_factory=Totals)

    def written(self, batch: pa.RecordBatch) -> bytes:
        """Some records as they are kept in a part, scanned. Raises FoundByGuard."""
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        if self.tokens:
            columns = _tokenised(columns, self.layout, self.tokens)
        cells = quoted(neutral(cells_of(columns, self.layout), self.layout), self.scanner.layout)
        data = self._kept(columns, cells, batch.num_rows)
        self.lines += batch.num_rows
        self.totals += totals_of([batch], self.exported)
        return data

    def _kept(self, columns: dict[str, pa.Array], cells: Mapping[str, pa.Array], count: int) -> bytes:
        if self.layout.format is Format.PARQUET:
            self._scan(columns, cells, count)
            return slice_of(columns, schema_of(self.exported, self.layout), self.layout)
        lines = joined(cells, count, self.layout)
        self._scan(columns, cells, count, lines)
        return encoded(lines, self.layout)

    def _scan(self, columns: Mapping[str, pa.Array], cells: Mapping[str, pa.Array], count: int, lines: pa.Array | None = None) -> None:
        """Look at lines: at those with a suspect cell where cells tell, or at all."""
        layout = self.scanner.layout
        if self.scanner.by_cells:
            suspects = self.scanner.suspects(columns, cells)
            lines = joined({target: column.take(suspects) for target, column in cells.items()}, len(suspects), layout)
        else:
            suspects = pa.arange(0, count)
            lines = joined(cells, count, layout) if lines is None else lines
        hits = self.scanner.guard.search(_as_encoded(lines, layout))
        if hits:
            raise FoundByGuard(replace(hit, line=self.lines + suspects[hit.line - 1].as_py() + 1) for hit in hits)

    @property
    def withheld(self) -> dict[str, int]:
        """How many records were left out, by why."""
        counts = {HOLDER_UNKNOWN: self.holder_unknown, NO_CONSENT: self.read - self.lines - self.holder_unknown}
        return {why: count for why, count in counts.items() if count}


def _as_encoded(lines: pa.Array, layout: Layout) -> pa.Array:
    """Lines as they read in the layout's encoding, which may have `?` for a character."""
    if layout.encoding == UTF_8 or text_bytes(lines).isascii():
        return lines
    return pa.array([line.encode(layout.encoding, "replace").decode(layout.encoding) for line in lines.to_pylist()], pa.string())


class FoundByGuard(Exception):
    """Some lines hold what may not leave."""

    def __init__(self, hits: Iterable[Hit]) -> None:
        """Carry where, and of what kind."""
        super().__init__()
        self.hits = tuple(hits)


def write_part(call: Call, ready: ExportPartReady) -> None:
    """Write a part and scan it. What may not leave refuses the whole file; with the last part, the file can be put together."""
    places = places_of(call)
    with call.reading() as tx:
        export = store.read(tx, ready.export_id)
        part = store.part(tx, ready.export_id, ready.number)
    if export.state is not State.WRITING:
        clear(places.lake, work_prefix(export.export_id))
    elif part.object is None:
        try:
            written = _write(call, places, export, part)
        except FoundByGuard as found:
            finishing.refuse(call, places, export, tuple(hit.problem(part.number) for hit in found.hits))
        except NotFound as error:
            raise Broken("What a part is made from is gone: it was withdrawn just now, or something is wrong.") from error
        else:
            _record(call, places, written, ready)


def _record(call: Call, places: Places, written: Part, ready: ExportPartReady) -> None:
    with call.transaction() as tx:
        export = store.read(tx, ready.export_id, lock=True)  # of two that end at once, the later one sees the other
        if export.state is not State.WRITING:
            clear(places.lake, _stem(export, written))
        elif store.part_written(tx, export.export_id, written) and store.all_written(tx, export.export_id):
            key = EXPORT.render(export.export_id)
            tx.emit(ExportPartsDone(export_id=export.export_id), subject=key, key=key)


def _stem(export: Export, part: Part) -> str:
    return f"{work_prefix(export.export_id, PARTS)}{part.number:06}"


def _write(call: Call, places: Places, export: Export, part: Part) -> Part:
    """A part as one object under a name of this attempt, so that of several attempts each is whole; the one on record counts."""
    layout, exported = places.layout_of(export), EXPORTED[export.kind]
    tokens = Tokens(secret=places.keys.secret(export.token_key), partner=export.partner) if export.token_key else None
    scanner = Scanner(guard=guard_of(places.partners.portfolio), layout=shown(layout), tokens=tokens is not None)
    told_first = first_told(part, partial(_batches, places.lake))
    making = Making(scanner=scanner, layout=layout, exported=exported, tokens=tokens, told_first=told_first)
    batches = _told_of(call, places, export, part, making) if export.allowed else _records(places.lake, part, making)
    stored = places.lake.create(f"{_stem(export, part)}-{uuid4().hex}", map(making.written, batches))
    withheld = making.withheld if export.allowed else {}
    return replace(part, object=stored.name, generation=stored.generation, size=stored.size, totals=making.totals, withheld=withheld)


def _told_of(call: Call, places: Places, export: Export, part: Part, making: Making) -> Iterator[pa.RecordBatch]:
    """The records of customers who may be told of. Whose all are is read first: who may be told of is looked up once for the whole part."""
    customers = _customers(call, places, export, part, making)
    making.read, making.holder_unknown = len(customers), customers.null_count
    told = pc.is_in(customers, value_set=_allowed(places.lake, str(export.allowed)))
    at = 0
    for batch in _records(places.lake, part, making, known={CUSTOMER}):
        rows = slice(at, at + batch.num_rows)
        at = rows.stop
        some = batch.append_column(CUSTOMER, customers[rows].combine_chunks()).filter(told[rows].combine_chunks())
        if some.num_rows:
            yield some


def _customers(call: Call, places: Places, export: Export, part: Part, making: Making) -> pa.ChunkedArray:
    """Whose each record of a part is: the customer that it names, else who held the card."""
    types = {name: TYPES[of] for name, of in making.exported.columns.items()}

    def column(*names: str) -> Iterator[pa.RecordBatch]:
        return _of_part(places.lake, part, making, pa.schema([(name, types[name]) for name in names]))

    named = pa.chunked_array([batch.column(CUSTOMER) for batch in column(CUSTOMER)], pa.string())
    if not named.null_count or CARD not in types:
        return named
    return pa.chunked_array([_holders(call, export, batch) for batch in column(CUSTOMER, CARD, AT)], pa.string())


def _holders(call: Call, export: Export, batch: pa.RecordBatch) -> pa.Array:
    """Whose each record is: the customer that it names, else who held the card at that moment, as far as was known when it was planned."""
    customers = batch.column(CUSTOMER)
    places = pc.indices_nonzero(customers.is_null())
    asked = list(zip(batch.column(CARD).take(places).to_pylist(), batch.column(AT).take(places).to_pylist(), strict=True))
    with call.reading() as tx:
        held = cards.holders(tx, {(card, at) for card, at in asked if card}, as_of=export.planned_at)
    found = pa.array([held[one].customer_id if one in held else None for one in asked], pa.string())
    return pc.replace_with_mask(customers, customers.is_null(), found)


def _allowed(lake: ObjectStore, name: str) -> pa.Array:
    """Who may be told of: some bytes for each customer."""
    return parquet.read_table(pa.BufferReader(read_whole(lake, name)), use_threads=False)[CUSTOMER].combine_chunks()


def _records(lake: ObjectStore, part: Part, making: Making, known: Collection[str] = ()) -> Iterator[pa.RecordBatch]:
    """What is written of the records of a part, and what tells what all come to, but for what is `known` of them.

    Text that repeats comes as each different value once; ids of records, customers and cards seldom repeat in a slice.
    """
    exported = making.exported
    asked = {exported.id, exported.at, exported.amount, CURRENCY, *(told.target for told in making.layout.fields)}
    types = {name: DIFFERENT if of == "text" and name not in {exported.id, *TOKENS} else TYPES[of] for name, of in exported.columns.items()}
    return _of_part(lake, part, making, pa.schema([(name, kind) for name, kind in types.items() if name in asked - set(known)]))


def _of_part(lake: ObjectStore, part: Part, making: Making, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The records of a part, each message once."""
    at = 0
    for batch in _batches(lake, part.sources, schema):
        some = batch if making.told_first is None else batch.filter(making.told_first[at : at + batch.num_rows])
        at += batch.num_rows
        if some.num_rows:
            yield some


def _batches(lake: ObjectStore, sources: Sequence[str], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The records of some objects of Parquet, slice by slice; a column that one of them lacks is null there."""
    different = [name for name, kind in zip(schema.names, schema.types, strict=True) if kind == DIFFERENT]
    for rows in map(Rows.of, sources):
        for batch in read_rows(opened(read_whole(lake, rows.object), different), rows, schema.names, SLICE):
            found = dict(zip(batch.schema.names, batch.columns, strict=True))
            columns = [
                found[name] if name in found else pa.nulls(batch.num_rows, kind)
                for name, kind in zip(schema.names, schema.types, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _tokenised(columns: Mapping[str, pa.Array], layout: Layout, tokens: Tokens) -> dict[str, pa.Array]:
    """The columns with tokens in place of the ids that the layout writes."""
    written = {told.target for told in layout.fields}
    return {name: tokens.column(column, TOKENS[name]) if name in TOKENS and name in written else column for name, column in columns.items()}
