"""What partners say of redemptions, and all records side by side, in PostgreSQL."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg.rows import DictRow

from shared.platform.call import Transaction
from shared.platform.database import Queries, rows
from shared.reconciliation.model import Record, Side, Sides

SQL = Queries(__file__)


class Line(NamedTuple):
    """A line of a partner as it is written."""

    reference: str
    redemption_id: UUID
    amount_minor: int
    currency: str
    at: datetime
    state: str


def lock(tx: Transaction, partner: str, record: str, references: Collection[str]) -> dict[str, UUID]:
    """Of which redemptions a partner's references are, of those that are known; held until the transaction ends."""
    found = rows(tx.connection, SQL["lock_lines"], partner=partner, record=record, references=list(references))
    return {row["reference"]: row["redemption_id"] for row in found}


def put(tx: Transaction, partner: str, record: str, lines: Sequence[Line]) -> None:
    """Keep what a partner says, each reference once: the latest by its moment holds."""
    columns = zip(*lines, strict=True) if lines else [()] * len(Line._fields)
    names = ("references", "redemption_ids", "amounts", "currencies", "moments", "states")
    values = {name: list(column) for name, column in zip(names, columns, strict=True)}
    tx.connection.execute(SQL["put_lines"], values | {"partner": partner, "record": record, "now": tx.now})


def sides(tx: Transaction, asked: dict[str, Any]) -> list[Sides]:
    """Redemptions that are not the same in all records, in order of their ids."""
    return [_sides(row) for row in rows(tx.connection, SQL["sides"], **asked)]


def totals(tx: Transaction, asked: dict[str, Any]) -> list[DictRow]:
    """What each record comes to: `record`, `currency`, `redemptions`, `amount_minor`."""
    return rows(tx.connection, SQL["totals"], **asked)


def _sides(row: DictRow) -> Sides:
    theirs = {record: side for record in Record if (side := _side(row, record.value))}
    return Sides(redemption_id=row["redemption_id"], ours=_ours(row), theirs=theirs)


def _side(row: DictRow, record: str) -> Side | None:
    minor, currency, times, at = (row[f"{record}_{name}"] for name in ("minor", "currency", "times", "at"))
    return None if minor is None else Side(amount_minor=minor, currency=currency, at=at, times=times)


def _ours(row: DictRow) -> dict[Record, Side]:
    """Ours as each record should have it: partners know of a purchase when it is made, the card system pays once it may."""
    if row["ours_minor"] is None:
        return {}
    due = {Record.PARTNER: row["earned_at"], Record.SETTLEMENT: row["earned_at"], Record.CARDS: row["payable_at"]}
    return {record: Side(amount_minor=row["ours_minor"], currency=row["currency"], at=at) for record, at in due.items()}
