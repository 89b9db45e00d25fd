"""The lake: every accepted record as Parquet, by kind and day, a part for each chunk or event and day. Committed once under its own name.

Parts are kept as objects of their own; later the parts of many lie in one (`compaction`). Where they do is on record.
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
from shared.files.spans import Placed, read_rows, rows_of
from shared.files.stores.protocol import ObjectStore

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

COMPRESSION: Final = "zstd"
NO_DAY: Final = "none"
"""Where records tell no moment."""
SLICE: Final = 1 << 17


def keep_part(lake: ObjectStore, layout: Layout, drop: Drop, number: int, batches: Sequence[pa.RecordBatch]) -> list[LakePart]:
    """Keep what was accepted of a chunk. Done again, it leaves the same."""
    if not batches:
        return []
    stem = f"{drop.drop_id.hex}-{number:06}"
    return keep_days(lake, layout.kind.value, stem, pa.Table.from_batches(batches), layout.record.at, from_file=True)


def keep_days(lake: ObjectStore, kind: str, stem: str, table: pa.Table, at: str | None, *, from_file: bool) -> list[LakePart]:
    """Keep some records, those of each day by themselves. Done again, it leaves the same."""
    kept = []
    for day, of_day in _by_day(table, at):
        stored = keep(lake, f"{partition(kind, day)}/{stem}.parquet", as_parquet(of_day))
        said = {"kind": kind, "day": day, "records": of_day.num_rows, "from_file": from_file}
        kept.append(LakePart(name=stored.name, bytes=stored.size, **said))
    return kept


def partition(kind: str, day: str) -> str:
    """Where the records of a kind and day lie."""
    return f"kind={kind}/day={day}"


def read_parts(lake: ObjectStore, parts: Iterable[Placed], fields: Collection[str]) -> pa.Table:
    """These fields of what parts hold, where they have them."""
    tables = [
        pa.Table.from_batches([batch])
        for rows in rows_of(parts)
        for batch in read_rows(read_whole(lake, rows.object), rows, fields, SLICE)
    ]  # fmt: skip
    return pa.concat_tables(tables, promote_options="default") if tables else pa.table({})


def of_parquet(data: bytes, fields: Collection[str]) -> pa.Table:
    """These fields of a part of Parquet, where it has them."""
    part = parquet.ParquetFile(io.BytesIO(data))
    return part.read(columns=[name for name in part.schema_arrow.names if name in fields])


def _by_day(table: pa.Table, at: str | None) -> Iterator[tuple[str, pa.Table]]:
    """The records of each day (UTC)."""
    if at is None or at not in table.column_names:
        yield NO_DAY, table
        return
    days = pc.cast(pc.floor_temporal(table[at], unit="day"), pa.date32())
    distinct = pc.unique(days).to_pylist()
    for day in distinct:
        yield _said(day), table.filter(pc.equal(days, day) if day else pc.is_null(days)) if len(distinct) > 1 else table


def _said(day: date | None) -> str:
    return f"{day:%Y-%m-%d}" if day else NO_DAY


def as_parquet(table: pa.Table) -> bytes:
    """The records as one part of Parquet."""
    made = io.BytesIO()
    parquet.write_table(table, made, compression=COMPRESSION)
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
