"""Claims in PostgreSQL: values in, values out."""

from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from shared.claims.api import Finding, GivenView
from shared.claims.model import Change, Claim, State
from shared.kernel.errors import NotFound
from shared.kernel.resolutions import RESOLUTIONS
from shared.platform.call import Transaction
from shared.platform.database import Queries, exactly_one, one, rows

SQL = Queries(__file__)


def insert(tx: Transaction, claim: Claim) -> bool:
    """Store a new claim; False where one of the same purchase is open."""
    return one(tx.connection, SQL["insert_claim"], **_values(claim)) is not None


def read(tx: Transaction, claim_id: UUID, *, lock: bool = False) -> Claim:
    """One claim, held until the end of the transaction if asked. Raises NotFound."""
    row = one(tx.connection, SQL["lock_claim" if lock else "read_claim"], claim_id=claim_id)
    if row is None:
        raise NotFound("There is no such claim.")
    return _claim(row)


def list_some(tx: Transaction, asked: dict[str, Any]) -> list[Claim]:
    """Claims by id, with whatever is asked of them."""
    return [_claim(row) for row in rows(tx.connection, SQL["list_claims"], **asked)]


def update(tx: Transaction, claim: Claim, change: Change) -> None:
    """Write a claim as it is after a change, and the line of history that goes with it."""
    tx.connection.execute(SQL["update_claim"], _values(claim))
    add_history(tx, claim.claim_id, change)


def add_history(tx: Transaction, claim_id: UUID, change: Change) -> None:
    """Write one more line of a claim's audit trail."""
    tx.connection.execute(SQL["add_claim_history"], change.row() | {"claim_id": claim_id})


def history(tx: Transaction, claim_id: UUID) -> list[Change]:
    """The audit trail of a claim, oldest first."""
    return [Change.of_row(row, State) for row in rows(tx.connection, SQL["read_claim_history"], claim_id=claim_id)]


def add_finding(tx: Transaction, claim_id: UUID, finding: Finding) -> None:
    """Keep what was known when a claim was looked into."""
    tx.connection.execute(SQL["add_finding"], {"claim_id": claim_id, "at": finding.at, "finding": finding.model_dump_json()})


def findings(tx: Transaction, claim_id: UUID) -> list[Finding]:
    """What was found about a claim, oldest first."""
    return [Finding.model_validate_json(row["finding"]) for row in rows(tx.connection, SQL["read_findings"], claim_id=claim_id)]


def given(tx: Transaction, claim: Claim) -> list[GivenView]:
    """What is on record for the purchase that a claim is about."""
    values = {"customer_id": claim.customer_id, "transaction_id": claim.transaction_id, "offer_id": claim.offer_id}
    return [GivenView(**row) for row in rows(tx.connection, SQL["read_given"], **values)]


def mark_overdue(tx: Transaction, *, now: datetime, most: int) -> int:
    """Mark open claims that are past their due date, at most so many, with a line of history each; how many."""
    return int(exactly_one(tx.connection, SQL["mark_overdue"], now=now, most=most)["marked"])


def _values(claim: Claim) -> dict[str, Any]:
    return asdict(claim) | {"state": claim.state.value, "resolution": claim.resolution.code if claim.resolution else None}


def _claim(row: DictRow) -> Claim:
    resolution = RESOLUTIONS[row["resolution"]] if row["resolution"] else None
    return Claim(**row | {"state": State(row["state"]), "resolution": resolution})
