"""A chunk's bytes to accepted records as columns, rejects with their reasons, and control totals.

Columns are read at once. What they can't prove meets the row model, which takes it or tells why not: it is the law, they are quick.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import to_json

from shared.files.columns import TYPES, read_columns, schema_of
from shared.files.kinds import CURRENCY, Totalled
from shared.files.layout import Layout
from shared.files.reading import Block, parquet_block, read_blocks, records_at
from shared.files.rejects import Reject, hash_of_line
from shared.files.row_groups import read_group
from shared.files.rows import LeftOut, Refusal, Row, nested, read_cells, read_record, said_in
from shared.files.totals import Totals, entry_hash
from shared.files.way import Way

BATCH_ROWS: Final = 4_096
"""So many records are held at a time one by one, or of parquet."""
BATCH_BYTES: Final = 1 << 20
"""And of so many bytes, and one more: baskets are long."""
MOST_REJECTED: Final = 10_000
"""With more in a chunk, a file is not dirty but broken."""
LARGE_AMOUNT: Final = 1 << 42
"""Below it, a million amounts add up to less than 64 bits hold."""
LINE: Final = "_line"
LINE_HASH: Final = "_line_hash"
"""Where a record stands in its file: columns beside those of the targets, none of which begins so."""

Origin = tuple[int, bytes]
"""The line at which a record begins, and the record."""
Said = Row | Refusal | None
"""What the row model says of a record; None of what is no detail."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """What became of the records of a chunk."""

    accepted: list[pa.RecordBatch]
    """Accepted records by targets, in blocks: text, whole numbers, moments in UTC (microseconds), truths, and of `json` its text.
    Those that the row model alone could take come last. Of kinds that are traced, with the line of each and its hash."""
    rejects: list[Reject]
    """What is wrong with those that are not, by line."""
    rejected: int
    """How many records are not accepted."""
    broken: bool
    """Whether these were so many that what follows was not looked at."""
    totals: Totals
    """Of the accepted ones."""


def parse(data: bytes, way: Way, first_line: int = 1) -> Parsed:
    """Read a chunk of whole records of text (csv, fixed, jsonl). `first_line`: where it begins in its file, from 1."""
    read = read_blocks(data, way)
    proven, open_records = _columns(read.blocks, way)
    remaining = sorted([*open_records, *read.alone])
    count = sum(len(block.records) for block in read.blocks) + len(read.alone)

    def origins(numbers: list[int]) -> Iterator[Origin]:
        found = records_at(data, way, numbers, count) if numbers else ()
        return ((first_line + before, record) for before, record in found)

    told = ((line, record, _read_text(record, way)) for line, record in origins(remaining))
    return _parsed(_traced(proven, origins, way.layout), told, way.layout)


def parse_row_group(file: BinaryIO, size: int, group: int, way: Way, first_row: int = 1) -> Parsed:
    """Read one row group of a parquet file of so many bytes. `first_row`: its first row in the file, from 1, which stands for the line.

    Raises NotParquet where it can't be read within bounds.
    """
    return parse_rows(read_group(file, size, group, way.layout, BATCH_ROWS), way, first_row)


def parse_rows(batches: Iterable[pa.RecordBatch], way: Way, first_row: int = 1) -> Parsed:
    """Read some records of a parquet file. `first_row`: the first one's row in the file, from 1, which stands for the line."""
    accepted: list[pa.RecordBatch] = []

    def left() -> Iterator[tuple[int, bytes, Said]]:
        first = first_row
        for batch in batches:
            proven, open_rows = _columns([parquet_block(batch, way)], way)
            accepted.extend(_traced(proven, partial(_rows_at, batch, first), way.layout))
            yield from ((first + number, *_read_parquet(batch, number, way)) for number in open_rows)
            first += batch.num_rows

    return _parsed(accepted, left(), way.layout)


def shapes_of(accepted: Iterable[pa.RecordBatch], layout: Layout) -> Iterator[dict[str, Any]]:
    """Accepted records as shapes of which the row model makes the same records; moments are no text yet."""
    shapes = {told.target for told in layout.fields if told.type == "json"}
    targets = [told.target for told in layout.fields]
    for batch in accepted:
        for row in batch.select(targets).to_pylist():
            said = {target: json.loads(value) if target in shapes else value for target, value in row.items() if value is not None}
            yield nested(said)


def totals_of(batches: Sequence[pa.RecordBatch], record: Totalled) -> Totals:
    """What records come to."""
    filled = [batch for batch in batches if batch.num_rows]
    if not filled:
        return Totals()
    table = pa.Table.from_batches(filled)
    moments = pc.min_max(table[record.at]) if record.at and record.at in table.column_names else {}
    ids = (pc.cast(part, pa.binary()).to_pylist() for part in table[record.id].chunks)
    return Totals(
        count=table.num_rows,
        sums=_sums(table[record.amount], table[CURRENCY]) if record.amount else {},
        entry_hash=entry_hash(chain.from_iterable(ids)),
        first_at=moments["min"].as_py() if moments else None,
        last_at=moments["max"].as_py() if moments else None,
    )


Proven = list[tuple[pa.RecordBatch, Block, pa.Array | None]]
"""Records that columns took, of which block, and where in it others are that they did not."""


