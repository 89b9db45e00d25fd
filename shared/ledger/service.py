"""What other areas may do with money. Each function works inside the caller's transaction: the effect and its postings are one."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from shared.ledger import store
from shared.ledger.model import Finding, Movement, Pot, Step, movement
from shared.platform.call import Call, Transaction

NEARLY: Final = 200
"""A pot with less than 2 % of what was approved is nearly exhausted (basis points)."""


def approve_budget(tx: Transaction, campaign_id: UUID, *, request_id: UUID, amount_minor: int, currency: str) -> None:
    """Make an approved amount available to a campaign."""
    store.open_accounts(tx, campaign_id, currency)
    pots = store.lock_pots(tx, [campaign_id])
    approval = movement(Step.APPROVE, campaign_id=campaign_id, amount_minor=amount_minor, reference=request_id, turn=0, effective_at=tx.now)
    store.write(tx, [approval], pots)


def lock_pots(tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, Pot]:
    """The pots of campaigns, held until the transaction ends. Decide and post while they are held; lock shards first, pots after."""
    return store.lock_pots(tx, campaign_ids)


def post(tx: Transaction, movements: list[Movement], pots: dict[UUID, Pot]) -> None:
    """Carry out movements of pots that are held. Raises psycopg.errors.CheckViolation rather than overdraw."""
    if movements:
        store.write(tx, movements, pots)


def nearly_exhausted(tx: Transaction, campaign_ids: Collection[UUID]) -> set[UUID]:
    """The campaigns among these whose money is about to run out: their offers are not to be shown to anyone new."""
    return store.nearly_exhausted(tx, campaign_ids, NEARLY)


def balances(tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, int]:
    """What is left in the pots of campaigns, in minor units; without holding them."""
    return store.balances(tx, campaign_ids)


def verify(call: Call) -> list[Finding]:
    """Hold every invariant against all of the books; what does not hold, or nothing."""
    with call.reading() as tx, tx.connection.transaction():
        tx.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return store.findings(tx)
