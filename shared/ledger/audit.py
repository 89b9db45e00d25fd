"""All that must hold of the books, held against all of the books."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, cast
from uuid import UUID

from psycopg.rows import DictRow, tuple_row

from shared.ledger import chain
from shared.ledger.chain import Head
from shared.ledger.model import ROUTES, Finding, Seal
from shared.platform.call import Transaction
from shared.platform.database import Queries, rows

SQL = Queries(__file__)
AT_A_TIME: Final = 10_000
"""Rows of a chain that are in memory at one time."""
MOST_BREAKS: Final = 1_000
"""Places where chains do not hold that are told of; more would only say that nothing holds."""
HEADS: Final = "seals noted earlier are still in their chains"


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


CHECKS: Final = (
    Check(
        statement="wrong_totals",
        invariant="totals are the sums of postings",
        subject="account {account_no} ({kind})",
        expected="{debits} debited, {credits} credited",
        actual="{debit_minor} debited, {credit_minor} credited",
    ),
    Check(
        statement="wrong_balances",
        invariant="a seal's balance is that of the seal before and its postings",
        subject="seal {number} of campaign {campaign_id}",
        expected="{minor} available",
        actual="{available_minor} available",
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
        invariant="what is earned of a redemption is posted, and what is pending is reserved, used up or open",
        subject="redemption {redemption_id}",
        expected="{earned_minor} posted, {pending_minor} open, {reserved_minor} used or open",
        actual="{posted_minor} posted, {used_minor} used, {open_minor} open",
    ),
    Check(
        statement="wrong_payouts",
        invariant="paid is what was credited and offset less what failed, came back or was recovered, each posted",
        subject="redemption {redemption_id}",
        expected="{paid_minor} credited and posted",
        actual="{credited_minor} credited, {posted_minor} posted",
    ),
    Check(
        statement="wrong_budgets",
        invariant="a budget is what was requested and decided, each change posted",
        subject="budget request {request_id} of campaign {campaign_id}",
        expected="{decided_minor} posted",
        actual="{posted_minor} posted",
    ),
    Check(
        statement="overspent",
        invariant="no campaign promises more than was approved",
        subject="campaign {campaign_id}",
        expected="at most {approved_minor}",
        actual="{promised_minor}",
    ),
    Check(
        statement="overpaid",
        invariant="no campaign pays more than was ever posted",
        subject="campaign {campaign_id}",
        expected="at most {posted_minor}",
        actual="{paid_minor}",
    ),
    Check(
        statement="wrong_offer_pots",
        invariant="what an offer's limited pot gave is what its redemptions cost",
        subject="offer {offer_id}, {kind} {of}",
        expected="{given} redemptions, {given_minor}",
        actual="{counted} redemptions, {counted_minor}",
    ),
    Check(
        statement="wrong_corrections",
        invariant="a corrected redemption promises what two people decided, once",
        subject="grant {grant_id}, completion {completion}",
        expected="{forced_minor} forced, {adjusted_minor} adjusted",
        actual="{wanted_minor} promised, {corrected_minor} of it corrected",
    ),
)
"""Each statement finds what breaks its invariant; the sentences take their figures from its columns."""


def findings(tx: Transaction, noted: Collection[Head] = ()) -> list[Finding]:
    """Everything in the books that does not hold, the seals noted earlier among it."""
    routes = {
        "steps": [step.value for step in ROUTES],
        "debited": [source.value for source, _ in ROUTES.values()],
        "credited": [target.value for _, target in ROUTES.values()],
    }
    wrong = (check.finding(row) for check in CHECKS for row in rows(tx.connection, SQL[check.statement], **routes))
    return [*wrong, *islice(_breaks(tx), MOST_BREAKS), *_lost(tx, noted)]


def heads(tx: Transaction, campaign_ids: Collection[UUID] | None = None) -> list[Head]:
    """The last seal of each of these campaigns, or of all."""
    found = rows(tx.connection, SQL["heads"], campaign_ids=None if campaign_ids is None else list(campaign_ids))
    return [Head(**row) for row in found]


def _breaks(tx: Transaction) -> Iterator[Finding]:
    """Where chains do not hold. Both sides are read side by side in their order, never all at once."""
    seals = (Seal(campaign_id=row[0], number=row[1], postings=row[2], hash=row[3]) for row in _stream(tx, "stream_seals"))
    return chain.breaks(seals, cast("Iterable[chain.Row]", _stream(tx, "stream_postings")))


def _stream(tx: Transaction, statement: str) -> Iterator[tuple[Any, ...]]:
    with tx.connection.cursor(name=statement, row_factory=tuple_row) as cursor:
        cursor.itersize = AT_A_TIME
        cursor.execute(SQL[statement])
        yield from cursor


def _lost(tx: Transaction, noted: Collection[Head]) -> Iterator[Finding]:
    """Seals noted earlier that their chains no longer hold, or hold with another hash."""
    campaign_ids = [head.campaign_id for head in noted]
    found = rows(tx.connection, SQL["read_seals"], campaign_ids=campaign_ids, numbers=[head.number for head in noted])
    there = {(row["campaign_id"], row["number"]): row["hash"] for row in found}
    ends = {head.campaign_id: head.number for head in heads(tx, campaign_ids)}
    for head in noted:
        known = there.get((head.campaign_id, head.number))
        if known != head.hash:
            end = ends.get(head.campaign_id)
            gone = f"there is no such seal; the chain ends with seal {end}" if end else "there is no such seal, nor any other"
            yield Finding(
                invariant=HEADS,
                subject=f"seal {head.number} of campaign {head.campaign_id}",
                expected=chain.short(head.hash),
                actual=chain.short(known) if known else gone,
            )
