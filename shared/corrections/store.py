"""Corrections in PostgreSQL: values in, values out."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from shared.corrections.model import Change, Correction, Kind, State
from shared.kernel.errors import NotFound
from shared.platform.call import Transaction
from shared.platform.database import Queries, one, rows

SQL = Queries(__file__)


def insert(tx: Transaction, correction: Correction) -> bool:
    """Store what is asked for; False where the same completion was forced or is to be."""
    values = asdict(correction) | {"kind": correction.kind.value, "state": correction.state.value}
    return one(tx.connection, SQL["insert_correction"], **values) is not None


def read(tx: Transaction, correction_id: UUID, *, lock: bool = False) -> Correction:
    """One correction, held until the end of the transaction if asked. Raises NotFound."""
    row = one(tx.connection, SQL["lock_correction" if lock else "read_correction"], correction_id=correction_id)
    if row is None:
        raise NotFound("There is no such correction.")
    return _correction(row)


def list_some(tx: Transaction, asked: dict[str, Any]) -> list[Correction]:
    """Corrections by id, with whatever is asked of them."""
    return [_correction(row) for row in rows(tx.connection, SQL["list_corrections"], **asked)]


def decide(tx: Transaction, correction: Correction) -> None:
    """Write the decision on a correction."""
    tx.connection.execute(SQL["decide_correction"], asdict(correction) | {"state": correction.state.value})


def add_history(tx: Transaction, correction_id: UUID, change: Change) -> None:
    """Write one more line of a correction's audit trail."""
    tx.connection.execute(SQL["add_correction_history"], change.row() | {"correction_id": correction_id})


def history(tx: Transaction, correction_id: UUID) -> list[Change]:
    """The audit trail of a correction, oldest first."""
    return [Change.of_row(row, State) for row in rows(tx.connection, SQL["read_correction_history"], correction_id=correction_id)]


def grant_of(tx: Transaction, grant_id: UUID) -> tuple[str, UUID] | None:
    """The customer and the offer of a grant."""
    row = one(tx.connection, SQL["read_grant"], grant_id=grant_id)
    return (row["customer_id"], row["offer_id"]) if row else None


def _correction(row: DictRow) -> Correction:
    return Correction(**row | {"kind": Kind(row["kind"]), "state": State(row["state"])})
