"""What bulk records say is published: as the events that systems of the bank publish themselves, with ids of the chunk."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import pyarrow as pa

from events.payloads import TransactionsPosted
from shared.files.batches import payloads
from shared.files.drops import Drop
from shared.files.layout import Layout
from shared.files.names import Kind
from shared.kernel.ids import derived_id
from shared.kernel.shards import shard_key
from shared.kernel.wire import Wire
from shared.platform.call import Call, Transaction
from shared.platform.outbox import Written

Batches = Sequence[pa.RecordBatch]
Outgoing = tuple[Wire | Written, str]
"""A payload, and the key that orders it."""
Effect = Callable[[Batches, Drop, int], Iterator[Outgoing]]


def publish(call: Call, tx: Transaction, layout: Layout, drop: Drop, number: int, batches: Batches) -> None:
    """Publish what the accepted records of a chunk say. Published again, they are the same events."""
    for part, (payload, key) in enumerate(EFFECTS[layout.kind](batches, drop, call.shards)):
        tx.emit(payload, subject=key, key=key, event_id=derived_id(drop.drop_id, number, key, part), bulk=True)


def _transactions(batches: Batches, drop: Drop, shards: int) -> Iterator[Outgoing]:
    for payload in payloads(batches, shards, origin=drop.origin):
        yield Written(of=TransactionsPosted, json=payload.json), shard_key(payload.shard)


EFFECTS: Final[Mapping[Kind, Effect]] = {Kind.TRANSACTIONS: _transactions}
"""The kinds of files whose records are published, and as what."""
