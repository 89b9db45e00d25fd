"""Authorisations that were not cleared in time: their expiry is one more message about the purchase, and gives budget and limits back."""

from typing import Final

from events.payloads import TransactionsPosted
from shared.kernel.shards import shard_key
from shared.platform.call import Call, Transaction
from shared.redemptions import history
from shared.redemptions.intake import parts

MOST_DUE: Final = 5_000


def expire_authorizations(call: Call, tx: Transaction) -> int:
    """Say of what was not cleared in time that it expired, at most so many in one go; how many authorisations were closed."""
    closed, expired = history.close_due(tx, now=tx.now, most=MOST_DUE)
    for shard, _, messages in parts(expired, call.shards):
        tx.emit(TransactionsPosted(shard=shard, transactions=messages), subject=shard_key(shard), key=shard_key(shard))
    return closed
