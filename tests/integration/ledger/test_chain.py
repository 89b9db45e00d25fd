"""The chains of seals: whatever is changed, added or taken away behind them is found, down to one byte of any column."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from typer.testing import CliRunner

from shared.cli.main import app
from shared.kernel.ids import derived_id
from shared.ledger import service
from shared.ledger.api import Heads, HeadView
from shared.ledger.chain import COLUMNS, INVARIANT
from shared.ledger.model import Step
from shared.platform.local.postgres import EmbeddedPostgres
from tests.conftest import MakeCall
from tests.contract.ledger.books import ONE, OTHER, PostgresBooks, move

HEADS = "seals noted earlier are still in their chains"
Change = Callable[[str], None]

ONE_BYTE = {
    "seal": "seal + 1",
    "posting_id": "(overlay(posting_id::text placing 'f' from 36))::uuid",
    "step": "'expire'",
    "debit_account": "credit_account, credit_account = debit_account",
    "credit_account": "debit_account, debit_account = credit_account",
    "amount_minor": "amount_minor + 1",
    "campaign_id": "(overlay(campaign_id::text placing 'f' from 36))::uuid",
    "reference": "(overlay(reference::text placing 'f' from 36))::uuid",
    "reason": "'revisee'",
    "effective_at": "effective_at + interval '1 microsecond'",
    "recorded_at": "recorded_at - interval '1 microsecond'",
}
"""For each column of a posting, another value; by one byte where it can be."""


@pytest.fixture
def books(call: MakeCall) -> PostgresBooks:
    """Two campaigns: one with the seals 1 (an approval), 2 (two postings), 3 (one with a reason) and 4, one with seal 1 only."""
    books = PostgresBooks(call=call)
    for campaign in (ONE, OTHER):
        books.approve(campaign, derived_id("request", campaign), 1_000)
    books.post([move(Step.RESERVE, 300, "a"), move(Step.RESERVE, 200, "b")])
    books.post([move(Step.VOID, 100, "a", reason="revised")])
    books.post([move(Step.POST, 50, "a")])
    return books


@pytest.fixture
def change(books: PostgresBooks, postgres: EmbeddedPostgres) -> Change:
    """Changes the books as their owner can."""
    assert books.entries()

    def run(statement: str) -> None:
        with psycopg.connect(postgres.owner_url(), autocommit=True) as connection:
            assert connection.execute(psycopg.sql.SQL(statement), {"one": ONE, "nobody": UUID(int=7)}).rowcount > 0

    return run


def broken(call: MakeCall) -> list[tuple[str, str, str]]:
    """What the chains do not hold: of which seal, expected, actual."""
    found = [finding for finding in service.verify(call("auditor")) if finding.invariant == INVARIANT]
    return [(finding.subject.replace(str(ONE), "one"), finding.expected, finding.actual) for finding in found]


def test_chains_that_nobody_touched_hold(books: PostgresBooks, call: MakeCall) -> None:
    assert broken(call) == []
    heads = service.audit_books(call("auditor")).heads
    assert {head.campaign_id: head.number for head in heads} == {ONE: 4, OTHER: 1}
    assert len(books.entries()) == 6


def test_every_column_of_a_posting_is_sealed(call: MakeCall) -> None:
    with call().reading() as tx:
        found = tx.connection.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'postings'").fetchall()
    assert {row["column_name"] for row in found} == set(COLUMNS) == set(ONE_BYTE)


@pytest.mark.parametrize("seal", [1, 2, 3, 4])
@pytest.mark.parametrize("column", COLUMNS)
def test_a_change_of_any_column_of_any_posting_is_found(change: Change, call: MakeCall, column: str, seal: int) -> None:
    change(
        f"UPDATE postings SET {column} = {ONE_BYTE[column]} WHERE posting_id ="
        f" (SELECT posting_id FROM postings WHERE campaign_id = %(one)s AND seal = {seal} ORDER BY posting_id LIMIT 1)"
    )
    found = broken(call)
    assert any(subject == f"seal {seal} of campaign one" for subject, _, _ in found)
    assert len(found) <= 2


def test_a_change_is_told_of_with_both_hashes(change: Change, call: MakeCall) -> None:
    change("UPDATE postings SET amount_minor = 301 WHERE amount_minor = 300")
    ((subject, expected, actual),) = broken(call)
    assert subject == "seal 2 of campaign one"
    assert expected.startswith("hash ")
    assert actual.startswith("hash ")
    assert actual.endswith(" by its postings and the seal before")
    assert expected not in actual


def test_a_posting_taken_away_is_found(change: Change, call: MakeCall) -> None:
    change("DELETE FROM postings WHERE amount_minor = 300")
    assert broken(call) == [("seal 2 of campaign one", "2 postings", "1 postings")]


@pytest.mark.parametrize(
    ("campaign", "seal", "told"),
    [
        ("%(one)s", 2, ("seal 2 of campaign one", "2 postings", "3 postings")),
        ("%(one)s", 5, ("seal 5 of campaign one", "a seal over 1 postings", "there is no such seal")),
        ("%(nobody)s", 1, (f"seal 1 of campaign {UUID(int=7)}", "a seal over 1 postings", "there is no such seal")),
    ],
)
def test_a_posting_added_is_found(change: Change, call: MakeCall, campaign: str, seal: int, told: tuple[str, str, str]) -> None:
    change(
        "INSERT INTO postings (posting_id, step, debit_account, credit_account, amount_minor, campaign_id, reference, effective_at,"
        f" recorded_at, seal) SELECT gen_random_uuid(), step, debit_account, credit_account, 1, {campaign}, reference, effective_at,"
        f" recorded_at, {seal} FROM postings LIMIT 1"
    )
    assert broken(call) == [told]


def test_a_seal_taken_away_is_found(change: Change, call: MakeCall) -> None:
    change("DELETE FROM seals WHERE campaign_id = %(one)s AND number = 2")
    assert broken(call) == [
        ("seal 2 of campaign one", "a seal over 2 postings", "there is no such seal"),
        ("seal 2 of campaign one", "to be in the chain", "it is missing: seal 3 follows seal 1"),
    ]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_seal_taken_away_with_its_postings_is_found(change: Change, call: MakeCall, number: int) -> None:
    change(f"DELETE FROM postings WHERE campaign_id = %(one)s AND seal = {number}")
    change(f"DELETE FROM seals WHERE campaign_id = %(one)s AND number = {number}")
    assert [subject for subject, _, _ in broken(call)] == [f"seal {number} of campaign one"]
    for table, column in (("postings", "seal"), ("seals", "number")):  # not even when the later ones move up
        for later in range(number + 1, 5):
            change(f"UPDATE {table} SET {column} = {column} - 1 WHERE campaign_id = %(one)s AND {column} = {later}")
    assert next(subject for subject, _, _ in broken(call)) == f"seal {number} of campaign one"


def test_seals_in_another_order_are_found(change: Change, call: MakeCall) -> None:
    for table, column in (("postings", "seal"), ("seals", "number")):
        for source, target in ((3, 9), (4, 3), (9, 4)):
            change(f"UPDATE {table} SET {column} = {target} WHERE campaign_id = %(one)s AND {column} = {source}")
    assert [subject for subject, _, _ in broken(call)] == ["seal 3 of campaign one", "seal 4 of campaign one"]


def test_a_posting_changed_with_its_own_seal_breaks_the_next(change: Change, call: MakeCall) -> None:
    change("UPDATE seals SET hash = sha256('mended') WHERE campaign_id = %(one)s AND number = 3")
    assert [subject for subject, _, _ in broken(call)] == ["seal 3 of campaign one", "seal 4 of campaign one"]


def _verify(postgres: EmbeddedPostgres, *options: str) -> Any:  # noqa: ANN401
    return CliRunner().invoke(app, ["ledger", "verify", "--database-url", postgres.app_url(), *options])


def _invariants(done: Any) -> set[str]:  # noqa: ANN401
    return {finding["invariant"] for finding in json.loads(done.stdout)["findings"]}


def _cut(change: Change) -> None:
    change("DELETE FROM postings WHERE campaign_id = %(one)s AND seal = 4")
    change("DELETE FROM seals WHERE campaign_id = %(one)s AND number = 4")


@pytest.fixture
def noted(books: PostgresBooks, call: MakeCall, tmp_path: Path) -> str:
    """A file with the heads as they are."""
    assert books.entries()
    file = tmp_path / "heads.json"
    found = service.audit_books(call("auditor")).heads
    file.write_text(Heads(heads=[HeadView.of(head) for head in found]).model_dump_json())
    return str(file)


def test_a_chain_cut_at_its_end_is_found_by_its_head(change: Change, call: MakeCall, postgres: EmbeddedPostgres, noted: str) -> None:
    _cut(change)
    assert broken(call) == []
    done = _verify(postgres, "--json", "--heads", noted)
    assert done.exit_code == 3
    (finding,) = (finding for finding in json.loads(done.stdout)["findings"] if finding["invariant"] == HEADS)
    assert finding["subject"] == f"seal 4 of campaign {ONE}"
    assert finding["actual"] == "there is no such seal; the chain ends with seal 3"


def test_a_chain_cut_and_grown_again_is_found_by_its_head(
    change: Change, books: PostgresBooks, postgres: EmbeddedPostgres, noted: str
) -> None:
    _cut(change)
    change("UPDATE accounts SET debit_minor = debit_minor - 50 WHERE campaign_id = %(one)s AND kind = 'reserved'")
    change("UPDATE reservations SET open_minor = open_minor + 50 WHERE campaign_id = %(one)s AND open_minor = 150")
    books.post([move(Step.VOID, 50, "a", turn=3)])
    (finding,) = (f for f in json.loads(_verify(postgres, "--json", "--heads", noted).stdout)["findings"] if f["invariant"] == HEADS)
    assert finding["actual"].startswith("hash ")


def test_chains_that_grew_still_hold_their_earlier_heads(books: PostgresBooks, postgres: EmbeddedPostgres, noted: str) -> None:
    books.post([move(Step.VOID, 50, "a", turn=3)])
    assert HEADS not in _invariants(_verify(postgres, "--json", "--heads", noted))


@pytest.mark.parametrize("text", ["", "[]", '{"heads": [{"campaign_id": "cmp_1", "seal": 1, "hash": ""}]}'])
def test_a_file_without_heads_is_wrong_usage(postgres: EmbeddedPostgres, tmp_path: Path, text: str) -> None:
    file = tmp_path / "heads.json"
    file.write_text(text)
    assert _verify(postgres, "--heads", str(file)).exit_code == 2
    assert _verify(postgres, "--heads", str(tmp_path / "nothing.json")).exit_code == 2
