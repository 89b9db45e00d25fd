"""The lake: every accepted record as Parquet, by kind and day, a part for each chunk or event and day. Committed once under its own name.

A large part is kept as an object of its own, small ones of several days lie in one; later the parts of many objects do (`compaction`).
Where each lies is on record.
"""

import io
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from shared.files.drops import Drop, LakePart
from shared.files.layout import Layout
from shared.files.places import keep, read_whole
from shared.files.spans import Placed, opened, read_rows, rows_of
from shared.files.stores.protocol import ObjectStore

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

COMPRESSION: Final = "zstd"
NO_DAY: Final = "none"
"""Where records tell no moment."""
TOGETHER: Final = 4_096
"""Parts of several days that have no more records lie in one object, as those of an event do: who asks for a day reads no more in vain."""
SLICE: Final = 1 << 17


def keep_part(lake: ObjectStore, layout: Layout, drop: Drop, number: int, batches: Sequence[pa.RecordBatch]) -> list[LakePart]:
    """Keep what was accepted of a chunk. Done again, it leaves the same."""
    if not any(batch.num_rows for batch in batches):
        return []
    stem = f"{drop.drop_id.hex}-{number:06}"
    return keep_days(lake, layout.kind.value, stem, pa.Table.from_batches(batches), layout.record.at, from_file=True)


def keep_days(lake: ObjectStore, kind: str, stem: str, table: pa.Table, at: str | None, *, from_file: bool) -> list[LakePart]:
    """Keep some records, a part for each day, one behind the other. Done again, it leaves the same."""
    ordered, days = _by_day(table, at)
    kept: list[LakePart] = []
    for some in _together(days):
        before, first_row = sum(part.records for part in kept), 0
        place = partition(kind, "_".join(dict.fromkeys((some[0][0], some[-1][0]))))
        data = as_parquet(_said_of(ordered.slice(before, sum(records for _, records in some))))
        stored = keep(lake, f"{place}/{stem}.parquet", data)
        for day, records in some:
            part = LakePart(
                name=f"{partition(kind, day)}/{stem}.parquet",
                kind=kind,
                day=day,
                records=records,
                object=stored.name,
                first_row=first_row,
                bytes=stored.size,
                from_file=from_file,
            )
            kept.append(part)
            first_row += records
    return kept


def partition(kind: str, day: str) -> str:
    """Where the records of a kind and day lie."""
    return f"kind={kind}/day={day}"


def read_parts(lake: ObjectStore, parts: Iterable[Placed], fields: Collection[str]) -> pa.Table:
    """These fields of what parts hold, where they have them."""
    tables = [
        pa.Table.from_batches([batch])
        for rows in rows_of(parts)
        for batch in read_rows(opened(read_whole(lake, rows.object)), rows, fields, SLICE)
    ]  # fmt: skip
    return pa.concat_tables(tables, promote_options="default") if tables else pa.table({})


def of_parquet(data: bytes, fields: Collection[str]) -> pa.Table:
    """These fields of a part of Parquet, where it has them."""
    part = parquet.ParquetFile(io.BytesIO(data))
    return part.read(columns=[name for name in part.schema_arrow.names if name in fields])


def _by_day(table: pa.Table, at: str | None) -> tuple[pa.Table, list[tuple[str, int]]]:
    """The records in the order of their days (UTC), and how many each day has."""
    if at is None or at not in table.column_names:
        return table, [(NO_DAY, table.num_rows)]
    days = pc.cast(pc.floor_temporal(table[at], unit="day"), pa.date32())
    counted = {told["values"]: told["counts"] for told in pc.value_counts(days).to_pylist()}
    ordered = table.take(pc.sort_indices(days)) if len(counted) > 1 else table
    return ordered, [(_said(day), counted[day]) for day in sorted(counted, key=lambda day: day or date.max)]


def _said(day: date | None) -> str:
    return f"{day:%Y-%m-%d}" if day else NO_DAY


def _said_of(table: pa.Table) -> pa.Table:
    """The columns in which anything is said: each that is written takes its time, of few records as of many."""
    return table.select([name for name in table.column_names if table[name].null_count < table.num_rows])


def _together(days: Iterable[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    """Days, each with how many records it has, those together that lie in one object."""
    some: list[tuple[str, int]] = []
    count = 0
    for day, records in days:
        if some and count + records > TOGETHER:
            yield some
            some, count = [], 0
        some.append((day, records))
        count += records
    if some:
        yield some


def as_parquet(table: pa.Table) -> bytes:
    """The records as one object of Parquet. Of few records, dictionaries of different values take longer than they save."""
    made = io.BytesIO()
    parquet.write_table(table, made, compression=COMPRESSION, use_dictionary=table.num_rows > TOGETHER)
    return made.getvalue()


def as_blocks(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[bytes]:
    """Tables as one file of Parquet, as it is written: a row group for each."""
    sink = _Drained()
    with parquet.ParquetWriter(sink, schema, compression=COMPRESSION) as writer:
        for table in tables:
            writer.write_table(table)
            yield sink.drain()
    yield sink.drain()


class _Drained(io.RawIOBase):
    """What is written to it can be taken away while more is written."""

    def __init__(self) -> None:
        self._at, self._blocks = 0, list[bytes]()

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def write(self, data: "ReadableBuffer", /) -> int:
        self._blocks.append(bytes(data))
        self._at += len(self._blocks[-1])
        return len(self._blocks[-1])

    def drain(self) -> bytes:
        """What was written since."""
        blocks, self._blocks = self._blocks, []
        return b"".join(blocks)
