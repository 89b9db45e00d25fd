"""Authorisations that were not cleared in time: their expiry is one more message about the purchase, and gives budget and limits back."""

from typing import Final

from shared.platform.call import Call, Transaction
from shared.redemptions import history
from shared.redemptions.routing import send

MOST_DUE: Final = 5_000


def expire_authorizations(call: Call, tx: Transaction) -> int:
    """Say of what was not cleared in time that it expired, at most so many in one go; how many authorisations were closed."""
    closed, expired = history.close_due(tx, now=tx.now, most=MOST_DUE)
    send(tx, expired, call.shards)
    return closed
