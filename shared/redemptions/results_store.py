"""What was told of statement credits, and what waits to be paid again, in PostgreSQL."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.platform.call import Transaction
from shared.platform.database import rows
from shared.redemptions.model import Redemption
from shared.redemptions.results_api import WaitsQuery, WaitView
from shared.redemptions.standing import Standing
from shared.redemptions.store import SQL, redemption_of_row


@dataclass(frozen=True, kw_only=True, slots=True)
class Credit:
    """A statement credit as it was instructed."""

    credit_id: UUID
    redemption_id: UUID
    customer_id: str
    campaign_id: UUID
    amount_minor: int
    currency: str
    instructed_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One thing that was told of a statement credit."""

    redemption_id: UUID
    credit_id: UUID
    at: datetime
    result: Standing
    code: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """That a redemption is not instructed before a moment; None: before a person says so."""

    redemption_id: UUID
    due_at: datetime | None
    code: str
    failures: int


def credits_of(tx: Transaction, credit_ids: Collection[UUID]) -> dict[UUID, Credit]:
    """Those of the statement credits that exist."""
    return {row["credit_id"]: Credit(**row) for row in rows(tx.connection, SQL["read_credits"], credit_ids=list(credit_ids))}


def lock(tx: Transaction, redemption_ids: Collection[UUID]) -> dict[UUID, Redemption]:
    """Redemptions, held until the transaction ends."""
    found = rows(tx.connection, SQL["lock_redemptions"], redemption_ids=list(redemption_ids))
    return {row["redemption_id"]: redemption_of_row(row) for row in found}


def told_of(tx: Transaction, redemption_ids: Collection[UUID]) -> list[Told]:
    """All that was told of the statement credits of redemptions."""
    found = rows(tx.connection, SQL["read_results"], redemption_ids=list(redemption_ids))
    return [Told(**row | {"result": Standing(row["result"])}) for row in found]


def add(tx: Transaction, told: Sequence[Told], by: str) -> None:
    """Keep what was told and was not told before."""
    values = {
        "credit_ids": [one.credit_id for one in told],
        "moments": [one.at for one in told],
        "results": [one.result.value for one in told],
        "codes": [one.code for one in told],
    }
    tx.connection.execute(SQL["add_results"], values | {"told_by": by, "now": tx.now})


def put_waits(tx: Transaction, waits: Sequence[Wait]) -> None:
    """Let redemptions wait until they are paid again."""
    values = {
        "redemption_ids": [wait.redemption_id for wait in waits],
        "due": [wait.due_at for wait in waits],
        "codes": [wait.code for wait in waits],
        "failures": [wait.failures for wait in waits],
    }
    tx.connection.execute(SQL["put_waits"], values | {"now": tx.now})


def end_waits(tx: Transaction, redemption_ids: Collection[UUID]) -> None:
    """Let redemptions wait no more."""
    tx.connection.execute(SQL["end_waits"], {"redemption_ids": list(redemption_ids)})


def list_waits(tx: Transaction, query: WaitsQuery, *, limit: int) -> list[WaitView]:
    """Redemptions that wait to be paid again, longest first."""
    asked = query.model_dump(include={"for_a_person", "after"})
    return [WaitView(**row) for row in rows(tx.connection, SQL["list_waits"], **asked, limit=limit)]


def note_retry(tx: Transaction, redemption_id: UUID, *, reason: str, by: str) -> None:
    """Keep who said that a payout is to be tried again, and why."""
    tx.connection.execute(SQL["note_retry"], {"redemption_id": redemption_id, "reason": reason, "by": by, "now": tx.now})
