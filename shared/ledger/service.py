"""What other areas may do with money. Each function works inside the caller's transaction: the effect and its postings are one."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.ledger import audit, store
from shared.ledger.chain import Head
from shared.ledger.model import Finding, Movement, Pot, Step, movement
from shared.platform.call import Call, Transaction

NEARLY: Final = 200
"""A pot with less than 2 % of what was approved is nearly exhausted (basis points)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """What does not hold of the books, and the last seal of every campaign's chain."""

    findings: list[Finding]
    heads: list[Head]


def approve_budget(tx: Transaction, campaign_id: UUID, *, request_id: UUID, amount_minor: int, currency: str) -> None:
    """Make an approved amount available to a campaign."""
    store.open_accounts(tx, campaign_id, currency)
    pots = store.lock_pots(tx, [campaign_id])
    approval = movement(Step.APPROVE, campaign_id=campaign_id, amount_minor=amount_minor, reference=request_id, turn=0, effective_at=tx.now)
    store.write(tx, [approval], pots)


def withdraw_budget(tx: Transaction, campaign_id: UUID, *, request_id: UUID, amount_minor: int, pots: dict[UUID, Pot]) -> None:
    """Take back an amount that is free in the pot, which is held. Raises psycopg.errors.CheckViolation where less is free."""
    withdrawal = movement(
        Step.WITHDRAW, campaign_id=campaign_id, amount_minor=amount_minor, reference=request_id, turn=0, effective_at=tx.now
    )
    store.write(tx, [withdrawal], pots)


def lock_pots(tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, Pot]:
    """The pots of campaigns, held until the transaction ends. Decide and post while they are held; lock shards first, pots after."""
    return store.lock_pots(tx, campaign_ids)


def post(tx: Transaction, movements: list[Movement], pots: dict[UUID, Pot]) -> None:
    """Carry out movements of pots that are held, seal them, and bring these pots up to date.

    A reservation is opened by RESERVE and used up by POST, VOID and EXPIRE of the same reference, at once or later, in whole or in part.
    Raises psycopg.errors.CheckViolation rather than overdraw an account, use more than is reserved, or pay more than was ever posted.
    """
    if movements:
        store.write(tx, movements, pots)


def nearly_exhausted(tx: Transaction, campaign_ids: Collection[UUID]) -> set[UUID]:
    """The campaigns among these whose money is about to run out: their offers are not to be shown to anyone new."""
    return store.nearly_exhausted(tx, campaign_ids, NEARLY)


def balances(tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, int]:
    """What is left in the pots of campaigns, in minor units; without holding them."""
    return store.balances(tx, campaign_ids)


def pots(tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, Pot]:
    """The pots of campaigns as they are, without holding them: to be told of, not to be decided by."""
    return store.read_pots(tx, campaign_ids)


def verify(call: Call) -> list[Finding]:
    """Hold every invariant against all of the books; what does not hold, or nothing."""
    return audit_books(call).findings


def audit_books(call: Call, noted: Collection[Head] = ()) -> Audit:
    """Hold every invariant against all of the books as of one moment, and earlier heads of chains against the chains."""
    with call.reading() as tx, tx.connection.transaction():
        tx.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return Audit(findings=audit.findings(tx, noted), heads=audit.heads(tx))


def head(tx: Transaction, campaign_id: UUID) -> Head | None:
    """The last seal of a campaign's chain; None where nothing was posted."""
    return next(iter(audit.heads(tx, [campaign_id])), None)
