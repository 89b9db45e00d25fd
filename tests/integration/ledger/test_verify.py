"""`clo ledger verify` proves the books: whatever one cent is changed behind their back is found and named."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from typer.testing import CliRunner

from events.payloads import PayoutsDue
from shared.cli.main import app
from shared.kernel.ids import CAMPAIGN
from shared.ledger import service as ledger
from shared.ledger.model import Finding
from shared.platform.local.postgres import EmbeddedPostgres
from shared.redemptions import payout
from tests.conftest import NOW, MakeCall
from tests.world import World, purchase

TOTALS = "totals are the sums of postings"
BALANCES = "a seal's balance is that of the seal before and its postings"
ROUTES = "a step joins its two accounts, of one campaign and currency"
REDEMPTIONS = "what is earned of a redemption is posted, and what is pending is reserved, used up or open"
PAYOUTS = "paid is what was credited and offset less what failed, came back or was recovered, each posted"
APPROVALS = "a budget is what was requested and decided, each change posted"
SEALS = "postings are as they were sealed"
COUNTS = "what an offer's limited pot gave is what its redemptions cost"
OVERPAID = "no campaign pays more than was ever posted"
OVERSPENT = "no campaign promises more than was approved"

BOTH = """
    WITH p AS (
        UPDATE postings SET amount_minor = amount_minor + 1 WHERE posting_id = {approve} RETURNING debit_account, credit_account
    )
    UPDATE accounts SET debit_minor = debit_minor + (account_no = debit_account)::int,
                        credit_minor = credit_minor + (account_no = credit_account)::int
    FROM p WHERE account_no IN (debit_account, credit_account)
