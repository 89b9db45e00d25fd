"""Dead letters in PostgreSQL."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import DictRow

from shared.kernel.errors import NotFound
from shared.platform.call import Transaction
from shared.platform.database import Queries, one, rows
from shared.platform.letters.model import OUTCOME, Decided, Decision, KeptLetter, Letter, State
from shared.platform.outbox import SQL as OUTBOX

SQL: Final = Queries(__file__)
BURY: Final = SQL["bury"]
"""The relay's statement: within the transaction that takes the event off its hands."""


def keep(tx: Transaction, letter: Letter) -> None:
    """Keep a letter; one that is kept already waits again."""
    tx.connection.execute(SQL["keep"], asdict(letter))


def list_some(tx: Transaction, query: Mapping[str, Any], *, most: int) -> list[KeptLetter]:
    """Letters without their payloads, the newest first."""
    return [_letter(row) for row in rows(tx.connection, SQL["list_letters"], **query, most=most)]


def read(tx: Transaction, letter_id: UUID, *, hold: bool = False) -> KeptLetter:
    """One letter, held until the transaction ends where that is asked. Raises NotFound."""
    row = one(tx.connection, SQL["lock_letter" if hold else "read_letter"], letter_id=letter_id)
    if row is None:
        raise NotFound("There is no such dead letter.")
    return _letter(row)


def redrivable(tx: Transaction, *, most: int) -> list[UUID]:
    """Letters that wait and may be redriven, the oldest first."""
    return [row["letter_id"] for row in rows(tx.connection, SQL["list_redrivable"], most=most)]


def decisions(tx: Transaction, letter_id: UUID) -> list[Decision]:
    """What people decided of a letter, oldest first."""
    return [Decision(**row) for row in rows(tx.connection, SQL["read_decisions"], letter_id=letter_id)]


def decide(tx: Transaction, letter_id: UUID, decision: Decided, *, by: str, reason: str) -> None:
    """Record what a person decided of a letter; one that is redriven is in the outbox again."""
    if decision == "redrive":
        tx.connection.execute(SQL["put_back"], {"letter_id": letter_id})
        tx.connection.execute(OUTBOX["wake_relay"])
    state = OUTCOME[decision].value
    values = {"letter_id": letter_id, "decision": decision, "state": state, "by": by, "reason": reason, "now": tx.now}
    tx.connection.execute(SQL["decide"], values)


def forget_decided(tx: Transaction, before: datetime, *, most: int) -> int:
    """Remove letters that were decided on before a moment; how many they were."""
    return tx.connection.execute(SQL["forget_decided"], {"before": before, "most": most}).rowcount


def naming(tx: Transaction, customer_id: str, of_customers: str) -> list[tuple[UUID, str, bytes]]:
    """Letters that may tell of a customer, held: id, type, and what they say. `of_customers` is the type that tells of customers."""
    found = rows(tx.connection, SQL["lock_naming"], type=of_customers, name=customer_id.encode())
    return [(row["letter_id"], row["type"], bytes(row["payload"])) for row in found]


def replace_payload(tx: Transaction, letter_id: UUID, payload: bytes, *, whole: bool) -> None:
    """Let a letter say something else from now on; not `whole`, it can't be redriven."""
    tx.connection.execute(SQL["replace_payload"], {"letter_id": letter_id, "payload": payload, "whole": whole})


def _letter(row: DictRow) -> KeptLetter:
    return KeptLetter(**row | {"state": State(row["state"]), "payload": bytes(row["payload"])})
