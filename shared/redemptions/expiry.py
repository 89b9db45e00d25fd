"""Authorisations that were not cleared in time: their expiry is one more message about the purchase, and gives budget and limits back."""

from datetime import timedelta
from typing import Final

from shared.platform.call import Call, Transaction
from shared.redemptions import history
from shared.redemptions.routing import send

MOST_DUE: Final = 5_000
LOOK_AGAIN: Final = timedelta(days=1)
"""After so long it is looked whether what was said has come; it may have been on its way to whom the purchase is no more."""


def expire_authorizations(call: Call, tx: Transaction) -> int:
    """Say of what was not cleared in time that it expired, at most so many in one go; how many authorisations were closed."""
    closed, expired = history.close_due(tx, now=tx.now, again_at=tx.now + LOOK_AGAIN, most=MOST_DUE)
    send(tx, expired, call.shards)
    return closed