"""
CHANGES = {
    "a posting that reserves": (
        "UPDATE postings SET amount_minor = amount_minor + 1 WHERE posting_id = {reserve}",
        {TOTALS, BALANCES, REDEMPTIONS, SEALS},
    ),
    "a posting of a reward": (
        "UPDATE postings SET amount_minor = amount_minor - 1 WHERE posting_id = {post}",
        {TOTALS, REDEMPTIONS, SEALS},
    ),
    "a posting of a payment": ("UPDATE postings SET amount_minor = amount_minor + 1 WHERE posting_id = {pay}", {TOTALS, PAYOUTS, SEALS}),
    "a posting of an approval": (
        "UPDATE postings SET amount_minor = amount_minor + 1 WHERE posting_id = {approve}",
        {TOTALS, BALANCES, APPROVALS, SEALS},
    ),
    "a posting taken away": ("DELETE FROM postings WHERE posting_id = {post}", {TOTALS, REDEMPTIONS, SEALS}),
    "a posting to another account": (
        "UPDATE postings SET credit_account = (SELECT account_no FROM accounts WHERE kind = 'paid' LIMIT 1) WHERE posting_id = {post}",
        {TOTALS, ROUTES, SEALS},
    ),
    "a posting of another step": ("UPDATE postings SET step = 'void' WHERE posting_id = {post}", {ROUTES, REDEMPTIONS, SEALS}),
    "a posting of another campaign": ("UPDATE postings SET campaign_id = {nobody} WHERE posting_id = {post}", {ROUTES, SEALS}),
    "a posting about something else": ("UPDATE postings SET reference = {nobody} WHERE posting_id = {post}", {REDEMPTIONS, SEALS}),
    "a payment about something else": ("UPDATE postings SET reference = {nobody} WHERE posting_id = {pay}", {PAYOUTS, SEALS}),
    "the balance of a seal": ("UPDATE seals SET available_minor = available_minor + 1 WHERE number = 1", {BALANCES}),
    "debits of an account": ("UPDATE accounts SET debit_minor = debit_minor + 1 WHERE kind = 'available'", {TOTALS}),
    "credits of an account": ("UPDATE accounts SET credit_minor = credit_minor + 1 WHERE kind = 'payable'", {TOTALS}),
    "what is pending of a redemption": (
        "UPDATE redemptions SET earned_minor = earned_minor - 1 WHERE redemption_id = {paid}",
        {REDEMPTIONS},
    ),
    "what of a redemption was written off": (
        "UPDATE redemptions SET written_off_minor = 1 WHERE redemption_id = {paid}",
        {REDEMPTIONS},
    ),
    "the reward of a redemption": (
        "UPDATE redemptions SET reward_minor = reward_minor - 1, earned_minor = earned_minor - 1 WHERE redemption_id = {paid}",
        {REDEMPTIONS},
    ),
    "the paid amount of a redemption": ("UPDATE redemptions SET paid_minor = paid_minor + 1 WHERE redemption_id = {paid}", {PAYOUTS}),
    "a redemption taken away": ("DELETE FROM redemptions WHERE redemption_id = {unpaid}", {REDEMPTIONS}),
    "a statement credit": ("UPDATE statement_credits SET amount_minor = amount_minor - 1", {PAYOUTS}),
    "a statement credit taken away": ("WITH told AS (DELETE FROM credit_results) DELETE FROM statement_credits", {PAYOUTS}),
    "what was told of a statement credit": ("UPDATE credit_results SET result = 'returned', code = 'other'", {PAYOUTS}),
    "what was told of a statement credit, taken away": ("DELETE FROM credit_results", {PAYOUTS}),
    "what of a redemption is on its way": ("UPDATE redemptions SET instructed_minor = 1 WHERE redemption_id = {paid}", {PAYOUTS}),
    "an approved request": ("UPDATE budget_requests SET amount_minor = amount_minor + 1", {APPROVALS}),
    "the decision on a request": ("UPDATE budget_requests SET state = 'rejected'", {APPROVALS}),
    "an open reservation out of nowhere": (
        "INSERT INTO reservations (campaign_id, reference, open_minor) VALUES ({campaign}, {paid}, 1)",
        {REDEMPTIONS},
    ),
    "an approval in postings and totals alike": (
        BOTH,
        {BALANCES, APPROVALS, SEALS},
    ),
}


class Behind:
    """The owner of the database, who can change what no function can."""

    def __init__(self, postgres: EmbeddedPostgres, names: dict[str, UUID]) -> None:
        self._url = postgres.owner_url()
        self.names = names

    def change(self, statement: str) -> None:
        literals = {name: psycopg.sql.Literal(value) for name, value in self.names.items()}
        with psycopg.connect(self._url, autocommit=True) as connection:
            changed = connection.execute(psycopg.sql.SQL(statement).format(**literals))
            assert changed.rowcount > 0


@pytest.fixture
def world(call: MakeCall) -> World:
    return World(call)


@pytest.fixture
def behind(world: World, call: MakeCall, postgres: EmbeddedPostgres) -> Behind:
    """Books with one redemption that is paid, one that is not yet, and one that a late purchase made smaller."""
    campaign = world.campaign(budget=10_000)
    world.grant(world.offer(campaign, reward={"kind": "percent", "basis_points": 1_000}), "paid", "unpaid", "revised")
    world.post(purchase("t1", "paid"), purchase("t2", "unpaid"), purchase("t4", "revised", amount=4_000))
    world.post(purchase("t3", "revised", at=NOW - timedelta(hours=1)))
    ids = {row["customer_id"]: row["redemption_id"] for row in world.redemptions()}
    payout.pay_due(call("pay_cashback", key="pay"), PayoutsDue(shard=0, redemption_ids=[ids["paid"]]))
    world.confirm()
    steps = {row["step"]: row for row in world.rows("SELECT * FROM postings WHERE step NOT IN ('reserve', 'post')")}
    own = {row["step"]: row for row in world.rows(f"SELECT * FROM postings WHERE reference = '{ids['paid']}'")}
    postings = {step: row["posting_id"] for step, row in (steps | own).items()}
    assert set(postings) == {"approve", "reserve", "post", "instruct", "pay", "reverse"}
    return Behind(postgres, ids | postings | {"nobody": UUID(int=7), "campaign": campaign})


def findings(call: MakeCall) -> list[Finding]:
    return ledger.verify(call("auditor"))


def test_books_that_nobody_touched_hold(behind: Behind, call: MakeCall) -> None:
    assert findings(call) == []


@pytest.mark.parametrize(("statement", "invariants"), CHANGES.values(), ids=CHANGES)
def test_one_cent_changed_behind_the_books_is_found(behind: Behind, call: MakeCall, statement: str, invariants: set[str]) -> None:
    behind.change(statement)
    assert {finding.invariant for finding in findings(call)} == invariants


def test_money_promised_beyond_the_budget_is_found(behind: Behind, call: MakeCall) -> None:
    behind.change("DELETE FROM postings WHERE posting_id = {approve}")
    assert {finding.invariant for finding in findings(call)} == {TOTALS, BALANCES, APPROVALS, OVERSPENT, SEALS}


def test_more_paid_than_posted_is_found(behind: Behind, call: MakeCall) -> None:
    behind.change("UPDATE postings SET amount_minor = 10000 WHERE posting_id = {instruct}")
    assert OVERPAID in {finding.invariant for finding in findings(call)}


@pytest.mark.parametrize("by", [1, -1])
def test_a_wrong_count_of_an_offers_redemptions_is_found(behind: Behind, world: World, call: MakeCall, by: int) -> None:
    world.grant(world.offer(behind.names["campaign"], limits={"redemptions_total": 5}), "limited")
    world.post(purchase("t5", "limited"))
    assert findings(call) == []
    behind.change(f"UPDATE offer_pots SET redemptions = redemptions + {by}")
    (finding,) = findings(call)
    assert (finding.invariant, finding.expected, finding.actual) == (COUNTS, "1 redemptions, 200", f"{1 + by} redemptions, 200")


def test_a_finding_names_the_thing_with_its_figures(behind: Behind, call: MakeCall) -> None:
    behind.change("UPDATE redemptions SET reward_minor = reward_minor - 1, earned_minor = earned_minor - 1 WHERE redemption_id = {paid}")
    (finding,) = findings(call)
    assert finding.subject == f"redemption {behind.names['paid']}"
    assert (finding.expected, finding.actual) == ("149 posted, 0 open, 150 used or open", "150 posted, 150 used, 0 open")


@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        ("UPDATE accounts SET debit_minor = debit_minor + 1 WHERE kind = 'available'", lambda names: "(available)"),
        ("UPDATE postings SET step = 'void' WHERE posting_id = {post}", lambda names: f"posting {names['post']} (void)"),
        ("UPDATE redemptions SET paid_minor = paid_minor + 1 WHERE redemption_id = {paid}", lambda names: f"redemption {names['paid']}"),
        ("UPDATE postings SET reference = {nobody} WHERE posting_id = {pay}", lambda names: f"{names['nobody']}"),
        ("UPDATE budget_requests SET amount_minor = amount_minor + 1", lambda names: f"campaign {names['campaign']}"),
    ],
    ids=["account", "posting", "redemption", "payment", "campaign"],
)
def test_what_was_changed_is_named(behind: Behind, call: MakeCall, statement: str, subject: Callable[[dict[str, UUID]], str]) -> None:
    behind.change(statement)
    assert any(subject(behind.names) in finding.subject for finding in findings(call))


def head(call: MakeCall) -> dict[str, Any]:
    (found,) = ledger.audit_books(call("auditor")).heads
    return {"campaign_id": CAMPAIGN.render(found.campaign_id), "seal": found.number, "hash": found.hash.hex()}


def _verify(postgres: EmbeddedPostgres, *options: str) -> Any:  # noqa: ANN401
    return CliRunner().invoke(app, ["ledger", "verify", "--database-url", postgres.app_url(), *options])


@pytest.mark.usefixtures("behind")
def test_the_command_tells_that_the_books_hold_and_the_heads_of_the_chains(call: MakeCall, postgres: EmbeddedPostgres) -> None:
    done = _verify(postgres, "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"holds": True, "findings": [], "heads": [head(call)]})


def test_heads_that_were_written_hold_while_the_chains_grow(
    behind: Behind, world: World, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    noted = str(tmp_path / "heads.json")
    assert _verify(postgres, "--write-heads", noted).exit_code == 0
    world.post(purchase("t6", "revised", at=NOW - timedelta(hours=2), amount=2_000))
    done = _verify(postgres, "--json", "--heads", noted)
    assert done.exit_code == 0
    (first,), (later,) = json.loads(Path(noted).read_text())["heads"], json.loads(done.stdout)["heads"]
    assert later["seal"] == first["seal"] + 1
    behind.change("DELETE FROM seals WHERE number = 2")
    assert _verify(postgres, "--heads", noted).exit_code == 3


def test_heads_of_books_that_do_not_hold_are_not_written(behind: Behind, postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    behind.change("UPDATE postings SET amount_minor = amount_minor + 1 WHERE posting_id = {pay}")
    assert _verify(postgres, "--write-heads", str(tmp_path / "heads.json")).exit_code == 3
    assert not (tmp_path / "heads.json").exists()


def test_the_command_fails_and_names_what_does_not_hold(behind: Behind, postgres: EmbeddedPostgres) -> None:
    behind.change("UPDATE redemptions SET reward_minor = reward_minor - 1, earned_minor = earned_minor - 1 WHERE redemption_id = {paid}")
    done = _verify(postgres, "--json")
    assert done.exit_code == 3
    said = json.loads(done.stdout)
    assert not said["holds"]
    assert [finding["subject"] for finding in said["findings"]] == [f"redemption {behind.names['paid']}"]
