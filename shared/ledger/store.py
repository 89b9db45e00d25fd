"""The ledger in PostgreSQL. Postings are added, never changed."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from psycopg.rows import DictRow

from shared.ledger.model import ROUTES, Finding, Kind, Movement, Pot, totals
from shared.platform.call import Transaction
from shared.platform.database import Queries, copy_rows, rows

SQL = Queries(__file__)
POSTING: Final = ("uuid", "text", "int4", "int4", "int8", "uuid", "uuid", "text", "timestamptz", "timestamptz")
"""Types of the columns of copy_postings."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One invariant over all of the books."""

    statement: str
    invariant: str
    subject: str
    expected: str
    actual: str

    def finding(self, row: DictRow) -> Finding:
        """What a row of the statement says in words."""
        return Finding(
            invariant=self.invariant,
            subject=self.subject.format(**row),
            expected=self.expected.format(**row),
            actual=self.actual.format(**row),
        )


def open_accounts(tx: Transaction, campaign_id: UUID, currency: str) -> None:
    """Make the accounts of a campaign where they are not there yet."""
    tx.connection.execute(SQL["open_accounts"], {"campaign_id": campaign_id, "currency": currency})


def lock_pots(tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, Pot]:
    """The pots of campaigns, held until the end of the transaction; taken in one order, so nobody waits in a circle."""
    values = {"campaign_ids": list(campaign_ids)}
    tx.connection.execute(SQL["lock_pots"], values)
    found: dict[UUID, list[DictRow]] = {}
    for row in rows(tx.connection, SQL["read_accounts"], **values):
        found.setdefault(row["campaign_id"], []).append(row)
    return {campaign_id: _pot(campaign_id, accounts) for campaign_id, accounts in found.items()}


def write(tx: Transaction, movements: list[Movement], pots: dict[UUID, Pot]) -> None:
    """Add postings and bring the accounts' totals up to date, in two statements however many there are."""
    copy_rows(tx.connection, SQL["copy_postings"], POSTING, (_posting(move, pots[move.campaign_id], tx) for move in movements))
    sums = totals(movements, pots)
    values = {
        "account_nos": list(sums),
        "debits": [debited for debited, _ in sums.values()],
        "credits": [credited for _, credited in sums.values()],
    }
    tx.connection.execute(SQL["add_totals"], values)


def nearly_exhausted(tx: Transaction, campaign_ids: Collection[UUID], basis_points: int) -> set[UUID]:
    """The campaigns among these that have less left than a share of what was approved."""
    found = rows(tx.connection, SQL["nearly_exhausted"], campaign_ids=list(campaign_ids), basis_points=basis_points)
    return {row["campaign_id"] for row in found}


def balances(tx: Transaction, campaign_ids: Collection[UUID]) -> dict[UUID, int]:
    """What is left in the pots of campaigns, in minor units."""
    return {row["campaign_id"]: row["available_minor"] for row in rows(tx.connection, SQL["balances"], campaign_ids=list(campaign_ids))}


CHECKS: Final = (
    Check(
        statement="wrong_totals",
        invariant="totals are the sums of postings",
        subject="account {account_no} ({kind})",
        expected="{debits} debited, {credits} credited",
        actual="{debit_minor} debited, {credit_minor} credited",
    ),
    Check(
        statement="wrong_routes",
        invariant="a step joins its two accounts, of one campaign and currency",
        subject="posting {posting_id} ({step})",
        expected="the accounts of its step",
        actual="{debited} to {credited}",
    ),
    Check(
        statement="wrong_redemptions",
        invariant="a redemption's reward is what was posted for it, and its reservations are used up",
        subject="redemption {redemption_id}",
        expected="{reward_minor} posted, {reserved_minor} used",
        actual="{posted_minor} posted, {used_minor} used",
    ),
    Check(
        statement="wrong_payouts",
        invariant="paid is the sum of statement credits, each posted",
        subject="redemption {redemption_id}",
        expected="{paid_minor} credited and posted",
        actual="{credited_minor} credited, {posted_minor} posted",
    ),
    Check(
        statement="wrong_approvals",
        invariant="what was approved is what was requested and decided, each posted",
        subject="budget request {request_id} of campaign {campaign_id}",
        expected="{approved_minor} posted",
        actual="{posted_minor} posted",
    ),
    Check(
        statement="overspent",
        invariant="no campaign promises more than was approved",
        subject="campaign {campaign_id}",
        expected="at most {approved_minor}",
        actual="{promised_minor}",
    ),
)
"""Each statement finds what breaks its invariant; the sentences take their figures from its columns."""


def findings(tx: Transaction) -> list[Finding]:
    """Everything in the books that does not hold."""
    routes = {
        "steps": [step.value for step in ROUTES],
        "debited": [source.value for source, _ in ROUTES.values()],
        "credited": [target.value for _, target in ROUTES.values()],
    }
    return [check.finding(row) for check in CHECKS for row in rows(tx.connection, SQL[check.statement], **routes)]


def _posting(move: Movement, pot: Pot, tx: Transaction) -> tuple[object, ...]:
    source, target = ROUTES[move.step]
    return (
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
    numbers = {Kind(row["kind"]): row["account_no"] for row in accounts}
    available = next(row["balance_minor"] for row in accounts if row["kind"] == Kind.AVAILABLE.value)
    return Pot(campaign_id=campaign_id, currency=accounts[0]["currency"], available_minor=available, accounts=numbers)