def _columns(blocks: Iterable[Block], way: Way) -> tuple[Proven, list[int]]:
    proven: Proven = []
    open_records: list[int] = []
    schema = schema_of(way.layout)
    for block in blocks:
        columns = read_columns(block.cells, len(block.records), way, schema, block.suspect)
        proven += [(columns.accepted, block, columns.open)] if columns.accepted.num_rows else []
        if columns.open is not None:
            open_records += [block.records[place] for place in pc.indices_nonzero(columns.open).to_pylist()]
    return proven, open_records


def _traced(proven: Proven, origins: Callable[[list[int]], Iterable[Origin]], layout: Layout) -> list[pa.RecordBatch]:
    """The records that columns took, with where each stands in the file if the kind asks for it."""
    if not layout.record.traced:
        return [batch for batch, _, _ in proven]
    return [_with_origins(batch, origins(_taken_of(block, left))) for batch, block, left in proven]


def _taken_of(block: Block, left: pa.Array | None) -> list[int]:
    if left is None:
        return list(block.records)
    return [block.records[place] for place in pc.indices_nonzero(pc.invert(left)).to_pylist()]


def _with_origins(batch: pa.RecordBatch, origins: Iterable[Origin]) -> pa.RecordBatch:
    lines, hashes = zip(*((line, hash_of_line(record)) for line, record in origins), strict=True)
    return batch.append_column(LINE, pa.array(lines, pa.int64())).append_column(LINE_HASH, pa.array(hashes, pa.string()))


def _read_text(record: bytes, way: Way) -> Said:
    try:
        return read_record(record, way)
    except LeftOut:
        return None
    except Refusal as refusal:
        return refusal


def _read_parquet(batch: pa.RecordBatch, number: int, way: Way) -> tuple[bytes, Said]:
    [row] = _rows(batch.slice(number, 1))
    original = _row_as_text(row)
    try:
        return original, read_cells(said_in({name: row.get(str(place.column)) for name, place in way.places.items()}, way), way)
    except LeftOut:
        return original, None
    except Refusal as refusal:
        return original, refusal


def _rows_at(batch: pa.RecordBatch, first_row: int, numbers: list[int]) -> list[Origin]:
    rows = _rows(batch)
    return [(first_row + number, _row_as_text(rows[number])) for number in numbers]


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Records by columns; a moment that Python has none for as text."""
    columns = {name: _values(column) for name, column in zip(batch.schema.names, batch.columns, strict=True)}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _values(column: pa.Array) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except (ValueError, OverflowError):  # a billionth of a second, a year beyond 9999
        values = pc.cast(column, pa.string()).to_pylist()
    return values


def _row_as_text(row: dict[str, Any]) -> bytes:
    return json.dumps(row, default=str, sort_keys=True).encode()


def _parsed(accepted: list[pa.RecordBatch], left: Iterable[tuple[int, bytes, Said]], layout: Layout) -> Parsed:
    """Put together what columns took, once all is read, and what the row model said of the others."""
    alone, taken = list[pa.RecordBatch](), list[tuple[Origin, Row]]()
    rejects: list[Reject] = []
    rejected = held = 0
    for line, record, said in left:
        if isinstance(said, Row):
            taken.append(((line, record), said))
            held += len(record)
            if len(taken) == BATCH_ROWS or held > BATCH_BYTES:
                alone.append(_taken(taken, layout))
                taken.clear()
                held = 0
        elif said is None:
            continue
        elif rejected < MOST_REJECTED:
            rejected += 1
            rejects += [fault.at(line, record) for fault in said.faults]
        else:
            return Parsed(accepted=[], rejects=rejects, rejected=rejected, broken=True, totals=Totals())
    batches = [*accepted, *alone, *([_taken(taken, layout)] if taken else [])]
    return Parsed(accepted=batches, rejects=rejects, rejected=rejected, broken=False, totals=totals_of(batches, layout.record))


def _taken(taken: list[tuple[Origin, Row]], layout: Layout) -> pa.RecordBatch:
    batch = _batch([row for _, row in taken], layout)
    return _with_origins(batch, (origin for origin, _ in taken)) if layout.record.traced else batch


def _batch(taken: list[Row], layout: Layout) -> pa.RecordBatch:
    columns = []
    for told in layout.fields:
        values = [row.values.get(told.target) for row in taken]
        if told.type == "json":
            values = [
                None if value is None else to_json(getattr(row.record, told.target)).decode()
                for row, value in zip(taken, values, strict=True)
            ]
        columns.append(pa.array(values, TYPES[told.type]))
    return pa.RecordBatch.from_arrays(columns, schema=schema_of(layout))


def _sums(amounts: pa.ChunkedArray, currencies: pa.ChunkedArray) -> dict[str, int]:
    if pc.max(amounts).as_py() >= LARGE_AMOUNT:
        amounts = pc.cast(amounts, pa.decimal128(38, 0))
    added = pa.table({"code": currencies, "amount": amounts}).group_by("code", use_threads=False).aggregate([("amount", "sum")])
    return {code: int(total) for code, total in zip(added["code"].to_pylist(), added["amount_sum"].to_pylist(), strict=True)}
