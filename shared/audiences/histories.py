"""Telling who folds histories that facts other than purchases changed."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import islice
from uuid import UUID

from events.payloads import MAX_BATCH, HistoriesChanged
from shared.kernel.shards import shard_key, shard_of
from shared.platform.call import Call, Transaction


def emit_changed(call: Call, tx: Transaction, pairs: Iterable[tuple[str, UUID]], why: str) -> None:
    """Let these customers and offers, of any shards, be folded again."""
    by_shard: dict[int, list[tuple[str, UUID]]] = defaultdict(list)
    for customer_id, offer_id in pairs:
        by_shard[shard_of(customer_id, call.shards)].append((customer_id, offer_id))
    for shard, changed in sorted(by_shard.items()):
        emit_changed_in(tx, shard, changed, why)


def emit_changed_in(tx: Transaction, shard: int, pairs: Iterable[tuple[str, UUID]], why: str) -> None:
    """Let these customers of one shard, and offers, be folded again: events of at most 5,000 pairs each."""
    remaining = iter(pairs)
    while some := list(islice(remaining, MAX_BATCH)):
        tx.emit(HistoriesChanged(shard=shard, pairs=some, why=why), subject=shard_key(shard), key=shard_key(shard))
