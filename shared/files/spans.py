"""Which rows of an object of Parquet are meant: the parts of the lake that lie there, one behind the other or with others in between."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import pyarrow as pa
from pyarrow import parquet

Span = tuple[int, int]
"""A first row, and the one behind the last."""
MARK: Final = "#"


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """Where a part of the lake lies."""

    name: str
    day: str
    from_file: bool
    """Else an event told it."""
    object: str
    first_row: int
    records: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Rows of an object; without spans all of them. As text: `name#0-100;250-300`."""

    object: str
    spans: tuple[Span, ...] = ()

    @property
    def count(self) -> int:
        """How many rows the spans have."""
        return sum(stop - first for first, stop in self.spans)

    def __str__(self) -> str:
        """As it is kept."""
        spans = ";".join(f"{first}-{stop}" for first, stop in self.spans)
        return f"{self.object}{MARK}{spans}" if spans else self.object

    @classmethod
    def of(cls, text: str) -> "Rows":
        """Read what was kept."""
        name, _, spans = text.partition(MARK)
        pairs = [span.split("-") for span in spans.split(";") if span]
        return cls(object=name, spans=tuple((int(first), int(stop)) for first, stop in pairs))


def rows_of(parts: Iterable[Placed]) -> list[Rows]:
    """Where parts lie, in their order, object by object: parts of one object follow each other, by their first rows."""
    return [Rows(object=name, spans=_joined(some)) for name, some in groupby(parts, lambda part: part.object)]


def _joined(parts: Iterable[Placed]) -> tuple[Span, ...]:
    """Where parts of one object lie, those that follow each other as one."""
    spans: list[Span] = []
    for part in parts:
        first, stop = part.first_row, part.first_row + part.records
        if spans and spans[-1][1] == first:
            spans[-1] = spans[-1][0], stop
        else:
            spans.append((first, stop))
    return tuple(spans)


def opened(data: bytes, different: Collection[str] = ()) -> parquet.ParquetFile:
    """An object to read from. Of the fields in `different`, where it has them, each different value comes once, in a dictionary."""
    file = parquet.ParquetFile(pa.BufferReader(data))
    named = [name for name in file.schema_arrow.names if name in different]
    return parquet.ParquetFile(pa.BufferReader(data), metadata=file.metadata, read_dictionary=named) if named else file


def read_rows(file: parquet.ParquetFile, rows: Rows, fields: Collection[str] | None, size: int) -> Iterator[pa.RecordBatch]:
    """The rows of an object that are meant, in slices of at most `size`: these fields of them, where it has them; None: all."""
    names = [name for name in file.schema_arrow.names if fields is None or name in fields]
    at = 0
    for number in range(file.num_row_groups):
        stop = at + file.metadata.row_group(number).num_rows
        if not rows.spans or any(first < stop and at < end for first, end in rows.spans):
            for batch in file.iter_batches(batch_size=size, row_groups=[number], columns=names, use_threads=False):
                yield from _cut(batch, at, rows.spans)
                at += batch.num_rows
        at = stop


def _cut(batch: pa.RecordBatch, at: int, spans: tuple[Span, ...]) -> Iterator[pa.RecordBatch]:
    """What of a slice that begins at a row is meant."""
    if not spans:
        yield batch
    for first, stop in spans:
        begin, end = max(first - at, 0), min(stop - at, batch.num_rows)
        if begin < end:
            alone = 2 * (end - begin) < batch.num_rows  # whoever keeps these few rows is not to keep the others
            yield batch.take(pa.arange(begin, end)) if alone else batch.slice(begin, end - begin)
