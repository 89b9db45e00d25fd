"""From accepted transactions to the events that carry them: JSON as pydantic would write it, without what a record does not say."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc

from events.payloads import MAX_BATCH, FileOrigin, Transaction
from shared.files.arrays import iso_text, json_text

MOST_BYTES: Final = 880_000
"""An event stays below 900 kB with all that is put around its transactions."""
CUSTOMER: Final = "customer_id"
CARD: Final = "card_token"
FREE_TEXT: Final = frozenset({"descriptor", "region", "city"})
"""Fields whose values may hold what JSON escapes; no control characters, which the row model refuses."""
RAW: Final = frozenset({"items"})
"""Fields that are JSON already."""
USUAL_ROWS: Final = 1 << 13
USUAL_TEXTS: Final = 64
USUAL_BYTES: Final = 64
"""Text between values is kept for so many rows: so many texts, each of so many characters at most, or 32 MiB in all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPayload:
    """The payload of one `clo.transactions.posted.v1`."""

    shard: int
    part: int
    """Which of the shard's, from 0: with the chunk and the shard it names the event, the same whenever the chunk is read."""
    count: int
    json: bytes = field(repr=False)


def payloads(
    batches: Sequence[pa.RecordBatch], shards: int, holders: Sequence[pa.Array | None] = (), origin: FileOrigin | None = None
) -> Iterator[EventPayload]:
    """Accepted transactions as payloads of the shards of their customers, each below 900 kB and of at most 5,000.

    `origin`: the file that tells them. `holders`: for each batch the customers as the cards tell them, null where nobody is known; a
    customer who is named goes first, a card of nobody's stands for its customer.
    """
    told = b'"file":%b,' % origin.model_dump_json().encode() if origin else b""
    gathered = [_Shard(number=number, origin=told) for number in range(shards)]
    for batch, held in zip(batches, holders or [None] * len(batches), strict=True):
        places = _places(_whose(batch, held), shards)
        ends, texts = _rows(pc.take(_json_rows(batch), pc.sort_indices(places)))
        start = 0
        for number, count in sorted(zip(*_counts(places), strict=True)):
            yield from gathered[number].take(texts, ends, start, start + count)
            start += count
    for shard in gathered:
        yield from shard.rest()


def _places(whose: list[bytes], shards: int) -> pa.Array:
    """The shards of customers, as `shared.kernel.shards` has them."""
    hashes = pa.Array.from_buffers(pa.uint32(), len(whose), [None, pa.py_buffer(array("I", map(crc32, whose)))])
    return pc.cast(pc.subtract(hashes, pc.multiply(pc.divide(hashes, shards), shards)), pa.uint16())


def _counts(places: pa.Array) -> tuple[list[int], list[int]]:
    counted = pc.value_counts(places)
    return counted.field(0).to_pylist(), counted.field(1).to_pylist()


def _whose(batch: pa.RecordBatch, held: pa.Array | None) -> list[bytes]:
    customer, card = (batch.column(name) if name in batch.schema.names else None for name in (CUSTOMER, CARD))
    said = (customer, held, card)
    known = [pc.cast(array, pa.binary()) for array in said if array is not None and array.null_count < len(array)]
    whose: list[bytes] = (pc.coalesce(*known) if len(known) > 1 else known[0]).to_pylist()
    return whose


def _rows(rows: pa.Array) -> tuple[memoryview, memoryview]:
    """Where each row ends in the text of all, and that text."""
    _, ends, data = rows.buffers()
    return memoryview(ends).cast("i")[: len(rows) + 1], memoryview(data)


@dataclass(kw_only=True, slots=True)
class _Shard:
    """What is gathered for the next event of a shard."""

    number: int
    origin: bytes
    part: int = 0
    count: int = 0
    size: int = 0
    pieces: list[memoryview] = field(default_factory=list)

    def take(self, texts: memoryview, ends: memoryview, start: int, stop: int) -> Iterator[EventPayload]:
        """Gather rows; yields an event whenever no more fit in."""
        while start < stop:
            fitting = self._fitting(ends, start, stop)
            if fitting:
                self.pieces.append(texts[ends[start] : ends[start + fitting]])
                self.count += fitting
                self.size += len(self.pieces[-1])
                start += fitting
            if start < stop:
                yield from self.rest()

    def _fitting(self, ends: memoryview, start: int, stop: int) -> int:
        """How many of the rows still fit into the event."""
        most = min(stop - start, MAX_BATCH - self.count)
        room = MOST_BYTES - self.size + ends[start]
        if ends[start + most] <= room:
            return most
        low, high = 0, most
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if ends[start + middle] <= room else (low, middle)
        return low

    def rest(self) -> Iterator[EventPayload]:
        if self.count:
            last = self.pieces.pop()[:-1]  # each row ends with a comma
            text = b"".join((b'{"shard":%d,%b"transactions":[' % (self.number, self.origin), *self.pieces, last, b"]}"))
            yield EventPayload(shard=self.number, part=self.part, count=self.count, json=text)
            self.part, self.count, self.size, self.pieces = self.part + 1, 0, 0, []


def _json_rows(batch: pa.RecordBatch) -> pa.Array:
    """Each transaction as JSON with a comma behind it."""
    columns: dict[str, pa.Array] = dict(zip(batch.schema.names, batch.columns, strict=True))
    pieces: list[Any] = []
    literal = "{"
    for name in Transaction.model_fields:
        column = columns.get(name)
        if column is None or column.null_count == len(column):
            continue
        member = f'{"," * (literal != "{")}"{name}":'  # the first is required, and there in every record
        values, before, behind = _values(name, column)
        if _is_constant(values):
            literal += f"{member}{before}{values[0].as_py()}{behind}"
        elif values.null_count:
            pieces += [_literal(literal, len(batch))] if literal else []
            pieces += [_literal_at(values, member + before), values]
            pieces += [_literal_at(values, behind)] if behind else []
            literal = ""
        else:
            pieces += [_literal(f"{literal}{member}{before}", len(batch)), values]
            literal = behind
    pieces.append(_literal(literal + "},", len(batch)))
    return pc.binary_join_element_wise(*pieces, "", null_handling="skip")


def _is_constant(values: pa.Array) -> bool:
    """Whether all are the same, which is then written once."""
    return not values.null_count and values[0] == values[-1] and bool(pc.all(pc.equal(values, values[0])).as_py())


@lru_cache(maxsize=USUAL_TEXTS)
def _repeated(text: str) -> pa.Array:
    return pa.repeat(text, USUAL_ROWS)


def _literal(text: str, count: int) -> pa.Array:
    """The same text for every row, which is joined faster than text that is said once; kept where it is short and will come again."""
    usual = count <= USUAL_ROWS and len(text) <= USUAL_BYTES
    return _repeated(text).slice(0, count) if usual else pa.repeat(text, count)


def _literal_at(values: pa.Array, text: str) -> pa.Array:
    """The same text for every row that has a value, and null for the others: which these are, the values tell."""
    texts = _literal(text, values.offset + len(values))
    return pa.Array.from_buffers(pa.string(), len(values), [values.buffers()[0], *texts.buffers()[1:]], offset=values.offset)


def _values(name: str, column: pa.Array) -> tuple[pa.Array, str, str]:
    """The values as JSON has them, and what stands before and behind each."""
    if name in RAW:
        return column, "", ""
    if pa.types.is_timestamp(column.type):
        return iso_text(column.view(pa.timestamp("us"))), '"', 'Z"'
    if pa.types.is_integer(column.type):
        return pc.cast(column, pa.string()), "", ""
    return (json_text(column) if name in FREE_TEXT else column), '"', '"'
