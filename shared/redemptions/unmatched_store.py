"""Refunds that wait for a purchase, and what people decided of them, in PostgreSQL."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from psycopg.rows import DictRow
from pydantic import TypeAdapter

from shared.kernel.reasons import Reason
from shared.platform.call import Transaction
from shared.platform.database import exactly_one, joined, rows
from shared.redemptions.store import SQL
from shared.redemptions.unmatched_api import DecisionView, RefundsLetGo, RefundsWaiting, RefundView, UnmatchedQuery, UnmatchedTotals

DECISIONS: Final = TypeAdapter(list[DecisionView])


def list_unmatched(tx: Transaction, query: UnmatchedQuery, *, before: datetime, limit: int) -> list[RefundView]:
    """Refunds that wait, or are closed for one reason, after a given one by id."""
    asked = query.model_dump(include={"reason", "after"})
    return [_view(row) for row in rows(tx.connection, SQL["list_unmatched"], **asked, before=before, limit=limit)]


def read_refund(tx: Transaction, transaction_id: str) -> RefundView:
    """One refund that is on file, with what was decided of it."""
    return _view(exactly_one(tx.connection, SQL["read_refund"], transaction_id=transaction_id))


def totals(tx: Transaction) -> UnmatchedTotals:
    """How many refunds wait, and how many were let go."""
    waiting = [RefundsWaiting(**row) for row in rows(tx.connection, SQL["count_waiting"])]
    return UnmatchedTotals(waiting=waiting, let_go=[RefundsLetGo(**row) for row in rows(tx.connection, SQL["read_let_go"])])


def decide(tx: Transaction, transaction_id: str, decision: str, purchase_id: str | None, *, reason: str, by: str) -> None:
    """Keep who decided what of a refund, and why."""
    values = {"transaction_id": transaction_id, "decision": decision, "purchase_id": purchase_id, "reason": reason, "by": by}
    tx.connection.execute(SQL["decide_refund"], values | {"now": tx.now})


def overdue(tx: Transaction, *, before: datetime, most: int) -> list[DictRow]:
    """Refunds under no offer that have waited since before a moment, at most so many.

    Of each the transaction_id, and `whose` it is: the customer's, or the card's that is nobody's.
    """
    return rows(tx.connection, SQL["overdue_refunds"], before=before, most=most)


def let_go(tx: Transaction, transaction_ids: Collection[str]) -> int:
    """Take refunds out of the history, where they are under no offer still, and count them by reason; how many."""
    values = {"transaction_ids": joined(transaction_ids), "unnamed": Reason.NO_PURCHASE_TO_REFUND.code}
    return int(exactly_one(tx.connection, SQL["let_refunds_go"], **values)["refunds"])


def _view(row: DictRow) -> RefundView:
    sentence = Reason.of(row["unmatched"]).support if row["unmatched"] else None
    return RefundView(**row | {"sentence": sentence, "decisions": DECISIONS.validate_json(row["decisions"])})
