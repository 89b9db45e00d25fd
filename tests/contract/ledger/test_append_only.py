"""Postings are added, never changed or taken away: by no method, and by no role that functions run as."""

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from shared.ledger import service
from shared.ledger.model import Step
from tests.conftest import MakeCall
from tests.contract.ledger.books import ONE, PostgresBooks, move
from tests.fakes.ledger import FakeLedger

ADDS_OR_ASKS = {"approve_budget", "withdraw_budget", "post", "lock_pots", "pots", "head", "balances", "nearly_exhausted"}


@pytest.fixture
def books(call: MakeCall) -> PostgresBooks:
    books = PostgresBooks(call=call)
    books.approve(ONE, ONE, 1_000)
    books.post([move(Step.RESERVE, 300), move(Step.POST, 300)])
    return books


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE postings SET amount_minor = 1",
        "UPDATE postings SET reason = 'better' WHERE false",
        "DELETE FROM postings",
        "DELETE FROM postings WHERE false",
        "TRUNCATE postings",
        "UPDATE seals SET hash = sha256('better')",
        "DELETE FROM seals WHERE false",
        "TRUNCATE seals",
        "DELETE FROM reservations",
        "ALTER TABLE reservations DROP CONSTRAINT no_more_than_reserved",
        "DELETE FROM accounts",
        "ALTER TABLE accounts DROP CONSTRAINT no_overdraft",
        "UPDATE statement_credits SET amount_minor = 1",
        "DELETE FROM statement_credits",
        "DELETE FROM redemptions",
    ],
)
def test_the_role_of_the_functions_cannot_change_the_books(books: PostgresBooks, call: MakeCall, statement: str) -> None:
    before = books.entries()
    with call().transaction() as tx, pytest.raises(InsufficientPrivilege), tx.connection.transaction():
        tx.connection.execute(psycopg.sql.SQL(statement))
    assert books.entries() == before


@pytest.mark.parametrize("kind", ["available", "reserved", "paid"])
def test_not_even_a_direct_update_overdraws_an_account(books: PostgresBooks, call: MakeCall, kind: str) -> None:
    with call().transaction() as tx, pytest.raises(psycopg.errors.CheckViolation), tx.connection.transaction():
        tx.connection.execute("UPDATE accounts SET debit_minor = credit_minor + 1 WHERE kind = %s", (kind,))


def test_the_ledger_has_no_way_to_change_or_take_away() -> None:
    offered = {name for name in vars(FakeLedger) if not name.startswith("_")} - {
        "accounts",
        "postings",
        "reservations",
        "seals",
        "findings",
    }
    assert offered == ADDS_OR_ASKS
    assert all(hasattr(service, name) for name in ADDS_OR_ASKS)
