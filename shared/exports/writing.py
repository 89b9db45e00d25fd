"""A part of an export: records of customers who may be told of, tokens in place of ids, lines as the layout has them, scanned, kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from events.payloads import ExportPartReady, ExportPartsDone
from shared.audiences import cards
from shared.exports import finishing, store
from shared.exports.cells import neutral
from shared.exports.guard import guard_of
from shared.exports.kinds import EXPORTED, TOKENS, Exported
from shared.exports.model import Export, Part, State
from shared.exports.places import Places, clear, keep_work, places_of, work_prefix
from shared.exports.tokens import Tokens
from shared.files.columns import TYPES
from shared.files.layout import Layout
from shared.files.parsing import totals_of
from shared.files.places import read_whole
from shared.files.stores.opening import open_store
from shared.files.stores.protocol import ObjectStore
from shared.files.totals import Totals
from shared.files.writing import cells_of, encoded, lines_of
from shared.kernel.errors import Broken, NotFound
from shared.kernel.ids import EXPORT
from shared.platform.call import Call

PARTS: Final = "parts"
CUSTOMER: Final = "customer_id"
CARD: Final = "card_token"
NO_CONSENT: Final = "no consent, or never to be targeted"
HOLDER_UNKNOWN: Final = "nobody is known to hold the card"

Columns = Mapping[str, pa.Array]


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What a part comes to."""

    lines: pa.Array
    data: bytes
    totals: Totals
    withheld: Mapping[str, int]


def write_part(call: Call, ready: ExportPartReady) -> None:
    """Write a part and scan it. What may not leave refuses the whole file; with the last part, the file can be put together."""
    places = places_of(call)
    with call.reading() as tx:
        export = store.read(tx, ready.export_id)
        part = store.part(tx, ready.export_id, ready.number)
    if export.state is not State.WRITING:
        clear(places.lake, _stem(export, part))
        return
    if part.object is not None:
        return
    try:
        made = _make(call, places, export, part)
    except NotFound as error:
        raise Broken("What a part is made from is gone: it was withdrawn just now, or something is wrong.") from error
    hits = guard_of(places.partners.portfolio).search(made.lines)
    if hits:
        finishing.refuse(call, places, export, tuple(hit.problem(part.number) for hit in hits))
        return
    written = replace(
        part,
        object=keep_work(places.lake, _stem(export, part), made.data),
        size=len(made.data),
        sha256=sha256(made.data).hexdigest(),
        totals=made.totals,
        withheld=made.withheld,
    )
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


def _make(call: Call, places: Places, export: Export, part: Part) -> Made:
    exported, layout = EXPORTED[export.kind], places.layout_of(export)
    columns = _read(places.lake, part.sources, exported)
    columns, withheld = _told_of(call, places, export, columns) if export.allowed else (columns, {})
    if export.token_key:
        columns = _tokenised(columns, layout, Tokens(secret=places.keys.secret(export.token_key), partner=export.partner))
    count = len(columns[exported.id])
    lines = lines_of(neutral(cells_of(columns, layout), layout), count, layout)
    data = encoded(lines, layout)
    totals = totals_of([pa.RecordBatch.from_pydict(dict(columns))] if count else [], exported)
    return Made(lines=lines if layout.encoding == "utf-8" else _lines(data, layout), data=data, totals=totals, withheld=withheld)


def _lines(data: bytes, layout: Layout) -> pa.Array:
    """The lines as they are written in another encoding."""
    return pa.array(data.decode(layout.encoding).splitlines(keepends=True), pa.string())


def _read(lake: ObjectStore, sources: tuple[str, ...], exported: Exported) -> dict[str, pa.Array]:
    """The columns of some objects of Parquet, one behind the other; what one of them lacks is null there."""
    schema = pa.schema([(name, TYPES[of]) for name, of in exported.columns.items()])
    tables = [_read_one(lake, source, schema) for source in sources]
    table = pa.concat_tables(tables).combine_chunks()
    return {name: _one_array(table[name]) for name in schema.names}


def _read_one(lake: ObjectStore, source: str, schema: pa.Schema) -> pa.Table:
    file = parquet.ParquetFile(pa.BufferReader(read_whole(lake, source)))
    table = file.read(columns=[name for name in schema.names if name in file.schema_arrow.names], use_threads=False)
    columns = [
        table[name] if name in table.column_names else pa.nulls(table.num_rows, kind)
        for name, kind in zip(schema.names, schema.types, strict=True)
    ]
    return pa.table(columns, names=schema.names).cast(schema)


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return (
        column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    )


def _told_of(call: Call, places: Places, export: Export, columns: dict[str, pa.Array]) -> tuple[dict[str, pa.Array], dict[str, int]]:
    """The records of customers who may be told of, and how many others there are, by why."""
    customers = _holders(call, export, columns)
    known = customers.is_valid()
    allowed = pc.is_in(customers, value_set=_allowed(places.lake.url, str(export.allowed)), skip_nulls=True)
    unknown, refused = pc.sum(pc.invert(known)).as_py() or 0, pc.sum(pc.invert(pc.or_(allowed, pc.invert(known)))).as_py() or 0
    counts = {HOLDER_UNKNOWN: unknown, NO_CONSENT: refused}
    kept = columns | {CUSTOMER: customers}
    if unknown or refused:
        kept = {name: column.filter(allowed) for name, column in kept.items()}
    return kept, {why: count for why, count in counts.items() if count}


def _holders(call: Call, export: Export, columns: Columns) -> pa.Array:
    """Whose each record is: the customer that it names, else who held the card at that moment, as far as was known when it was planned."""
    customers = columns[CUSTOMER]
    if not customers.null_count or CARD not in columns:
        return customers
    places = pc.indices_nonzero(customers.is_null())
    asked = list(zip(columns[CARD].take(places).to_pylist(), columns["at"].take(places).to_pylist(), strict=True))
    with call.reading() as tx:
        held = cards.holders(tx, {(card, at) for card, at in asked if card}, as_of=export.planned_at)
    found = pa.array([held[one].customer_id if one in held else None for one in asked], pa.string())
    return pc.replace_with_mask(customers, customers.is_null(), found)


@lru_cache(maxsize=1)
def _allowed(lake: str, name: str) -> pa.Array:
    """Who may be told of: some bytes for each customer, held while parts of one export are written."""
    return _one_array(parquet.read_table(pa.BufferReader(read_whole(open_store(lake), name)), use_threads=False)[CUSTOMER])


def _tokenised(columns: Columns, layout: Layout, tokens: Tokens) -> dict[str, pa.Array]:
    """The columns with tokens in place of the ids that the layout writes."""
    written = {field.target for field in layout.fields}
    return {name: tokens.column(column, TOKENS[name]) if name in TOKENS and name in written else column for name, column in columns.items()}
