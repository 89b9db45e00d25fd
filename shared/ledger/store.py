"""The ledger in PostgreSQL. Postings are added, never changed."""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from psycopg.errors import CheckViolation
from psycopg.rows import DictRow

from shared.ledger import chain
from shared.ledger.model import NO_HASH, ROUTES, Kind, Movement, Pot, Seal, newly_posted, open_changes, totals
from shared.platform.call import Transaction
from shared.platform.database import Queries, copy_rows, rows

SQL = Queries(__file__)
POSTING: Final = ("int4", "uuid", "text", "int4", "int4", "int8", "uuid", "uuid", "text", "timestamptz", "timestamptz")
"""Types of the columns of copy_postings."""


def open_accounts(tx: Transaction, campaign_id: UUID, currency: str) -> None:
    """Make the accounts of a campaign where they are not there yet."""
    tx.connection.execute(SQL["open_accounts"], {"campaign_id": campaign_id, "currency": currency})


def lock_pots(tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, Pot]:
    """The pots of campaigns, held until the end of the transaction; taken in one order, so nobody waits in a circle."""
    tx.connection.execute(SQL["lock_pots"], {"campaign_ids": list(campaign_ids)})
    return read_pots(tx, campaign_ids)


def read_pots(tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, Pot]:
    """The pots of campaigns as they are; to be moved, they must be held."""
    found: dict[UUID, list[DictRow]] = {}
    for row in rows(tx.connection, SQL["read_accounts"], campaign_ids=list(campaign_ids)):
        found.setdefault(row["campaign_id"], []).append(row)
    return {campaign_id: _pot(campaign_id, accounts) for campaign_id, accounts in found.items()}


def write(tx: Transaction, movements: list[Movement], pots: dict[UUID, Pot]) -> None:
    """Add postings, seal them, and bring totals, reservations and pots up to date; at most four statements however many there are."""
    postings = [_posting(move, pots[move.campaign_id], tx) for move in movements]
    sums = totals(movements, pots)
    after = {seal.campaign_id: (pots[seal.campaign_id].after(sums, seal), seal) for seal in chain.seals(postings, pots)}
    if any(pot.gone_minor > pot.posted_minor for pot, _ in after.values()):
        raise CheckViolation("no more is paid than was ever posted")
    copy_rows(tx.connection, SQL["copy_postings"], POSTING, postings)
    _insert_seals(tx, after.values())
    if changes := open_changes(movements):
        _change_reservations(tx, changes)
    values = {
        "account_nos": list(sums),
        "debits": [debited for debited, _ in sums.values()],
        "credits": [credited for _, credited in sums.values()],
    }
    tx.connection.execute(SQL["add_totals"], values)
    pots.update({campaign_id: pot for campaign_id, (pot, _) in after.items()})


def nearly_exhausted(tx: Transaction, campaign_ids: Collection[UUID], basis_points: int) -> set[UUID]:
    """The campaigns among these that have less left than a share of what is approved."""
    found = rows(tx.connection, SQL["nearly_exhausted"], campaign_ids=list(campaign_ids), basis_points=basis_points)
    return {row["campaign_id"] for row in found}


def balances(tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, int]:
    """What is left in the pots of campaigns, in minor units."""
    return {row["campaign_id"]: row["available_minor"] for row in rows(tx.connection, SQL["balances"], campaign_ids=list(campaign_ids))}


def _insert_seals(tx: Transaction, sealed: Collection[tuple[Pot, Seal]]) -> None:
    values = {
        "campaign_ids": [seal.campaign_id for _, seal in sealed],
        "numbers": [seal.number for _, seal in sealed],
        "postings": [seal.postings for _, seal in sealed],
        "hashes": [seal.hash for _, seal in sealed],
        "available": [pot.available_minor for pot, _ in sealed],
        "now": tx.now,
    }
    tx.connection.execute(SQL["insert_seals"], values)


def _change_reservations(tx: Transaction, changes: Mapping[tuple[UUID, UUID], int]) -> None:
    values = {
        "campaign_ids": [campaign_id for campaign_id, _ in changes],
        "references": [reference for _, reference in changes],
        "changes": list(changes.values()),
    }
    tx.connection.execute(SQL["change_reservations"], values)


def _posting(move: Movement, pot: Pot, tx: Transaction) -> chain.Row:
    source, target = ROUTES[move.step]
    return (
        pot.sealed + 1,
        move.posting_id,
        move.step.value,
        pot.accounts[source],
        pot.accounts[target],
        move.amount_minor,
        move.campaign_id,
        move.reference,
        move.reason,
        move.effective_at,
        tx.now,
    )


def _pot(campaign_id: UUID, accounts: list[DictRow]) -> Pot:
    of_kind = {Kind(row["kind"]): row for row in accounts}
    sums = {kind: (row["credit_minor"] - row["balance_minor"], row["credit_minor"]) for kind, row in of_kind.items()}
    return Pot(
        campaign_id=campaign_id,
        currency=accounts[0]["currency"],
        accounts={kind: row["account_no"] for kind, row in of_kind.items()},
        available_minor=of_kind[Kind.AVAILABLE]["balance_minor"],
        reserved_minor=of_kind[Kind.RESERVED]["balance_minor"],
        payable_minor=of_kind[Kind.PAYABLE]["balance_minor"],
        instructed_minor=of_kind[Kind.INSTRUCTED]["balance_minor"],
        paid_minor=of_kind[Kind.PAID]["balance_minor"],
        posted_minor=newly_posted(sums),
        sealed=accounts[0]["sealed"] or 0,
        seal_hash=accounts[0]["seal_hash"] or NO_HASH,
    )
