"""The page at the platform's root: right from the first minute, and true afterwards."""

from shared.reports import live
from tests.conftest import MakeCall
from tests.world import World, purchase


def test_greets_an_empty_platform(call: MakeCall) -> None:
    assert "No campaigns yet" in live.page(call())


def test_shows_what_the_database_holds(call: MakeCall) -> None:
    world = World(call)
    campaign_id = world.campaign(budget=300, name="Winter <& spring>")
    world.grant(world.offer(campaign_id), "a", "b")
    world.post(purchase("t1", "a"), purchase("t2", "b"))

    data = live.page_data(call())

    (row,) = data.campaigns
    assert (row.approved_minor, row.spent_minor, row.left_minor, row.granted, row.redeemed, row.refused) == (300, 200, 100, 2, 1, 1)
    assert row.ran_dry_at is not None
    assert (row.first_day.isoformat(), row.last_day.isoformat()) == ("2026-01-01", "2026-01-31")
    assert [(point.day.isoformat(), point.spent_minor) for point in row.burn] == [("2026-01-15", 200)]
    assert [(check.name, check.ok) for check in data.checks] == [
        ("The ledger balances", True),
        ("Spent is the sum of postings and of redemptions", True),
        ("No campaign spends more than was approved", True),
    ]
    assert {step.name: step.count for step in data.funnel if step.count} == {"Granted": 2, "Purchased": 2, "Redeemed": 1}
    assert "Winter &lt;&amp; spring&gt;" in live.page(call())


def test_says_so_when_spending_is_not_proven(call: MakeCall) -> None:
    world = World(call)
    world.campaign(budget=300)
    with call().transaction() as tx:
        tx.connection.execute("UPDATE accounts SET credit_minor = credit_minor + 1 WHERE kind = 'payable'")

    failed = [check.name for check in live.page_data(call()).checks if not check.ok]

    assert failed == ["The ledger balances", "Spent is the sum of postings and of redemptions"]
    assert "2 of 3 checks failed" in live.page(call())
