"""Authorisations that were not cleared in time: their expiry is one more message about the purchase, and gives budget and limits back."""

from collections import defaultdict
from itertools import islice
from typing import Final

from events.payloads import MAX_BATCH, Transaction, TransactionsPosted
from shared.kernel.shards import shard_key, shard_of
from shared.platform import call as platform
from shared.platform.call import Call
from shared.redemptions import history

MOST_DUE: Final = 5_000


def expire_authorizations(call: Call, tx: platform.Transaction) -> int:
    """Say of what was not cleared in time that it expired, at most so many in one go; how many authorisations were closed."""
    closed, expired = history.close_due(tx, now=tx.now, most=MOST_DUE)
    by_shard: dict[int, list[Transaction]] = defaultdict(list)
    for message in expired:
        by_shard[shard_of(message.customer_id, call.shards)].append(message)
    for shard, messages in sorted(by_shard.items()):
        remaining = iter(messages)
        while some := list(islice(remaining, MAX_BATCH)):
            tx.emit(TransactionsPosted(shard=shard, transactions=some), subject=shard_key(shard), key=shard_key(shard))
    return closed
