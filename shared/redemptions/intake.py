"""Taking purchases from the bank: the good ones go out as batch events of customer shards, the bad ones are named."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Final
from uuid import UUID

from events.payloads import MAX_BATCH, Transaction, TransactionsPosted
from shared.kernel.ids import derived_id
from shared.kernel.shards import shard_key, shard_of
from shared.platform.batches import BatchAnswer, read_batch
from shared.platform.call import Call
from shared.platform.operations import BodySchema

EVENT_BYTES: Final = 700_000
"""An event stays below this (estimated) size, so that it fits into a Kafka record with its envelope."""
TRANSACTION_BYTES: Final = 950
ITEM_BYTES: Final = 110


def post_transactions(call: Call, raw: Annotated[bytes, BodySchema("transactions", Transaction, MAX_BATCH)]) -> BatchAnswer:
    """Take 1 to 5,000 purchases, with or without basket items. What is accepted is safe; it is redeemed a moment later."""
    with call.transaction() as tx:  # claimed before it is read: a repeat costs next to nothing
        batch = read_batch(raw, "transactions", Transaction, MAX_BATCH, id_field="transaction_id")
        for shard, number, part in parts((transaction for _, transaction in batch.accepted), call.shards):
            tx.emit(
                TransactionsPosted(shard=shard, transactions=part),
                subject=shard_key(shard),
                key=shard_key(shard),
                event_id=_event_id(call, shard, number),
            )
        return tx.answer(BatchAnswer.of(len(batch.accepted), batch.rejected), status=207)


def parts(transactions: Iterable[Transaction], shards: int) -> Iterator[tuple[int, int, list[Transaction]]]:
    """The transactions by shard, in parts that fit into an event: shard, number of the part, part."""
    by_shard: dict[int, list[Transaction]] = {}
    for transaction in transactions:
        by_shard.setdefault(shard_of(transaction.customer_id, shards), []).append(transaction)
    for shard, all_of_shard in by_shard.items():
        for number, part in enumerate(_split(all_of_shard)):
            yield shard, number, part


def _split(transactions: list[Transaction]) -> Iterator[list[Transaction]]:
    part: list[Transaction] = []
    size = 0
    for transaction in transactions:
        weight = TRANSACTION_BYTES + ITEM_BYTES * len(transaction.items)
        if part and size + weight > EVENT_BYTES:
            yield part
            part, size = [], 0
        part.append(transaction)
        size += weight
    yield part


def _event_id(call: Call, shard: int, number: int) -> UUID | None:
    """A repeat of the request under its key publishes the same events."""
    return derived_id(call.once.source, call.once.key, shard, number) if call.once else None
