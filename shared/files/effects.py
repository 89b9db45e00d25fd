"""How what the records of a file say takes effect: as the events that systems of the bank publish themselves, with ids of the chunk."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, TypeVar

import pyarrow as pa

from events.payloads import TransactionsPosted
from events.told import MOST_CUSTOMERS, MOST_MERCHANTS, CustomerSent, CustomersTold, MerchantShape, MerchantsTold
from shared.files.batches import payloads
from shared.files.drops import Drop
from shared.files.layout import Layout
from shared.files.names import Kind
from shared.files.parsing import records_of
from shared.kernel.ids import derived_id
from shared.kernel.shards import shard_key, shard_of
from shared.kernel.wire import Wire
from shared.platform.call import Call, Transaction
from shared.platform.outbox import Written

Batches = Sequence[pa.RecordBatch]
Outgoing = tuple[Wire | Written, str]
"""A payload, and the key that orders it."""
Effect = Callable[[Batches, Layout, int], Iterator[Outgoing]]
Item = TypeVar("Item")


def publish(call: Call, tx: Transaction, layout: Layout, drop: Drop, number: int, batches: Batches) -> None:
    """Publish what the accepted records of a chunk say. Published again, they are the same events."""
    for part, (payload, key) in enumerate(EFFECTS[layout.kind](batches, layout, call.shards)):
        tx.emit(payload, subject=key, key=key, event_id=derived_id(drop.drop_id, number, key, part), bulk=True)


def _transactions(batches: Batches, _layout: Layout, shards: int) -> Iterator[Outgoing]:
    for payload in payloads(batches, shards):
        yield Written(of=TransactionsPosted, json=payload.json), shard_key(payload.shard)


def _customers(batches: Batches, layout: Layout, shards: int) -> Iterator[Outgoing]:
    by_shard: dict[int, list[CustomerSent]] = {}
    for record in records_of(batches, layout):
        if isinstance(record, CustomerSent):
            by_shard.setdefault(shard_of(record.customer_id, shards), []).append(record)
    for shard, customers in sorted(by_shard.items()):
        for some in _portions(customers, MOST_CUSTOMERS):
            yield CustomersTold(customers=some), shard_key(shard)


def _merchants(batches: Batches, layout: Layout, _shards: int) -> Iterator[Outgoing]:
    merchants = (record for record in records_of(batches, layout) if isinstance(record, MerchantShape))
    for some in _portions(merchants, MOST_MERCHANTS):
        yield MerchantsTold(merchants=some), "merchants"


EFFECTS: Final[Mapping[Kind, Effect]] = {
    Kind.TRANSACTIONS: _transactions,
    Kind.CUSTOMERS: _customers,
    Kind.MERCHANTS: _merchants,
}
"""The kinds of files that are taken, and what becomes of their records."""


def _portions(items: Iterable[Item], most: int) -> Iterator[list[Item]]:
    remaining = iter(items)
    while some := list(islice(remaining, most)):
        yield some
